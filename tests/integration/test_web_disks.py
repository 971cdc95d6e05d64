"""Disks that hang: no request touches a media tree itself, and what is not seen in time is said to be late."""

from __future__ import annotations

import builtins
import datetime as dt
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import libraries
from daemon.disks import FEW, Disks
from tests.integration.test_web_acts import stage
from tests.integration.test_web_review import press, seen
from tests.web import AGES, Browser

pytestmark = pytest.mark.sqlite
API = "/api/v1"
TOUCHING = ("stat", "lstat", "open", "scandir", "listdir", "statvfs", "access", "readlink", "mkdir")
# What a route needs beside its path to get as far as the disks.
JSON: dict[str, Any] = {
    f"{API}/adoption": {"path": "{library}"},
    f"{API}/libraries": {"role": "library", "path": "{library}"},
    f"{API}/items/merge": {"items": [1, 2]},
    f"{API}/items/{{item_id}}/choose": {"release": "none"},
    f"{API}/items/{{item_id}}/split": {"parts": ["01 - Track 01.mp3"], "artist": "Bo", "album": "Other"},
    f"{API}/items/{{item_id}}/pictures/{{number}}": {"decision": None},
    f"{API}/trash/empty": {"which": "all"},
}
FORMS: dict[str, dict[str, Any]] = {
    "/adopt": {"path": "{library}"},
    "/libraries": {"role": "library", "path": "{library}"},
    "/review/{item_id}/pictures/decide": {"rule": "1"},
    "/review/{item_id}/split": {"seen": "1 approved", "part": "01 - Track 01.mp3", "artist": "Bo", "album": "Other"},
    "/review/{item_id}/release": {"release": "none", "seen": "1 approved"},
    "/trash/empty": {"which": "all"},
}
NOT_WALKED = {"/sign-out", "/runs/now", "/libraries/{library_id}/remove", f"{API}/libraries/{{library_id}}"}


@pytest.fixture
def item(browser: Browser, tmp_path: Path) -> int:
    """An album that was approved, and a library it could go to."""
    (tmp_path / "library").mkdir()
    with browser.app.database.begin() as connection:
        libraries.add_library(connection, "library", bytes(tmp_path / "library"), now=dt.datetime.now(dt.UTC))
    found = stage(browser, tmp_path, "Harbour", tracks=2)["Harbour"]
    press(browser, found, "approve", seen(browser, found))
    return found


@pytest.fixture
def hanging(browser: Browser, item: int) -> list[Callable[[], None]]:
    """Looks that were begun and do not end before they are told to."""
    found: list[Callable[[], None]] = []
    browser.app.disks = Disks(patience=0.0, begin=found.append)
    return found


def test_no_request_touches_a_media_tree_itself(
    browser: Browser, item: int, hanging: list[Callable[[], None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [os.fsencode(tmp_path / role) for role in ("inbound", "staging", "library")]
    csrf, touched = browser.csrf(), []

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(path: Any = b".", *rest: Any, **more: Any) -> Any:
            is_ours = isinstance(path, str | bytes | os.PathLike) and os.fsencode(path).startswith(tuple(roots))
            if is_ours and "AnyIO" in threading.current_thread().name:
                touched.append((at, name, path))
            return call(path, *rest, **more)

        return watching

    for name in TOUCHING:
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    monkeypatch.setattr(builtins, "open", watched("open", builtins.open))
    at, answers = "", []
    for route, methods in browser.routes():
        if route in NOT_WALKED:
            continue
        path = re.sub(r"{item_id}|{library_id}", str(item), route)
        path = path.replace("{verb}", "retry").replace("{prefix}", "staging_scan")
        path = re.sub(r"{\w+}", "1", path)
        for method in methods - {"HEAD", "DELETE"}:
            at = f"{method} {route}"
            body = {
                name: _in(tmp_path, value)
                for name, value in (JSON if "/api/" in route else FORMS).get(route, {}).items()
            }
            given: dict[str, Any] = {"json": body} if "/api/" in route else {"data": {"csrf": csrf, **body}}
            if route.endswith("/pictures"):
                given = {"data": {"type": "front", "csrf": csrf}, "files": {"file": ("x.png", b"none")}}
            if method == "GET":
                given = {"params": {"path": str(tmp_path / "inbound"), "q": "x"}}
            answer = browser.client.request(method, path, headers={"accept": "text/html"}, **given)
            answers.append((at, answer.status_code))
            assert answer.status_code != 500, at
    assert browser.app.ongoing.is_idle(AGES)
    assert touched == []
    assert len([at for at, status in answers if status in (200, 202, 503)]) > len(answers) / 2, answers
    assert hanging, "threads were to look"


def _in(folder: Path, value: Any) -> Any:
    return value.format(library=folder / "library") if isinstance(value, str) else value


def test_a_plan_is_shown_as_it_was_seen_last_while_a_disk_hangs(
    browser: Browser, item: int, hanging: list[Callable[[], None]]
) -> None:
    page = browser.client.get(f"/review/{item}/publish").text
    assert "has not answered for" in page
    assert "data-again" in page
    late = browser.client.get(f"{API}/items/{item}/publish")
    assert (late.status_code, late.json()["code"]) == (503, "disk_late")
    assert len(hanging) == 1
    hanging.pop()()
    page = browser.client.get(f"/review/{item}/publish").text
    assert "this is how it was at" in page
    assert "01 - Track 01.mp3" in page
    assert browser.client.get(f"{API}/items/{item}/publish").json()["as_of"]


def test_what_is_wanted_of_pictures_goes_on_without_whoever_wanted_it(
    browser: Browser, item: int, hanging: list[Callable[[], None]]
) -> None:
    form = {"csrf": browser.csrf()}
    page = browser.client.post(f"/review/{item}/pictures/look", data=form).text
    assert "this page looks again by itself" in page
    assert browser.client.post(f"{API}/items/{item}/pictures/look").json()["code"] == "busy"
    hanging.pop()()
    page = browser.client.get(f"/review/{item}/pictures").text
    assert "data-again" not in page
    answer = browser.client.post(f"{API}/items/{item}/pictures/9", json={"decision": "chosen"})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_over")
    hanging.pop()()
    assert "there is no picture 9 on offer" in browser.client.get(f"/review/{item}/pictures").text
    assert "there is no picture 9 on offer" not in browser.client.get(f"/review/{item}/pictures").text


def test_cycles_and_libraries_are_not_begun_where_a_disk_hangs_and_threads_are_few(
    browser: Browser, item: int, hanging: list[Callable[[], None]], tmp_path: Path
) -> None:
    assert browser.client.post(f"{API}/runs", json={}).status_code == 503
    assert browser.app.ongoing.stages() == []
    folders = [tmp_path / f"new {n}" for n in range(2 * FEW)]
    for folder in folders:
        folder.mkdir()
        answer = browser.client.post(f"{API}/libraries", json={"role": "library", "path": str(folder)})
        assert answer.status_code in (409, 503)
    assert len(hanging) == 1 + FEW
    while hanging:
        hanging.pop()()
    with browser.app.database.read() as connection:
        assert len(libraries.list_libraries(connection)) == 3 + FEW
