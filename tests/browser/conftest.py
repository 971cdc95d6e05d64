"""A chromium for the tests of one file, and an installation whose page it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from daemon.bootstrap import Application
from daemon.web.server import WebServer
from tests.chromium import WAIT, chromium, program
from tests.web import NAME, PASSWORD, add_roots, installation, new_account, patient

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A chromium; not for the whole session, because Playwright's loop would be in the way of other tests."""
    with chromium(program()) as started:
        yield started


@pytest.fixture
def app(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Application]:
    """An installation with two empty roots and one account; parametrised, below that path of its host."""
    monkeypatch.setenv("GREENROOM_WEB_BASE", getattr(request, "param", ""))
    with installation(sqlite_url, tmp_path, monkeypatch) as opened:
        add_roots(opened, tmp_path)
        new_account(opened)
        patient(opened)
        yield opened


@pytest.fixture
def open_page(browser: Browser, app: Application) -> Iterator[Open]:
    """Open a window at the installation, signed in; what the browser complains about fails the test."""
    complaints: list[str] = []
    with WebServer(app, ("127.0.0.1", 0)) as server:
        host, port = server.address

        def opened(*, stranger: bool = False, **options: Any) -> Page:
            context = browser.new_context(base_url=f"http://{host}:{port}", **options)
            page = context.new_page()
            page.set_default_timeout(WAIT)
            page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
            if not stranger:
                sign_in(page)
            return page

        yield opened
        for context in browser.contexts:
            context.close()
    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether the browser complains of more than of a form that was filled in wrongly."""
    return said.type == "error" and "status of 422" not in said.text


def sign_in(page: Page) -> None:
    """Sign in by the form, as everybody does."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
