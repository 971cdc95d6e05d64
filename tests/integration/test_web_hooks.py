"""Webhooks: who knows the secret may give a hint, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config import admin
from daemon.actions.hooks import MAX_BODY, REMEMBERED_SECONDS, Messages, lies_in, paths_of
from daemon.bootstrap import Application
from daemon.web.access import Throttle
from tests.commands import greenroom
from tests.scenarios.house import NOW
from tests.web import NAME, Browser, set_up

pytestmark = pytest.mark.sqlite
LIDARR = {
    "eventType": "Download",
    "artist": {"id": 7, "name": "Ada", "path": "/music/Ada"},
    "tracks": [{"id": 1, "title": "One"}],
    "trackFiles": [{"id": 1, "path": "/downloads/Ada - Tide/01 One.flac"}],
    "isUpgrade": False,
}
RADARR = {
    "eventType": "Download",
    "movie": {"id": 3, "title": "Low Tide", "folderPath": "/movies/Low Tide"},
    "movieFile": {
        "relativePath": "Low Tide.mkv",
        "path": "/movies/Low Tide/Low Tide.mkv",
        "sourcePath": "/downloads/x",
    },
}


@pytest.fixture
def browser(app: Application, tmp_path: Path) -> Browser:
    """Somebody without a session, at an installation whose daemon counts hints."""
    with app.database.begin() as connection:
        admin.put(connection, "hooks.path_map", f"/downloads={tmp_path / 'inbound'}", actor="test", now=NOW)
    return Browser(app)


@pytest.fixture
def secret(browser: Browser) -> str:
    return greenroom("hooks", "add", "lidarr").stdout.strip().splitlines()[-1]


def tell(browser: Browser, secret: str, message: object = LIDARR, name: str = "lidarr") -> tuple[int, dict[str, Any]]:
    client = TestClient(browser.served, base_url="http://localhost")
    answer = client.post(f"/api/v1/hooks/{name}", json=message, auth=("greenroom", secret))
    return answer.status_code, answer.json()


def test_a_message_about_inbound_is_a_hint_once_and_touches_nothing(browser: Browser, secret: str) -> None:
    hints: list[str] = []
    browser.app.hint = lambda: hints.append("hint")
    assert tell(browser, secret)[1]["heard"] is True
    assert tell(browser, secret) == (200, {"heard": False, "why": "the same message was there before"})
    assert tell(browser, secret, RADARR)[1]["heard"] is True
    assert tell(browser, secret, {"eventType": "Test"})[1]["heard"] is False
    assert tell(browser, secret, {"path": "/downloads/../etc/passwd"})[1]["heard"] is False
    assert hints == ["hint", "hint"]


def test_only_the_hooks_own_secret_opens_it(browser: Browser, secret: str) -> None:
    browser.app.hint = lambda: None
    other = greenroom("hooks", "add", "radarr").stdout.strip().splitlines()[-1]
    assert tell(browser, other)[0] == 401
    assert tell(browser, "")[0] == 401
    assert tell(browser, secret, name="nobody")[0] == 401
    client = TestClient(browser.served, base_url="http://localhost")
    assert client.post("/api/v1/hooks/lidarr", json=LIDARR, headers={"x-hook-secret": secret}).status_code == 200
    for garbage in (b"Basic %%%", b"Basic \xff\xfe", "Basic é".encode()):
        answer = client.post("/api/v1/hooks/lidarr", json=LIDARR, headers={b"authorization": garbage})
        assert answer.status_code == 401
    assert client.get("/api/v1/runs", headers={"x-api-key": secret}).status_code == 401
    assert [hook["name"] for hook in json.loads(greenroom("hooks", "list", "--json").stdout)] == ["radarr", "lidarr"]
    assert "lidarr" in greenroom("hooks", "list").output
    assert greenroom("hooks", "remove", "lidarr").exit_code == 0
    assert tell(browser, secret)[0] == 401
    assert greenroom("hooks", "remove", "lidarr").exit_code == 2
    assert greenroom("hooks", "add", "../x").exit_code == 2


def test_guessing_is_made_to_wait(browser: Browser, secret: str) -> None:
    browser.served.state.throttle = Throttle(tries=2)
    assert [tell(browser, "guess")[0] for _ in range(3)] == [401, 401, 429]
    assert tell(browser, secret)[0] == 429


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * (MAX_BODY + 1), 413), (b"{", 422), (b"[]", 422), (b"[" * 100_000, 422), (b"\xff", 422), (b"", 422)],
)
def test_what_is_no_message_is_refused(browser: Browser, secret: str, body: bytes, status: int) -> None:
    client = TestClient(browser.served, base_url="http://localhost")
    answer = client.post("/api/v1/hooks/lidarr", content=body, headers={"x-hook-secret": secret})
    assert answer.status_code == status


def test_without_a_daemon_nobody_pretends_to_have_heard(browser: Browser, secret: str) -> None:
    assert [tell(browser, secret)[0] for _ in range(2)] == [503, 503], "it was not heard, and may be told again"


def test_paths_are_found_where_lidarr_and_radarr_put_them() -> None:
    assert list(paths_of(LIDARR)) == ["/music/Ada", "/downloads/Ada - Tide/01 One.flac"]
    assert list(paths_of(RADARR)) == ["/movies/Low Tide", "/movies/Low Tide/Low Tide.mkv", "/downloads/x"]
    deep: object = "/x"
    for _ in range(50):
        deep = {"path": deep} if deep == "/x" else {"a": deep}
    assert list(paths_of(deep)) == []


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/downloads/a", True),
        ("/downloads", True),
        ("/downloads2/a", False),
        ("/srv/inbound/a", True),
        ("/srv/inbound/../staging", False),
        ("/srv/inbound2", False),
        ("downloads/a", False),
        ("/downloads/\0", False),
        ("/downloads/\ud800", True),
        ("", False),
    ],
)
def test_a_path_is_put_as_this_machine_sees_it(path: str, inside: bool) -> None:
    assert lies_in(path, b"/srv/inbound", {"/downloads": "/srv/inbound/"}) is inside


def test_a_message_is_new_again_after_a_while() -> None:
    messages = Messages()
    assert [messages.is_new("a", b"x", now) for now in (0.0, 1.0, REMEMBERED_SECONDS + 2)] == [True, False, True]
    assert messages.is_new("b", b"x", 0.0)


def test_the_api_makes_lists_and_removes_hooks_for_those_it_knows(browser: Browser) -> None:
    address = "/api/v1/hooks"
    for refused in (browser.client.post(address, json={"name": "lidarr"}), browser.client.get(address)):
        assert refused.status_code == 401
    assert browser.client.delete(address, params={"name": "lidarr"}).status_code == 401
    set_up(browser)
    made = browser.client.post(address, json={"name": "lidarr"}).json()
    assert made["path"] == f"{address}/lidarr"
    hints: list[str] = []
    browser.app.hint = lambda: hints.append("hint")
    assert tell(browser, made["secret"])[1]["heard"] is True
    assert [(one["name"], one["made_by"]) for one in browser.client.get(address).json()] == [("lidarr", NAME)]
    assert made["secret"] not in browser.client.get(address).text
    assert browser.client.post(address, json={"name": "lidarr"}).status_code == 422
    assert browser.client.post(address, json={"name": "../x"}).status_code == 422
    assert browser.client.delete(address, params={"name": "lidarr"}).status_code == 204
    assert browser.client.delete(address, params={"name": "lidarr"}).status_code == 404
    assert tell(browser, made["secret"])[0] == 401
