"""An account: another password ends every session, keys are shown once and are worthless when revoked."""

from __future__ import annotations

import datetime as dt
import json
import re
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text

from config import accounts, activity, tokens
from config.errors import Misconfigured
from daemon.bootstrap import Application, application
from daemon.web.access import LINE
from tests.commands import chosen, greenroom
from tests.web import NAME, PASSWORD, Browser, set_up

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ANOTHER = "a new horse battery"


def test_who_is_one_of_a_crowd_is_not_told_that_passwords_were_wrong(browser: Browser) -> None:
    form = {"csrf": browser.csrf(), "name": NAME, "current": PASSWORD, "password": PASSWORD}
    for _ in range(LINE):
        browser.served.state.throttle.line.acquire()
    for path in ("/account/password", "/sign-in"):
        answer = browser.client.post(path, data=form)
        assert (answer.status_code, "the next one is possible in 1 minute." in answer.text) == (429, True), path


def outside(browser: Browser, **headers: str) -> TestClient:
    """Return a client of its own, without our cookies."""
    return TestClient(browser.served, base_url="http://localhost", headers=headers)


def test_another_password_ends_every_other_session(browser: Browser) -> None:
    elsewhere = outside(browser, **{"sec-fetch-site": "same-origin"})
    elsewhere.post("/sign-in", data={"name": NAME, "password": PASSWORD})
    assert elsewhere.get("/account", follow_redirects=False).status_code == 200
    form = {"csrf": browser.csrf(), "current": PASSWORD, "password": ANOTHER}
    assert browser.client.post("/account/password", data=form | {"current": "wrong"}).status_code == 403
    assert browser.client.post("/account/password", data=form | {"password": "short"}).status_code == 422
    assert browser.client.post("/account/password", data=form).url.path == "/account"
    assert browser.client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 401
    assert elsewhere.post("/sign-in", data={"name": NAME, "password": PASSWORD}).status_code == 403
    assert elsewhere.post("/sign-in", data={"name": NAME, "password": ANOTHER}).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/account/password"])
def test_a_password_that_is_changed_while_it_is_checked_opens_nothing_any_more(
    browser: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_password = accounts.is_password

    def slowly(kept: str | None, password: str) -> bool:
        is_right = is_password(kept, password)
        with browser.app.database.begin() as connection:
            accounts.change_password(connection, NAME, ANOTHER)
        return is_right

    form = {"csrf": browser.csrf(), "name": NAME, "current": PASSWORD, "password": PASSWORD}
    monkeypatch.setattr(accounts, "is_password", slowly)
    assert browser.client.post(path, data=form).status_code == 403
    monkeypatch.undo()
    assert browser.client.get("/account").status_code == 401
    assert browser.client.post("/sign-in", data={"name": NAME, "password": ANOTHER}).status_code == 200


def test_a_key_is_shown_once_and_opens_the_api_until_it_is_revoked(browser: Browser) -> None:
    form = {"csrf": browser.csrf(), "name": "graphs <b>", "scope": "read"}
    page = browser.client.post("/account/keys", data=form).text
    shown = re.search(r'class="secret">([\w-]+)<', page)
    assert shown
    assert "graphs &lt;b&gt;" in page
    assert shown[1] not in browser.client.get("/account").text
    assert browser.client.post("/account/keys", data=form).status_code == 422
    script = outside(browser, **{"x-api-key": shown[1]})
    assert script.get("/api/v1/settings/phase-config").status_code == 200
    number = re.search(r"/account/keys/(\d+)/revoke", page)
    assert number
    browser.client.post(f"/account/keys/{number[1]}/revoke", data={"csrf": form["csrf"]})
    assert script.get("/api/v1/settings/phase-config").status_code == 401
    assert browser.client.post(f"/account/keys/{number[1]}/revoke", data={"csrf": form["csrf"]}).status_code == 422


def test_a_key_makes_no_keys(browser: Browser) -> None:
    page = browser.client.post("/account/keys", data={"csrf": browser.csrf(), "name": "all", "scope": "write"}).text
    key = re.search(r'class="secret">([\w-]+)<', page)
    assert key
    script = outside(browser, **{"x-api-key": key[1]})
    assert script.post("/account/keys", data={"name": "more", "scope": "write"}).status_code == 403
    assert script.post("/account/password", data={"current": PASSWORD, "password": ANOTHER}).status_code == 403
    assert script.get("/account").status_code == 403


def test_who_signed_in_and_who_failed_to_is_remembered(app: Application) -> None:
    browser = Browser(app)
    set_up(browser)
    browser.client.post("/sign-in", data={"name": "m\0allory\ud800".encode("utf-8", "surrogatepass"), "password": "x"})
    with browser.app.database.read() as connection:
        events = activity.newest(connection)
    assert [event.what for event in events] == ["sign_in_failed", "signed_in", "account_made"]
    assert events[1].account == NAME


def test_accounts_and_keys_are_made_on_the_command_line_too(browser: Browser) -> None:
    assert greenroom("accounts", "add", "ada", given="short\n").exit_code == 2
    assert greenroom("accounts", "add", "ada", given=f"{PASSWORD}\n").exit_code == 0
    assert greenroom("accounts", "password", "nobody", given=f"{PASSWORD}\n").exit_code == 2
    assert greenroom("accounts", "password", "ada", given=f"{ANOTHER}\n").exit_code == 0
    assert json.loads(greenroom("accounts", "--json").stdout) == ["ada", NAME]
    assert greenroom("keys", "add", "nightly").exit_code == 2  # whose?
    key = greenroom("keys", "add", "nightly", "--account", "ada", "--write").stdout.strip()
    script = outside(browser, **{"x-api-key": key})
    change = {"staging_scan.workers": 7}
    assert script.patch("/api/v1/settings/phase-config", json=change).status_code == 200
    (listed,) = json.loads(greenroom("keys", "list", "--json").stdout)
    assert (listed["account"], listed["name"], listed["scopes"]) == ("ada", "nightly", ["read", "write"])
    assert "nightly" in greenroom("keys", "list").output
    assert greenroom("keys", "revoke", str(listed["id"])).exit_code == 0
    assert script.get("/api/v1/settings/phase-config").status_code == 401
    assert greenroom("keys", "revoke", str(listed["id"])).exit_code == 2


def test_of_two_who_make_the_same_at_once_one_is_refused(browser: Browser) -> None:
    """Each waits until the other has ended, and so sees what came of it."""
    database = browser.app.database

    def add(connection: Connection) -> None:
        tokens.add_hook(connection, NAME, "lidarr", NOW)
        tokens.add_key(connection, NAME, "graphs", ("read",), NOW)

    def later() -> None:
        with database.begin() as connection:
            add(connection)

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            add(connection)
            second = pool.submit(later)
            wait([second], 1)
        with pytest.raises(Misconfigured, match="a hook lidarr already"):
            second.result()


@pytest.mark.postgres
def test_a_database_that_takes_no_writes_still_shows_its_pages(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, tmp_path / "data", postgres_url)
    with application() as app:
        browser = Browser(app)
        set_up(browser)
        with app.database.begin() as connection:
            connection.execute(text("UPDATE tokens SET seen_at = NULL"))
            name = connection.scalar(text("SELECT current_database()"))
            connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        app.database.engine.dispose()
        assert browser.client.get("/").status_code == 200
