"""Libraries on the page and in the API: judged while typed, added, removed, resumed; who did it is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config import activity, libraries
from config.errors import Misconfigured
from config.machine import utc_now
from daemon.actions import libraries as verbs
from daemon.bootstrap import Application
from daemon.disks import MOST, Disks
from daemon.web import roots
from processor.items import storing
from tests.items import album
from tests.web import NAME, Browser

pytestmark = pytest.mark.sqlite
API = "/api/v1/libraries"


@pytest.fixture
def app(bare_app: Application, tmp_path: Path) -> Application:
    """An installation whose roots are folders still."""
    (tmp_path / "inbound" / "deeper").mkdir(parents=True)
    (tmp_path / "staging").mkdir()
    return bare_app


def test_a_path_is_judged_while_it_is_typed(browser: Browser, tmp_path: Path) -> None:
    def said(path: Path | str, role: str) -> str:
        return browser.client.get("/libraries/check", params={"path": str(path), "role": role}).text

    assert "can be read and written" in said(tmp_path / "inbound", "inbound")
    assert "no folder" in said(tmp_path / "nowhere", "inbound")
    assert "must be absolute" in said("inbound", "inbound")
    assert "&lt;img src=x&gt;" in said("/<img src=x>", "inbound")
    assert not (tmp_path / "inbound" / ".greenroom-root").exists()
    browser.client.post(API, json={"role": "inbound", "path": str(tmp_path / "inbound")})
    assert "nested with" in said(tmp_path / "inbound" / "deeper", "staging")
    assert "same filesystem as inbound" in said(tmp_path / "staging", "staging")
    assert "already has the inbound library" in said(tmp_path / "staging", "inbound")
    assert said("", "staging").strip() == ""


def test_a_library_is_added_and_removed_by_form_and_its_files_stay(browser: Browser, tmp_path: Path) -> None:
    form = {"csrf": browser.csrf(), "role": "inbound"}
    refused = browser.client.post("/libraries", data=form | {"path": "/nowhere/<b>"})
    assert refused.status_code == 422
    assert 'value="/nowhere/&lt;b&gt;"' in refused.text
    page = browser.client.post("/libraries", data=form | {"path": f" {tmp_path / 'inbound'} "}).text
    assert str(tmp_path / "inbound") in page
    (library,) = browser.client.get(API).json()
    assert (library["role"], library["problem"]) == ("inbound", None)
    assert '<option value="staging" selected>' in page  # the next one that is needed
    page = browser.client.post(f"/libraries/{library['id']}/remove", data=form).text
    assert "There are none yet." in page
    assert "Forgotten. Its files stay where they are" in page
    assert "Of what is no library any more" not in page
    assert (tmp_path / "inbound" / "deeper").is_dir()
    with browser.app.database.read() as connection:
        done = [(event.what, event.account) for event in activity.newest(connection)][:2]
    assert done == [("library_removed", NAME), ("library_added", NAME)]


def test_what_stands_still_in_a_library_that_was_removed_is_said_on_the_page(browser: Browser) -> None:
    with browser.app.database.begin() as connection:
        storing.upsert(connection, [album("k")], utc_now())  # its root is no library
    page = browser.client.get("/libraries").text
    assert "1 album in a root that is no library any more: <code>greenroom fsck</code> says which" in page


def test_a_suspended_library_says_why_and_is_resumed(browser: Browser, tmp_path: Path) -> None:
    answer = browser.client.post(API, json={"role": "staging", "path": str(tmp_path / "staging")})
    assert answer.status_code == 201
    with browser.app.database.begin() as connection:
        (library,) = libraries.list_libraries(connection)
        libraries.suspend(connection, library, "half of it <i>vanished</i>")
    page = browser.client.get("/libraries").text
    assert "half of it &lt;i&gt;vanished" in page
    assert "Resume work there" in page
    assert browser.client.get(API).json()[0]["suspended"] is not None
    (problem,) = browser.client.get("/api/v1/trash").json()["problems"]
    assert "is suspended" in problem
    emptied = browser.client.post("/api/v1/trash/empty", json={"which": "all"})
    assert (emptied.status_code, emptied.json()["code"]) == (422, "suspended"), "a person has to look, not to try again"
    page = browser.client.post(f"/libraries/{library.id}/resume", data={"csrf": browser.csrf()}).text
    assert "Resume work there" not in page
    assert browser.client.post(f"{API}/{library.id}/resume").json() == {"missing": 0}


def test_the_api_refuses_what_cannot_be(browser: Browser, tmp_path: Path) -> None:
    assert browser.client.post(API, json={"role": "cellar", "path": "/tmp"}).status_code == 422
    assert browser.client.post(API, json={"role": "inbound", "path": "/", "more": 1}).status_code == 422
    assert browser.client.post(API, json={"role": "inbound", "path": "/"}).json()["code"] == "bad_path"
    unknown = browser.client.delete(f"{API}/77")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_library")
    headers = {"content-type": "application/json"}
    for body in (r'{"role": "inbound", "path": "/\ud800"}', r'{"role": "\ud800", "path": "/", "\udfff": 1}', "[[[["):
        assert browser.client.post(API, content=body, headers=headers).status_code == 422, body
    told = browser.client.get(f"{API}/check", params={"path": str(tmp_path / "inbound")}).json()
    assert {finding["tone"] for finding in told} == {"good"}


def test_a_disk_that_hangs_holds_no_page_up(browser: Browser, tmp_path: Path) -> None:
    for role in ("inbound", "staging"):
        browser.client.post(API, json={"role": role, "path": str(tmp_path / role)})
    assert browser.client.get("/readyz").status_code == 200
    hanging: list[Callable[[], None]] = []
    browser.app.disks = Disks(patience=0.0, begin=hanging.append)
    for path in ("/", "/libraries", "/trash"):
        answer = browser.client.get(path)
        assert (answer.status_code, "has not answered for" in answer.text) == (200, True), path
    assert browser.client.get("/readyz").status_code == 503
    assert browser.client.get("/api/v1/trash").status_code == 503
    (inbound, staging) = browser.client.get(API).json()
    assert (inbound["free_bytes"], inbound["as_of"]) == (None, None)
    assert "has not answered for" in staging["problem"]
    assert len(hanging) == 3
    while hanging:
        hanging.pop()()
    assert " free at <time" in browser.client.get("/libraries").text  # as it was seen then; now it hangs again


def test_errors_that_a_disk_goes_on_with_are_shown_and_keep_nothing_from_working(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.client.post(API, json={"role": "inbound", "path": str(tmp_path / "inbound")})
    monkeypatch.setattr(roots, "damage", lambda _: "the kernel found an error in its file system")
    for path in ("/", "/libraries"):
        assert "the kernel found an error in its file system" in browser.client.get(path).text, path
    assert browser.client.get("/readyz").status_code == 200
    assert [one["problem"] for one in browser.client.get(API).json()] == [None]


def test_paths_typed_on_a_disk_that_hangs_do_not_eat_all_threads(browser: Browser, tmp_path: Path) -> None:
    browser.client.post(API, json={"role": "inbound", "path": str(tmp_path / "inbound")})
    hanging: list[Callable[[], None]] = []
    browser.app.typed = Disks(patience=0.0, begin=hanging.append)
    for number in range(2 * MOST):
        said = browser.client.get(f"{API}/check", params={"path": f"/hangs/{number}"}).json()
        assert said == [{"tone": "problem", "text": "Its disk does not answer."}]
    assert len(hanging) == MOST
    assert browser.client.get("/readyz").status_code == 200  # the libraries themselves are looked at as ever


def test_a_folder_is_looked_at_before_the_database_is_kept_from_others(browser: Browser) -> None:
    """So a disk that hangs there stops whoever asked, and nobody else."""
    with browser.app.database.begin(), pytest.raises(Misconfigured, match="is no folder"):
        verbs.add(browser.app, "library", b"/nowhere", kind="music", actor="ada")
