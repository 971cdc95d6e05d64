"""The trash of staging and of libraries: listed, looked at before anything goes, emptied by whoever is sure."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from sqlalchemy import delete

from config import activity, admin, libraries
from processor.filesystem.files import Tree
from processor.tables import TransferRow
from processor.transfers import journal, trash, trash_rows
from processor.transfers.transfer import State, Transfer
from tests.commands import greenroom
from tests.faults.world import Steps, put
from tests.integration.test_web_acts import go_on, look
from tests.web import NAME, Browser

API = "/api/v1/trash"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def roots(browser: Browser, tmp_path: Path) -> dict[str, bytes]:
    """Staging, and a library beside it."""
    (tmp_path / "library").mkdir()
    with browser.app.database.begin() as connection:
        libraries.add_library(connection, "library", bytes(tmp_path / "library"), now=NOW)
    return {role: os.fsencode(tmp_path / role) for role in ("staging", "library")}


def throw_away(browser: Browser, root: bytes, id: str, kind: str = "discard", *, is_settled: bool = True) -> None:
    """Put an album of eight bytes into the trash of a root, as a transfer of that id does."""
    before = {"album_artist": "Ada", "album": id.title()}
    item = {"intent": {"item_id": 7}} if kind == "upgrade" else {}
    planned = Transfer(id, kind, "planned", root, root, b"A", (), item, 1, "boot", before=before)
    with browser.app.database.begin() as connection:
        journal.plan(connection, [planned], NOW)
        states: list[State] = ["materialised", "published", "done"]
        for state in states if is_settled else states[:-1]:
            journal.advance(connection, [planned], state, NOW)
    put(root, {b"A/1.mp3": b"one more"})
    with Tree(root) as there:
        trash.put(there, b"A", id, Steps())


def lying(browser: Browser) -> list[str]:
    return [one["transfer"] for one in browser.client.get(API).json()["albums"]]


def test_what_is_marked_goes_after_a_look_and_nothing_else_does(browser: Browser, roots: dict[str, bytes]) -> None:
    for id in ("harbour", "tide", "wool"):
        throw_away(browser, roots["staging"], id)
    assert browser.client.get("/trash").text.count("put here by a person") == 3
    assert "nothing of the kind" in look(browser, "/trash/empty", which="chosen")
    page = look(browser, "/trash/empty", which="chosen", chosen=["harbour", "nosuch"])
    assert "1 album, 1 file, 8 bytes. Nobody can bring them back then." in " ".join(page.split())
    assert sorted(lying(browser)) == ["harbour", "tide", "wool"], "it was looked at only"
    assert "1 album, 1 file, 8 bytes: gone." in " ".join(go_on(browser, page).split())
    assert sorted(lying(browser)) == ["tide", "wool"]
    with browser.app.database.read() as connection:
        (entry,) = (one for one in activity.newest(connection) if one.what == "trash_emptied")
    assert (entry.account, entry.detail) == (NAME, "1 album, 1 file, 8 bytes: Ada – Harbour")


def test_a_librarys_trash_is_listed_and_emptied_with_that_of_staging(browser: Browser, roots: dict[str, bytes]) -> None:
    throw_away(browser, roots["staging"], "tide")
    throw_away(browser, roots["library"], "harbour", "upgrade")
    throw_away(browser, roots["library"], "going", "upgrade", is_settled=False)
    page = browser.client.get("/trash").text
    assert page.count("it was published anew") == 2
    assert 'href="/review/7"' in page, "what took its place"
    assert "/trash/harbour/restore" not in page
    assert browser.client.post(f"{API}/harbour/restore", json={}).status_code == 404
    told = browser.client.get(API, params={"limit": 2}).json()
    assert [(one["role"], one["item"]) for one in told["albums"]] == [("staging", None), ("library", 7)]
    assert (told["count"], told["bytes"], told["next"]) == (3, 24, 2)
    assert browser.client.get(f"{API}?start=2").json()["albums"][0]["transfer"] in ("harbour", "going")
    answer = browser.client.post(f"{API}/empty", json={"which": "all", "sure": True})
    assert answer.status_code == 202
    assert browser.app.ongoing.is_idle(60)
    report = browser.client.get(f"/api/v1/acts/{answer.json()['id']}").json()["report"]
    assert (sorted(report["removed"]), report["files"], report["bytes"]) == (["harbour", "tide"], 2, 16)
    assert [one["code"] for one in report["kept"]] == ["trash_kept"]
    assert lying(browser) == ["going"], "it may hold the only copy of something"


def test_what_is_due_is_what_has_lain_there_for_so_many_days(browser: Browser, roots: dict[str, bytes]) -> None:
    for id in ("early", "late"):
        throw_away(browser, roots["staging"], id)
    with browser.app.database.begin() as connection:
        trash_rows.count_in_trash(connection, {"early": dt.timedelta(days=31)}, NOW)
    assert "Remove the 1 that is due" in browser.client.get("/trash").text
    wish = {"which": "expired", "sure": True}
    assert browser.client.post(f"{API}/empty", json=wish).status_code == 202
    assert browser.app.ongoing.is_idle(60)
    assert lying(browser) == ["late"]
    refused = browser.client.post(f"{API}/empty", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_chosen")
    with browser.app.database.begin() as connection:
        admin.put(connection, "staging_scan.dry_run", True, actor="test", now=NOW)
    assert browser.client.post(f"{API}/empty", json={"which": "all", "sure": True}).status_code == 422


def test_a_library_that_is_away_hides_no_trash_of_others(
    browser: Browser, roots: dict[str, bytes], tmp_path: Path
) -> None:
    throw_away(browser, roots["staging"], "tide")
    (tmp_path / "library" / ".greenroom-root").unlink()
    page = browser.client.get("/trash").text
    assert "is its disk mounted?" in page
    assert "Ada – Tide" in page
    assert len(browser.client.get(API).json()["problems"]) == 1
    assert "1 album" in go_on(browser, look(browser, "/trash/empty", which="chosen", chosen="tide"))
    assert lying(browser) == []


def test_what_the_journal_does_not_know_stays_and_no_day_is_named(browser: Browser, roots: dict[str, bytes]) -> None:
    throw_away(browser, roots["staging"], "harbour")
    with browser.app.database.begin() as connection:
        connection.execute(delete(TransferRow))  # as in an older database that was restored
    (album,) = browser.client.get(API).json()["albums"]
    assert (album["transfer"], album["kept_until"]) == ("harbour", None)
    assert "never" in browser.client.get("/trash").text
    listed = greenroom("trash", "list", "--json")
    assert json.loads(listed.stdout)[0]["kept_until"] is None
    gone, kept = trash.due(browser.app.database, roots["staging"], dt.timedelta(0))
    assert (gone, [reason.code for reason in kept]) == ([], ["trash_kept"])
