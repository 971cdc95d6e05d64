"""Roots that were moved to another path → everything goes on there, and what was done before can be taken back."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from config import libraries, root_folders
from config.errors import Misconfigured
from daemon.cli import main
from processor.metadata import rows
from processor.metadata.documents import ITSELF
from processor.players import debts
from processor.players.tables import PlayerRow
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import LOW_TIDE, add_library, approve, publish, published, staged, take_out
from workflow.operations.tagging import tag_item
from workflow.operations.undo import undo

ROLES = ("inbound", "staging", "library")


@pytest.fixture
def house(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """One whose installation commands find."""
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(house.data))
    monkeypatch.setenv("GREENROOM_DATABASE_URL", house.database.url.render_as_string(hide_password=False))
    return house


def added(role: str, root: Path) -> str:
    """Add a library by the command; return what it says."""
    done = CliRunner().invoke(main, ["libraries", "add", role, str(root)])
    assert done.exit_code == 0, done.output
    return done.output


def moved(house: House) -> Path:
    """Move the disk of all roots; return where the library is now."""
    before = house.inbound.parent
    elsewhere = before / "another disk"
    elsewhere.mkdir()
    for role in ROLES:
        (before / role).rename(elsewhere / role)
    house.inbound, house.staging = elsewhere / "inbound", elsewhere / "staging"
    return elsewhere / "library"


def test_what_was_published_and_staged_before_is_taken_back_where_the_roots_are_now(house: House) -> None:
    add_library(house)
    house.drop(LOW_TIDE)
    house.cycle(rehearsed=False)
    dropped = house.report.run_id
    (item_id,) = approve(house)
    publish(house, item_id)
    with house.database.begin() as connection:
        told = {"name": "kodi", "kind": "kodi", "url": "http://x", "path_map": [], "enabled": True, "created_at": NOW}
        player = connection.execute(insert(PlayerRow).values(told).returning(PlayerRow.id)).scalar_one()
        owed = debts.Owed(item_id, os.fsencode(house.inbound.parent / "library"), b"Ada", "new")
        debts.owe(connection, [player], owed, NOW)
    library = moved(house)
    for role in ROLES:
        added(role, library.parent / role)

    with house.database.read() as connection:
        assert [debt.owed.root for debt in debts.debts(connection)] == [os.fsencode(library)]
    with house.database.read() as connection:
        assert [lib.path for lib in libraries.list_libraries(connection)] == [
            os.fsencode(library.parent / role) for role in ROLES
        ]
    house.cycle(rehearsed=False)
    assert [item["status"] for item in house.items().values()] == ["published"]
    take_out(house, item_id)
    assert published(library) == []
    undo(house.database, dropped or "", dry_run=False, stop=threading.Event())
    assert list(house.staged()) == []
    assert len(list(house.inbound.rglob("*.flac"))) == 2


def test_tags_that_were_written_before_are_taken_back_where_staging_is_now(house: House) -> None:
    _, item_id = staged(house)
    with house.database.begin() as connection:
        rows.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
    assert tag_item(house.database, item_id, threading.Event()).outcome == "retagged"
    (item,) = house.items().values()
    moved(house)
    added("inbound", house.inbound)
    added("staging", house.staging)

    report = undo(house.database, item["transfer_id"], dry_run=False, stop=threading.Event())
    assert [(one.outcome, one.reasons) for one in report.albums] == [("undone", ())]


def test_a_copy_beside_its_original_is_not_taken_for_a_library_that_was_moved(house: House) -> None:
    copy = house.staging.parent / "copy"
    copy.mkdir()
    (copy / ".greenroom-root").write_bytes((house.staging / ".greenroom-root").read_bytes())
    with house.database.read() as connection:
        existing = libraries.list_libraries(connection)
    assert root_folders.moved_here("staging", "music", os.fsencode(copy), existing) is None
    with house.database.begin() as connection, pytest.raises(Misconfigured):
        libraries.add_library(connection, "staging", os.fsencode(copy), now=NOW)


def test_a_library_is_added_while_the_disk_of_another_is_not_there(house: House) -> None:
    house.staging.rename(house.staging.parent / "away")
    house.inbound.rename(house.inbound.parent / "moved")
    assert "moved" in added("inbound", house.inbound.parent / "moved")


def test_a_path_that_a_variable_nobody_set_stands_for_is_not_the_folder_we_are_in(house: House) -> None:
    done = CliRunner().invoke(main, ["libraries", "add", "library", ""])
    assert (done.exit_code, "empty" in done.output) == (2, True)


def test_an_album_that_comes_again_after_staging_was_exchanged_says_where_its_other_copy_is(any_house: House) -> None:
    house = any_house
    house.drop(LOW_TIDE)
    house.cycle()
    old, house.staging = house.staging, house.staging.parent / "other staging"
    house.staging.mkdir()
    with house.database.begin() as connection:
        libraries.remove_library(connection, os.fsencode(old))
        libraries.add_library(connection, "staging", os.fsencode(house.staging), now=NOW)
    house.drop(LOW_TIDE)
    assert house.cycle() == ["staged Ada / Low Tide (2014): 2 tracks"]
    (item,) = house.items().values()
    (warning,) = item["warnings"]
    assert warning["code"] == "staged_elsewhere"
    assert f"as {old}/AD/Ada/2014 - Low Tide, in a root that is no library any more" in warning["message"]
    assert len(list(old.rglob("*.flac"))) == 2

    house.drop(songs("more", "flac", range(3, 4), date="2014"))
    house.cycle()
    assert "staged_elsewhere" in {warning["code"] for warning in house.items()[item["key"]]["warnings"]}
