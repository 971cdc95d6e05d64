"""Moves nobody could settle → each file's whereabouts, and a second try where it cannot lose anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import delete, insert, select, update

from config.errors import Retryable, Stopped
from processor.fsck import undos, unsettled
from processor.fsck.fsck import FsckReport
from processor.moves.move import Performance
from processor.retag import work_root
from processor.tables import StagingItem, TransferRow
from processor.transfers.hidden import TX
from processor.transfers.transfer import path_from_json
from scanner.options import silent
from tests.scenarios.drops import songs
from tests.scenarios.house import House
from tests.scenarios.test_fsck import adopt, codes, content, folder, item, look, write
from workflow import history, progress
from workflow.events import EventRow
from workflow.operations.deciding import decide
from workflow.operations.fsck import fsck
from workflow.operations.trash import discard
from workflow.operations.undo import undo

ALBUM = "Low Tide"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with one staged album, on each kind of database."""
    made = House.make(tmp_path, database_url)
    made.drop(songs("drop", "mp3", range(1, 4)))
    made.cycle(rehearsed=False)
    yield made
    made.database.close()


def hide(house: House) -> Path:
    """Set the album back to where it was just before it appeared: in its hidden folder, and without an item."""
    hidden: Path = house.staging / os.fsdecode(TX) / item(house, ALBUM)["transfer_id"]
    folder(house, ALBUM).rename(hidden)
    write(house, delete(StagingItem))
    return hidden


def leave(house: House, state: str, **values: object) -> None:
    write(house, update(TransferRow).values(state=state, error="the disk was pulled", **values))


def give_back(house: House) -> None:
    """Let an undo have unlisted the album, and wait for a person since."""
    with house.database.begin() as connection:
        row = connection.execute(select(TransferRow.__table__)).mappings().one()
        undo = {**row, "id": "undo", "kind": "undo", "state": "attention", "undoes": row["id"], "error": "no rights"}
        connection.execute(insert(TransferRow).values(undo))


def states(house: House) -> list[str]:
    with house.database.read() as connection:
        return list(connection.scalars(select(TransferRow.state)))


def test_an_album_that_stands_whole_is_published_after_all(house: House) -> None:
    before = content(house)
    write(house, delete(StagingItem))
    leave(house, "attention")
    (found,) = look(house).findings
    assert "Every file of it is whole. Nothing can be lost" in found.message
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert (content(house), states(house)) == (before, ["done"])


def by_a_cycle(house: House, _: str) -> None:
    assert house.run().status == "done"


def by_an_undo(house: House, run_id: str) -> None:
    undo(house.database, run_id, dry_run=False, stop=Event())


def by_a_discard(house: House, _: str) -> None:
    discard(house.database, [], sure=True, actor="test", why="", seen={}, stop=Event())


@pytest.mark.parametrize("recovered", [by_a_cycle, by_an_undo, by_a_discard])
def test_a_move_that_recovery_gives_up_is_told_once(house: House, recovered: Callable[[House, str], None]) -> None:
    run_id = item(house, ALBUM)["run_id"]
    hide(house)
    leave(house, "materialised", attempt=3)
    for _ in range(2):
        recovered(house, run_id)
    assert states(house) == ["attention"]
    with house.database.read() as connection:
        told = connection.execute(select(EventRow.subject, EventRow.why).where(EventRow.kind == "move_held")).all()
    ((subject, why),) = told
    assert subject.endswith(ALBUM)
    assert "interrupted 3 times" in why
    assert "`greenroom fsck`" in why
    assert codes(adopt(house)) == {"unsettled_transfer": True}


def cut_off(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Let the database go away just before a move is written down as published, or as taken back."""

    def away(*_: object) -> None:
        raise Retryable("the database is gone", code="database_unavailable")

    with monkeypatch.context() as gone, suppress(Retryable):
        gone.setattr(Performance, "published", away)
        gone.setattr(Performance, "taken_back", away)
        work()


def finished(house: House) -> FsckReport:
    """Let fsck finish what was begun, which takes names of the same bytes away."""
    return fsck(house.database, verify=False, adopt=True, stop=Event(), progress=silent)


def test_late_tracks_whose_move_fsck_finishes_begin_the_chain_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided of the album before was not said of them, and nobody asked yet what they are."""
    item_id = item(house, ALBUM)["id"]
    decide(house.database, item_id, "approved", actor="ada", why="")
    house.drop(songs("late", "mp3", range(4, 6)))
    cut_off(monkeypatch, house.run)
    assert codes(finished(house)) == {"unfinished_transfer": True}
    assert len(item(house, ALBUM)["files"]) == 5
    with house.database.read() as connection:
        found = progress.find(connection, item_id)
        (*_, last) = history.of_item(connection, item_id)
        told = connection.scalars(select(EventRow.kind).where(EventRow.kind == "item_staged")).all()
    assert (found["status"], found["position"], found["revision"]) == ("pending_review", "staged", 2)
    assert (last["why"], last["revision"], len(told)) == ("staged anew", 2, 2)


def test_an_undo_that_fsck_finishes_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = item(house, ALBUM)["run_id"]
    cut_off(monkeypatch, lambda: undo(house.database, run_id, dry_run=False, stop=Event()))
    assert codes(finished(house)) == {"unfinished_transfer": True}
    assert house.items() == {}
    with house.database.read() as connection:
        kinds = connection.scalars(select(EventRow.kind)).all()
    assert kinds.count("undone") == 1


@pytest.mark.parametrize("has_row", [True, False], ids=["that waits for a person", "that only its hidden folder knows"])
def test_a_move_whose_hidden_files_are_whole_goes_on(house: House, has_row: bool) -> None:
    before = content(house)
    hide(house)
    leave(house, "attention")
    if not has_row:  # as in a database of before it began
        write(house, delete(TransferRow))
    assert codes(look(house)) == {"unsettled_transfer": False}
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert (content(house), states(house)) == (before, ["done"])
    house.check_staging()


@pytest.mark.parametrize("has_row", [True, False])
def test_a_move_with_a_broken_file_is_explained_file_by_file_and_left_alone(house: House, has_row: bool) -> None:
    hidden = hide(house)
    broken = sorted(hidden.glob("*.mp3"))[1]
    broken.write_bytes(b"half of it")
    leave(house, "attention")
    if not has_row:
        write(house, delete(TransferRow))
    report = adopt(house)
    assert codes(report) == dict.fromkeys({f.code for f in report.findings}, False)
    told = next(f.message for f in report.findings if f.code == "unsettled_transfer")
    assert f"1 of 3 files: {house.inbound}/drop/02 - Song 2.mp3: source absent, hidden different, album absent" in told
    assert "run this again" in told
    assert broken.read_bytes() == b"half of it"
    good = house.inbound / "drop"
    good.mkdir()
    assert (states(house) == ["attention"]) is has_row


@pytest.mark.parametrize("kind", ["a move", "an undo"])
def test_who_is_to_stop_while_files_are_compared_is_told_nothing_of_what_was_not_seen(
    house: House, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def stopped(*_: object, **__: object) -> bool:
        raise Stopped("stopped on request")

    if kind == "an undo":
        shutil.copytree(folder(house, ALBUM), house.inbound / "drop")
        give_back(house)
        monkeypatch.setattr(undos, "is_same", stopped)
    else:
        leave(house, "attention")
        monkeypatch.setattr(unsettled, "is_whole", stopped)
    write(house, delete(StagingItem))
    with pytest.raises(Stopped):
        look(house)


def test_a_move_of_which_nothing_is_left_is_closed(house: House) -> None:
    shutil.rmtree(hide(house))
    leave(house, "attention")
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert states(house) == ["cancelled"]


def test_a_move_left_open_is_named_by_a_check_and_finished_by_a_repair(house: House) -> None:
    before = content(house)
    hide(house)
    leave(house, "materialised")
    assert codes(look(house)) == {"unfinished_transfer": False}
    assert codes(adopt(house)) == {"unfinished_transfer": True}
    assert (content(house), states(house)) == (before, ["done"])


def test_a_move_between_folders_that_are_no_libraries_any_more_is_named(house: House) -> None:
    leave(house, "attention", src_root=b"/somewhere/else")
    assert codes(adopt(house)) == {"stranded_transfer": False}
    assert states(house) == ["attention"]


def test_two_moves_that_want_one_place_are_not_tried_again(house: House) -> None:
    hide(house)
    leave(house, "attention")
    with house.database.begin() as connection:
        row = connection.execute(select(TransferRow.__table__)).mappings().one()
        connection.execute(insert(TransferRow).values({**row, "id": "another"}))
    report = adopt(house)
    assert [(f.repaired, f.message.startswith("A move waits")) for f in report.findings] == [(False, True)] * 2
    assert states(house) == ["attention", "attention"]


@pytest.mark.parametrize("hidden", [False, True], ids=["still in its place", "out of sight"])
def test_an_album_on_its_way_back_to_inbound_is_not_adopted(house: House, hidden: bool) -> None:
    """An undo that waits for a person has unlisted the album; its folder, with its sidecar, is the undo's."""
    give_back(house)
    if hidden:
        hide(house)
    write(house, delete(StagingItem))
    (found,) = adopt(house).findings
    assert (found.code, found.repaired) == ("unsettled_transfer", False)
    assert found.message.startswith("An undo waits for a person: no rights.")
    assert house.items() == {}


def test_late_tracks_that_have_joined_whole_are_published_after_all(house: House) -> None:
    house.drop(songs("late", "mp3", range(4, 6)))
    house.run()
    before = content(house)
    write(house, update(TransferRow).where(TransferRow.kind == "merge").values(state="attention"))
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert (content(house), states(house)) == (before, ["done", "done"])


@pytest.mark.parametrize("there", ["in staging", "in the trash"])
def test_an_album_on_its_way_to_the_trash_is_nobodys_to_adopt_and_gets_there(house: House, there: str) -> None:
    """It was unlisted, and then the disk was pulled: before the rename, or after it."""
    report = discard(house.database, [item(house, ALBUM)["id"]], sure=True, actor="test", why="", seen={}, stop=Event())
    (done,) = report.albums
    assert done.outcome == "trashed"
    home = house.staging / os.fsdecode(path_from_json(done.transfer.item["path"]))
    trashed = house.staging / os.fsdecode(done.transfer.target)
    write(house, update(TransferRow).where(TransferRow.id == done.transfer.id).values(state="attention", error="gone"))
    if there == "in staging":
        home.parent.mkdir(parents=True)
        trashed.rename(home)
    assert codes(look(house)) == {"unsettled_transfer": False}
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert (home.exists(), trashed.exists(), states(house), house.items()) == (False, True, ["done", "done"], {})
    assert not undo(house.database, done.transfer.id, dry_run=False, stop=Event()).exit_code
    house.check_staging()
    assert codes(look(house)) == {}


def test_an_album_that_is_still_listed_when_its_way_to_the_trash_is_gone_on_with_leaves_the_list(house: House) -> None:
    (done,) = discard(
        house.database, [item(house, ALBUM)["id"]], sure=True, actor="test", why="", seen={}, stop=Event()
    ).albums
    undo(house.database, done.transfer.id, dry_run=False, stop=Event())
    write(house, delete(TransferRow).where(TransferRow.kind == "restore"))
    write(house, update(TransferRow).where(TransferRow.id == done.transfer.id).values(state="attention", error="gone"))
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert (house.items(), (house.staging / os.fsdecode(done.transfer.target)).exists()) == ({}, True)
    assert codes(look(house)) == {}


@pytest.mark.parametrize("there", ["in the trash", "in staging"])
def test_an_album_on_its_way_out_of_the_trash_gets_into_its_place(house: House, there: str) -> None:
    (done,) = discard(
        house.database, [item(house, ALBUM)["id"]], sure=True, actor="test", why="", seen={}, stop=Event()
    ).albums
    home = house.staging / os.fsdecode(path_from_json(done.transfer.item["path"]))
    undo(house.database, done.transfer.id, dry_run=False, stop=Event())
    write(house, delete(StagingItem))
    write(house, update(TransferRow).where(TransferRow.kind == "restore").values(state="attention", error="gone"))
    if there == "in the trash":
        home.rename(house.staging / os.fsdecode(done.transfer.target))
    assert codes(look(house)) == {"unsettled_transfer": False}
    assert codes(adopt(house)) == {"unsettled_transfer": True}
    assert codes(adopt(house)) == {}
    assert home.exists()
    house.check_staging()


def test_new_tags_that_stopped_half_way_are_a_move_of_ours(house: House) -> None:
    leave(house, "attention", kind="retag", src_root=work_root(os.fsencode(house.staging)))
    assert codes(look(house)) == {"unsettled_transfer": False}
