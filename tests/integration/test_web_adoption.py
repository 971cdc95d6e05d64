"""A library of others on the page and in the API: compared in the background, shown by what differs, never changed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.scenarios.drops import lay_out, songs
from tests.scenarios.house import seen
from tests.waiting import until
from tests.web import Browser

pytestmark = pytest.mark.sqlite
API = "/api/v1/adoption"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A library with an album that differs in its folder, and one that only lacks what Greenroom adds."""
    root = tmp_path / "old"
    root.mkdir()
    lay_out(root, songs("misc/x", "flac", range(1, 3), date="2014"))
    lay_out(root, songs("Bo/Other (1999)", "mp3", range(1, 3), artist="Bo", album="Other", date="1999"))
    return root


def test_a_library_is_compared_beside_everything_else_and_shown_by_what_differs(browser: Browser, music: Path) -> None:
    before = seen(music)
    assert browser.client.get(API).json() is None
    assert browser.client.post("/adopt", data={"csrf": browser.csrf(), "path": f" {music} "}).is_success
    until(lambda: browser.client.get(API).json()["over"])
    said = browser.client.get(API).json()
    assert (said["path"], said["error"], said["counts"]["albums"], said["counts"]["folder"]) == (str(music), None, 2, 1)
    (other,) = browser.client.get(f"{API}/albums", params={"differs": "folder"}).json()
    assert (other["folder"], other["wanted"]) == ("misc/x", "Ada/Low Tide (2014)")
    assert len(browser.client.get(f"{API}/albums", params={"offset": 1}).json()) == 1
    page = browser.client.get("/adopt").text
    assert "Ada/Low Tide (2014)" in page
    assert "Bo/Other (1999)" in page
    assert "Bo/Other (1999)" not in browser.client.get("/adopt?differs=folder").text
    assert seen(music) == before


def test_what_is_no_folder_is_said(browser: Browser, tmp_path: Path) -> None:
    assert browser.client.post(API, json={"path": "music"}).status_code == 422
    assert "must be absolute" in browser.client.post("/adopt", data={"csrf": browser.csrf(), "path": "music"}).text
    assert browser.client.post(API, json={"path": str(tmp_path / "gone")}).status_code == 202
    until(lambda: browser.client.get(API).json()["over"])
    assert "gone" in browser.client.get(API).json()["error"]
    assert "gone" in browser.client.get("/adopt").text


def test_what_the_system_refuses_ends_a_comparison_and_not_all_that_follow(
    browser: Browser, music: Path, tmp_path: Path
) -> None:
    in_the_way = browser.app.boot.data_dir / "adopt"
    in_the_way.write_bytes(b"no folder")
    for _ in range(2):
        assert browser.client.post(API, json={"path": str(music)}).status_code == 202
        until(lambda: browser.client.get(API).json()["over"])
    assert f"{in_the_way}" in browser.client.get(API).json()["error"]


def test_a_comparison_that_no_thread_can_be_had_for_is_begun_by_who_asks_again(
    browser: Browser, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def full(thread: threading.Thread) -> None:
        if thread.name == "adopt":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        refused = browser.client.post(API, json={"path": str(music)})
        assert (refused.status_code, refused.json()["code"]) == (503, "no_thread")
    assert browser.client.post(API, json={"path": str(music)}).status_code == 202
    until(lambda: browser.client.get(API).json()["over"])
