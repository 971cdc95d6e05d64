"""An open application → a browser at it, without a browser: what forms send and pages show."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import insert

from config import accounts, admin, libraries, tokens
from config.tables import AccountRow
from daemon.bootstrap import Application, application
from daemon.disks import Disks
from daemon.web import api, pages
from daemon.web.access import cookie_name
from daemon.web.app import create_app
from daemon.web.navigation import routers
from tests.commands import chosen

AGES = 60.0  # seconds: on a loaded machine a disk that is well answers later than people wait
NAME, PASSWORD = "eva", "correct horse battery"


class Browser:
    """One browser, with its cookies; it says where a request comes from, as browsers do."""

    def __init__(self, app: Application) -> None:
        self.app = app
        patient(app)
        self.served = create_app(app)
        self.client = TestClient(self.served, base_url="http://localhost", headers={"sec-fetch-site": "same-origin"})

    def routes(self) -> Iterator[tuple[str, set[str]]]:
        """Yield path and methods of every route there is."""
        yield "/api/v1/openapi.json", {"GET"}
        for package in (api, pages):
            for route in (route for router in routers(package) for route in router.routes):
                assert isinstance(route, APIRoute)
                assert route.methods
                yield route.path, route.methods

    def setup_token(self) -> str:
        """Return a token as the log shows it."""
        with self.app.database.begin() as connection:
            return tokens.grant(connection, "setup", dt.datetime.now(dt.UTC), lasts=tokens.SETUP)

    def csrf(self) -> str:
        """Return what our forms bring along."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.client.get("/").text)
        assert found
        return found[1]

    def setting(self, key: str) -> str:
        """Return a setting's value as text."""
        with self.app.database.read() as connection:
            return str(admin.get(connection, key))


@contextmanager
def installation(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An installation with nothing in it; at its end nothing of it runs any more."""
    chosen(monkeypatch, folder / "data", url)
    with application() as opened:
        yield opened
        opened.ongoing.stop()
        opened.ongoing.is_idle()


def patient(app: Application) -> None:
    """Let pages wait for disks that are well as long as those take on a loaded machine."""
    app.disks, app.typed = Disks(AGES), Disks(AGES)


def add_roots(app: Application, folder: Path) -> tuple[Path, Path]:
    """Make an inbound and a staging library below a folder that take what is there at once; return both."""
    inbound, staging = folder / "inbound", folder / "staging"
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        for role, root in (("inbound", inbound), ("staging", staging)):
            root.mkdir()
            libraries.add_library(connection, role, bytes(root), now=now)
        for key, value in (("quiet_seconds", 0), ("reserve_mib", 0), ("workers", 2)):
            admin.put(connection, key, value, actor="test", now=now)
    return inbound, staging


def new_account(app: Application) -> None:
    """Make the first account, as the command line does."""
    with app.database.begin() as connection:
        accounts.add_account(connection, NAME, PASSWORD, dt.datetime.now(dt.UTC))


def sign_in(browser: Browser) -> None:
    """Make the first account and sign a browser in, without the half second that the hash of a password takes."""
    now = dt.datetime.now(dt.UTC)
    with browser.app.database.begin() as connection:
        connection.execute(insert(AccountRow).values(name=NAME, password=_kept(), created_at=now))
        token = tokens.grant(connection, "session", now, account=NAME, lasts=tokens.SESSION)
    browser.client.cookies.set(cookie_name("", secure=False), token)
    assert browser.client.get("/").url.path == "/"


@functools.cache
def _kept() -> str:
    """Return what is kept of the password, made once for all tests of a process."""
    return PasswordHasher().hash(PASSWORD)


def set_up(browser: Browser) -> None:
    """Make the first account; the browser is signed in then."""
    form = {"token": browser.setup_token(), "name": NAME, "password": PASSWORD}
    assert browser.client.post("/setup", data=form).url.path == "/"
