"""Staged albums that are no longer where they were: a person's doing, or a disk's."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from config.errors import Rejected
from config.libraries import list_libraries
from config.reasons import Reason
from processor.items import presence
from processor.tables import TransferRow
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from tests.scenarios.test_fsck import adopt
from workflow import events, history
from workflow.events import KINDS
from workflow.operations import deciding
from workflow.report import CycleReport
from workflow.suspension import resume

ALBUMS = ("Low Tide", "High Tide", "Slack Water")


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with three staged albums of two songs, on each kind of database."""
    made = House.make(tmp_path, database_url)
    for album in ALBUMS:
        made.drop(songs(album, "mp3", range(1, 3), album=album))
    assert [line.split()[0] for line in made.cycle(rehearsed=False)] == ["staged"] * 3
    yield made
    made.database.close()


def why(report: CycleReport) -> Reason:
    """Why it failed."""
    assert report.error is not None
    return report.error


def statuses(house: House) -> dict[str, str]:
    return {str(item["album"]): item["status"] for item in house.items().values()}


def folder_of(house: House, album: str) -> Path:
    path = next(item["path"] for item in house.items().values() if item["album"] == album)
    return house.staging / os.fsdecode(path)


def test_an_empty_disk_stops_everything_and_changes_no_item_until_a_person_has_looked(house: House) -> None:
    away = house.staging.with_name("away")
    away.mkdir()
    for folder in [path for path in house.staging.iterdir() if not path.name.startswith(".")]:
        folder.rename(away / folder.name)
    assert why(house.run(dry_run=True)).code == "mass_vanished"
    first, second = house.run(), house.run()
    assert (first.status, why(first).code) == ("failed", "mass_vanished")
    assert "3 of 3 staged albums are gone" in why(first).message
    assert why(second).code == "suspended"
    assert "libraries resume" in why(second).message
    assert first.run_id is not None
    with house.database.read() as connection:
        told = [event.kind for event in events.of_run(connection, first.run_id, KINDS)]
    assert told == ["library_suspended", "run_failed"]
    assert set(statuses(house).values()) == {"pending_review"}

    for folder in away.iterdir():
        folder.rename(house.staging / folder.name)
    assert resume(house.database, os.fsencode(house.staging))[1] == 0
    assert house.run().status == "done"
    assert set(statuses(house).values()) == {"pending_review"}


def test_who_resumes_without_the_albums_accepts_that_they_are_missing(house: House) -> None:
    for album in ALBUMS[:2]:
        shutil.rmtree(folder_of(house, album))
    assert house.run().status == "failed"
    assert resume(house.database, os.fsencode(house.staging))[1] == 2
    assert house.run().status == "done"
    assert statuses(house) == {"Low Tide": "missing", "High Tide": "missing", "Slack Water": "pending_review"}


def test_no_disk_is_asked_while_the_database_waits_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, roots = house.database.engine, os.fsencode(house.staging.parent)
    writing: list[object] = []
    asked: set[tuple[str, bool]] = set()

    def begun(connection: Connection) -> None:
        if not connection.get_execution_options().get("greenroom_read"):
            writing.append(connection)

    event.listen(engine, "begin", begun)
    for end in ("commit", "rollback"):
        event.listen(engine, end, lambda _: writing.clear())

    def heard(name: str) -> None:
        look = getattr(os, name)

        def looked(path: Any, *given: Any, **named: Any) -> Any:
            if isinstance(path, bytes) and path.startswith(roots):
                asked.add((name, bool(writing)))
            return look(path, *given, **named)

        monkeypatch.setattr(os, name, looked)

    for name in ("stat", "lstat", "statvfs"):
        heard(name)
    (link := house.staging.with_name("link")).symlink_to(house.staging)
    shutil.rmtree(folder_of(house, "High Tide"))
    assert resume(house.database, os.fsencode(link))[1] == 1
    with house.database.read() as connection:
        staging = next(library for library in list_libraries(connection) if library.role == "staging")
    presence.Presence(house.database, presence.Limits(), act=True).check_staging(staging)
    assert asked == {("stat", False), ("lstat", False), ("statvfs", False)}


def test_an_album_removed_by_hand_is_marked_missing_and_comes_back_when_it_is_dropped_again(house: House) -> None:
    before, place = house.items(), folder_of(house, "High Tide")
    shutil.rmtree(place)
    assert house.run().status == "done"
    assert statuses(house) == {"Low Tide": "pending_review", "High Tide": "missing", "Slack Water": "pending_review"}
    house.drop(songs("High Tide", "mp3", range(1, 3), album="High Tide"))
    assert house.run().status == "done"
    after = house.items()
    assert set(statuses(house).values()) == {"pending_review"}
    assert folder_of(house, "High Tide") == place
    assert sorted(path.name for path in place.iterdir() if path.suffix == ".mp3") == [
        os.fsdecode(file["path"]) for file in next(i for i in after.values() if i["album"] == "High Tide")["files"]
    ]
    assert after.keys() == before.keys()


@pytest.mark.parametrize("of", ["album", "artist"])
def test_an_album_in_whose_place_a_file_lies_is_missing(house: House, of: str) -> None:
    house.drop(songs("Solo", "mp3", range(1, 3), artist="Bo", album="Solo"))
    house.run()
    place = folder_of(house, "Solo")
    place = place if of == "album" else place.parent
    shutil.rmtree(place)
    place.write_bytes(b"a note about it")
    assert house.run().status == "done"
    assert statuses(house)["Solo"] == "missing"
    assert place.read_bytes() == b"a note about it"


def test_a_dry_run_marks_nothing_as_missing(house: House) -> None:
    before = house.items()
    shutil.rmtree(folder_of(house, "High Tide"))
    assert house.run(dry_run=True).status == "done"
    assert house.items() == before
    assert house.run().status == "done"
    assert statuses(house)["High Tide"] == "missing"


def test_an_album_that_cannot_be_looked_at_is_not_taken_for_gone(house: House) -> None:
    place = folder_of(house, "High Tide")
    place.rename(house.staging.with_name("away"))
    place.symlink_to(place)  # whatever stands there cannot be told, also by root
    assert house.run().status == "done"
    assert set(statuses(house).values()) == {"pending_review"}


def test_another_filesystem_under_the_root_leaves_no_room_for_chance(house: House) -> None:
    with house.database.begin() as connection:
        connection.exec_driver_sql("UPDATE libraries SET filesystem = 'another' WHERE role = 'staging'")
    shutil.rmtree(folder_of(house, "Low Tide"))
    failed = house.run()
    assert "another one than before" in why(failed).message
    resume(house.database, os.fsencode(house.staging))
    assert house.run().status == "done"
    with house.database.read() as connection:
        staging = next(lib for lib in list_libraries(connection) if lib.role == "staging")
    assert staging.filesystem not in (None, "another")


def test_an_inbound_share_that_lost_a_branch_stops_everything(house: House) -> None:
    house.change(vanish_percent="20")
    house.change(quiet_seconds="600")  # so that all of it waits
    for n in range(4):
        house.drop(songs(f"Waiting {n}", "mp3", range(1, 4), album=f"Waiting {n}"))
    assert house.run(settle=False).status == "done"
    for n in range(2):
        shutil.rmtree(house.inbound / f"Waiting {n}")
    house.change(quiet_seconds="0")
    assert why(house.run(dry_run=True)).code == "mass_vanished"
    failed = house.run()
    assert why(failed).code == "mass_vanished"
    assert "6 of 12 music files" in why(failed).message
    assert why(house.run()).code == "suspended"
    resume(house.database, os.fsencode(house.inbound))
    report = house.run()
    assert (report.status, report.counts["staged"]) == ("done", 2)


def test_what_we_took_and_what_a_person_renamed_has_not_vanished(house: House) -> None:
    house.change(vanish_files="4", quiet_seconds="600")
    for n in range(4):
        house.drop(songs(f"Waiting {n}", "mp3", range(1, 4), album=f"Waiting {n}"))
    house.run(settle=False)
    for n in range(4):
        (house.inbound / f"Waiting {n}").rename(house.inbound / f"Renamed {n}")
    assert house.run(settle=False).status == "done"
    house.change(quiet_seconds="0")
    assert house.run().counts["staged"] == 4
    assert house.run().status == "done"


def test_what_we_took_before_the_clock_was_set_back_has_not_vanished(house: House) -> None:
    house.change(vanish_files="4")
    for n in range(4):
        house.drop(songs(f"Taken {n}", "mp3", range(1, 4), album=f"Taken {n}"))
    assert house.run().counts["staged"] == 4
    with house.database.begin() as connection:
        connection.execute(update(TransferRow).values(updated_at=NOW - dt.timedelta(days=3650)))
    assert house.run().status == "done"


@pytest.mark.parametrize("decided", ["approved", "rejected"])
@pytest.mark.parametrize("is_back", [False, True])
def test_a_decision_about_an_album_that_went_missing_since_is_not_taken_back(
    house: House, decided: str, is_back: bool
) -> None:
    folder = folder_of(house, "Low Tide")
    item = next(item for item in house.items().values() if item["album"] == "Low Tide")
    deciding.decide(house.database, item["id"], "approved", actor="eva", why="heard it")
    if decided == "rejected":
        deciding.decide(house.database, item["id"], decided, actor="eva", why="heard it again")
    folder.rename(house.staging.with_name("away"))
    house.run()
    if is_back:
        house.staging.with_name("away").rename(folder)
        adopt(house)
    before = statuses(house)
    assert before["Low Tide"] == ("pending_review" if is_back else "missing")
    with pytest.raises(Rejected, match="no decision"):
        deciding.take_back(house.database, item["id"], actor="eva")
    assert statuses(house) == before


@pytest.mark.parametrize("missed_by", ["cycle", "fsck", "resume"])
@pytest.mark.parametrize("is_forgotten", [False, True])
def test_the_history_of_an_album_says_that_it_went_missing_and_came_back(
    house: House, missed_by: str, is_forgotten: bool
) -> None:
    folder = folder_of(house, "Low Tide")
    item_id = next(item["id"] for item in house.items().values() if item["album"] == "Low Tide")
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    folder.rename(house.staging.with_name("away"))
    if missed_by == "resume":
        resume(house.database, os.fsencode(house.staging))
    else:
        house.run() if missed_by == "cycle" else adopt(house)
    house.run()
    house.staging.with_name("away").rename(folder)
    if is_forgotten:  # what its row says of its files is old then, and its sidecar is believed
        with house.database.begin() as connection:
            connection.exec_driver_sql("UPDATE staging_items SET transfer_id = 'of another'")
    adopt(house)
    with house.database.read() as connection:
        steps = filter(history.is_step, history.of_item(connection, item_id))
        told = [(one["what"], one["status"], one["revision"]) for one in steps]
    assert told == [
        ("stage", "pending_review", 1), ("review", "approved", 1),
        ("presence", "missing", 2), ("presence", "pending_review", 3),
    ]  # fmt: skip
