"""Transfers left open, and hidden folders left behind: what becomes of each, and what is never touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, delete, select, update

from config.errors import GreenroomError, LeaseLost, NeedsReview, Retryable, Stopped
from processor.recover import RecoveryReport
from processor.settle import MAX_ATTEMPTS
from processor.tables import StagingItem, TransferRow
from processor.transfers import journal
from processor.transfers.hidden import hidden_folder
from processor.transfers.steps import fill, switch
from processor.transfers.transfer import State, Transfer, file_to_json
from tests.faults.world import (
    ALBUM,
    COVER,
    FINAL,
    FOREIGN,
    NOW,
    ONE,
    At,
    Killed,
    Steps,
    World,
    complaints,
    publish,
    put,
    recovered,
    tree,
    unfinished,
)


def left_as(world: World, state: State) -> Transfer:
    """Leave the album's transfer in a state, with the disk as it is then."""
    with world.database.begin() as connection:
        (transfer,) = world.plan(connection, 1)
        journal.plan(connection, [transfer], NOW)
    if state == "planned":
        return transfer
    transfer = fill(transfer, Steps(), strongest=world.strongest)
    with world.database.begin() as connection:
        (transfer,) = journal.advance(connection, [transfer], "materialised", NOW)
    if state == "materialised":
        return transfer
    switch(transfer, Steps())
    with world.database.begin() as connection:
        publish(connection, transfer)
        (transfer,) = journal.advance(connection, [transfer], "published", NOW)
    return transfer


def states(report: RecoveryReport) -> dict[str, int]:
    return {name: len(getattr(report, name)) for name in ("done", "cancelled", "attention", "waiting")}


def row(world: World, transfer: Transfer) -> Row[Any]:
    with world.database.read() as connection:
        return connection.execute(select(TransferRow.__table__).where(TransferRow.id == transfer.id)).one()


DONE = {"done": 1, "cancelled": 0, "attention": 0, "waiting": 0}
CANCELLED = DONE | {"done": 0, "cancelled": 1}
ATTENTION = DONE | {"done": 0, "attention": 1}
WAITING = DONE | {"done": 0, "waiting": 1}
NOTHING = DONE | {"done": 0}


@pytest.mark.parametrize("now", [b"one", b"edited"])
def test_a_move_that_had_not_begun_is_left_to_the_next_scan(world: World, now: bytes) -> None:
    left_as(world, "planned")
    put(world.inbound, {ONE: now})
    before = tree(world.inbound), tree(world.staging)
    assert states(recovered(world, Steps(fence=2))) == CANCELLED
    assert (tree(world.inbound), tree(world.staging)) == before


@pytest.mark.parametrize("state", ["materialised", "published"])
def test_a_move_that_had_begun_is_finished(world: World, state: State) -> None:
    left_as(world, state)
    assert states(recovered(world, Steps(fence=2))) == DONE
    assert [*complaints(world), *unfinished(world)] == []
    assert states(recovered(world, Steps(fence=3))) == NOTHING


@pytest.mark.parametrize("state", ["materialised", "published"])
def test_new_device_numbers_after_a_restart_do_no_harm(world: World, state: State) -> None:
    transfer = left_as(world, state)
    files = [replace(f, identity=f.identity._replace(dev=f.identity.dev + 7)) for f in transfer.files]
    with world.database.begin() as connection:
        written = [file_to_json(file) for file in files]
        connection.execute(update(TransferRow).values(files=written))
    assert states(recovered(world, Steps(fence=2), boot_id="next")) == DONE
    assert [*complaints(world), *unfinished(world)] == []


def renumbered(world: World, inodes: dict[bytes, int]) -> None:
    """Let the sources have had these inode numbers, by target, when the transfer was planned."""
    with world.database.begin() as connection:
        (transfer,) = journal.open_transfers(connection, world.inbound, world.staging)
        files = [replace(f, identity=f.identity._replace(ino=inodes.get(f.target, 7))) for f in transfer.files]
        connection.execute(update(TransferRow).values(files=[file_to_json(file) for file in files]))


@pytest.mark.parametrize("state", ["planned", "materialised", "published"])
def test_new_inode_numbers_after_a_remount_do_no_harm(tmp_path: Path, state: State) -> None:
    """So it is on exFAT and FAT, where files cannot be linked either."""
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = left_as(world, state)
    if state == "planned":
        fill(transfer, Steps(), strongest="copy")
        put(world.staging, {hidden_folder(transfer) + b"/CD 1/1.mp3": b"on"})
    renumbered(world, {})
    assert states(recovered(world, Steps(fence=2), boot_id="next")) == DONE
    assert [*complaints(world), *unfinished(world)] == []


def test_a_copy_is_not_taken_for_the_source_whose_number_it_has_since_the_last_mount(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = left_as(world, "planned")
    fill(transfer, Steps(), strongest="copy")
    copy = Path(os.fsdecode(os.path.join(world.staging, hidden_folder(transfer), b"CD 1/1.mp3")))
    times = copy.stat().st_atime_ns, copy.stat().st_mtime_ns
    copy.write_bytes(b"0ne")  # the power failed
    os.utime(copy, ns=times)
    renumbered(world, {b"CD 1/1.mp3": copy.stat().st_ino})
    assert states(recovered(world, Steps(fence=2), boot_id="next")) == DONE
    assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"one"
    assert [*complaints(world), *unfinished(world)] == []


def number_anew(world: World) -> None:
    if world.strongest == "copy":  # as on exFAT and FAT, where files cannot be linked
        renumbered(world, {})


def edit(world: World) -> None:
    put(world.inbound, {ONE: b"edited"})


@pytest.mark.parametrize("change", [None, number_anew, edit])
def test_a_place_taken_meanwhile_undoes_the_move(world: World, change: Callable[[World], None] | None) -> None:
    left_as(world, "materialised")
    put(world.staging, {FINAL + b"1.mp3": b"somebody's"})
    if change is not None:
        change(world)
    before = tree(world.inbound)
    report = recovered(world, Steps(fence=2))
    assert states(report) == CANCELLED
    assert change is edit or [reason.code for reason in report.reasons] == ["target_exists"]
    assert tree(world.staging)[FINAL + b"1.mp3"] == b"somebody's"
    assert tree(world.inbound) == before


def test_a_file_that_is_nowhere_whole_waits_for_a_person(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = left_as(world, "materialised")
    Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()
    hidden = hidden_folder(transfer) + b"/CD 1/1.mp3"
    put(world.staging, {hidden: b"on"})
    report = recovered(world, Steps(fence=2))
    assert states(report) == ATTENTION
    assert [reason.code for reason in report.reasons] == ["source_missing"]
    assert tree(world.staging)[hidden] == b"on"
    assert tree(world.inbound)[COVER] == b"cover"


def test_a_whole_copy_is_enough_when_the_source_is_gone(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    left_as(world, "materialised")
    Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()
    assert states(recovered(world, Steps(fence=2))) == DONE
    assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"one"


def test_after_a_restart_a_damaged_copy_is_found_before_its_source_goes(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    left_as(world, "published")
    put(world.staging, {FINAL + b"CD 1/1.mp3": b"0ne"})
    report = recovered(world, Steps(fence=2), boot_id="next")
    assert states(report) == ATTENTION
    assert [reason.code for reason in report.reasons] == ["final_damaged"]
    assert tree(world.inbound)[ONE] == b"one"


def test_a_file_that_is_another_in_staging_is_found_before_its_source_goes(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    left_as(world, "published")
    Path(os.fsdecode(os.path.join(world.staging, FINAL, b"CD 1/1.mp3"))).unlink()
    put(world.staging, {FINAL + b"CD 1/1.mp3": b"0ne"})
    report = recovered(world, Steps(fence=2))
    assert states(report) == ATTENTION
    assert [reason.code for reason in report.reasons] == ["final_damaged"]
    assert tree(world.inbound)[ONE] == b"one"


@pytest.mark.parametrize(("source", "expected"), [(b"one", "cancelled"), (None, "attention")])
def test_an_album_that_vanished_before_its_switch_is_missed_unless_its_sources_hold_it_all(
    world: World, source: bytes | None, expected: str
) -> None:
    transfer = left_as(world, "materialised")
    shutil.rmtree(os.path.join(world.staging, hidden_folder(transfer)))
    if source is None:
        Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()
    assert states(recovered(world, Steps(fence=2))) == NOTHING | {expected: 1}


class Unsynced(Steps):
    """The disk fails when the album has its place."""

    def check(self, label: str) -> None:
        super().check(label)
        if label == "fsync above" and "switch" in self.labels:
            raise Retryable("broken", code="io_error")


def test_a_move_that_fails_when_its_album_has_its_place_goes_forward(world: World) -> None:
    left_as(world, "materialised")
    assert states(recovered(world, Unsynced(fence=2))) == WAITING
    assert states(recovered(world, Steps(fence=3))) == DONE
    assert [*complaints(world), *unfinished(world)] == []


def test_an_album_that_vanished_from_staging_waits_for_a_person(world: World) -> None:
    left_as(world, "published")
    os.rename(os.path.join(world.staging, FINAL), os.path.join(world.staging, b"B/Elsewhere"))
    assert states(recovered(world, Steps(fence=2))) == ATTENTION
    assert tree(world.inbound)[ONE] == b"one"
    assert tree(world.staging)[b"B/Elsewhere/CD 1/1.mp3"] == b"one"


def test_a_move_interrupted_too_often_is_left_alone(world: World) -> None:
    transfer = left_as(world, "materialised")
    with world.database.begin() as connection:
        connection.execute(update(TransferRow).values(attempt=MAX_ATTEMPTS))
    before = tree(world.inbound), tree(world.staging)
    report = recovered(world, Steps(fence=2))
    assert states(report) == ATTENTION
    assert "interrupted" in str(row(world, transfer).error)
    assert (tree(world.inbound), tree(world.staging)) == before


class Dying(Steps):
    """The power fails before the first source is removed."""

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith("unlink"):
            raise Killed(label)


def test_interruptions_are_counted_anew_in_each_state(world: World) -> None:
    transfer = left_as(world, "materialised")
    with world.database.begin() as connection:
        connection.execute(update(TransferRow).values(attempt=MAX_ATTEMPTS - 1))
    for fence in range(2, 2 + MAX_ATTEMPTS):
        with pytest.raises(Killed):
            recovered(world, Dying(fence=fence))
        assert (row(world, transfer).state, row(world, transfer).attempt) == ("published", fence - 1)
    assert states(recovered(world, Dying(fence=20))) == ATTENTION  # what never comes further is left alone
    assert tree(world.inbound)[ONE] == b"one"


class Failing(Steps):
    """The disk goes read-only before the first source is removed."""

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith("unlink"):
            raise Retryable("read-only", code="read_only")


def test_a_failing_disk_is_waited_for_and_does_not_count(world: World, logged: list[str]) -> None:
    transfer = left_as(world, "published")
    for fence in range(2, 4 + MAX_ATTEMPTS):
        report = recovered(world, Failing(fence=fence))
        assert states(report) == WAITING
        assert [reason.message for reason in report.reasons][-1].endswith("and is tried again: read-only.")
    assert (row(world, transfer).attempt, row(world, transfer).error) == (0, "read-only")
    assert {*logged} == {"WARNING interrupted transfer not settled"}
    assert states(recovered(world, Steps(fence=20))) == DONE
    assert logged[-1] == "INFO interrupted transfer settled"
    assert row(world, transfer).error is None


def test_while_the_database_is_away_a_move_goes_neither_on_nor_back(world: World) -> None:
    """Whether its last commit happened is not known then; the next recovery reads it."""

    def refuse() -> None:
        raise Retryable("away", code="database_unavailable")

    transfer = left_as(world, "materialised")
    before = tree(world.inbound), tree(world.staging)
    with pytest.raises(Retryable, match="away"):
        recovered(world, At("", refuse))
    assert (tree(world.inbound), tree(world.staging)) == before
    assert row(world, transfer).state == "materialised"
    assert states(recovered(world, Steps(fence=3))) == DONE


class Stopping(Steps):
    """Asked to stop at the first opportunity."""

    def check_stop(self) -> None:
        raise Stopped("stop")


def test_being_asked_to_stop_does_not_count_either(world: World) -> None:
    transfer = left_as(world, "materialised")
    for fence in range(2, 4 + MAX_ATTEMPTS):
        with pytest.raises(Stopped):
            recovered(world, Stopping(fence=fence))
    assert row(world, transfer).attempt == 0
    assert states(recovered(world, Steps(fence=20))) == DONE


def test_a_newer_holder_is_not_disturbed(world: World) -> None:
    transfer = left_as(world, "materialised")
    with world.database.begin() as connection:
        connection.execute(update(TransferRow).values(fence=9))
    before = tree(world.inbound), tree(world.staging)
    with pytest.raises(LeaseLost):
        recovered(world, Steps(fence=8))
    assert (row(world, transfer).fence, row(world, transfer).attempt) == (9, 0)
    assert (tree(world.inbound), tree(world.staging)) == before


def test_who_loses_a_move_half_way_takes_nothing_of_it_away(world: World) -> None:
    """The new holder builds in the same hidden folder by then."""

    def lose() -> None:
        with world.database.begin() as connection:
            connection.execute(update(TransferRow).values(fence=9))

    transfer = fill(left_as(world, "planned"), Steps(), strongest=world.strongest)
    with pytest.raises(LeaseLost):
        recovered(world, At("fsync above", lose))
    hidden = hidden_folder(transfer) + b"/"
    assert {hidden + b"CD 1/1.mp3", hidden + COVER.rpartition(b"/")[2]} <= tree(world.staging).keys()
    assert states(recovered(world, Steps(fence=9))) == DONE
    assert [*complaints(world), *unfinished(world)] == []


class Turning(Steps):
    """The disk is full, and while that is undone something else happens."""

    def __init__(self, trouble: GreenroomError, fence: int) -> None:
        super().__init__(fence=fence)
        self._trouble = trouble

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith("undo"):
            raise self._trouble
        if label == "fsync above":
            raise Retryable("full", code="disk_full")


def test_who_loses_the_lease_while_it_goes_back_stops_at_once(world: World) -> None:
    transfer = fill(left_as(world, "planned"), Steps(), strongest=world.strongest)
    with pytest.raises(LeaseLost):
        recovered(world, Turning(LeaseLost("lost"), fence=2))
    assert row(world, transfer).error is None
    assert states(recovered(world, Steps(fence=3))) == DONE


def test_being_asked_to_stop_while_it_goes_back_does_not_count(world: World) -> None:
    transfer = fill(left_as(world, "planned"), Steps(), strongest=world.strongest)
    for fence in range(2, 4 + MAX_ATTEMPTS):
        assert states(recovered(world, Turning(Stopped("stop"), fence=fence))) == WAITING
    assert row(world, transfer).attempt == 0
    assert states(recovered(world, Steps(fence=20))) == DONE


def test_what_cannot_be_undone_is_what_a_person_is_told(world: World) -> None:
    transfer = fill(left_as(world, "planned"), Steps(), strongest=world.strongest)
    assert states(recovered(world, Turning(NeedsReview("look at it"), fence=2))) == ATTENTION
    assert row(world, transfer).error == "look at it"


def test_what_waits_for_a_person_stays_out_of_plans(world: World) -> None:
    transfer = left_as(world, "materialised")
    with world.database.begin() as connection:
        journal.advance(connection, [transfer], "attention", NOW)
        held = journal.reserved(connection, world.inbound, world.staging)
        assert world.plan(connection, 2) == []
    assert held == (frozenset({ONE, COVER}), frozenset({b"B/Band - Two"}))


def forget(world: World) -> None:
    """Set the database back to before the transfer."""
    with world.database.begin() as connection:
        connection.execute(delete(TransferRow))
        connection.execute(delete(StagingItem))


def test_a_folder_nobody_knows_is_swept_when_the_sources_hold_it_all(world: World) -> None:
    transfer = left_as(world, "materialised")
    forget(world)
    assert recovered(world, Steps(fence=2)).reasons == ()
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))
    assert tree(world.inbound)[ONE] == b"one"


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_the_folder_of_a_move_that_has_ended_is_swept_too(world: World, state: State) -> None:
    """A power cut may bring back what was removed."""
    transfer = left_as(world, "materialised")
    with world.database.begin() as connection:
        connection.execute(update(TransferRow).values(state=state))
    assert recovered(world, Steps(fence=2)).reasons == ()
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))
    assert tree(world.inbound)[ONE] == b"one"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_nobody_knows_is_swept_though_it_was_not_filled_yet(world: World, is_there: bool) -> None:
    """Also where somebody took the file away since, of which there is nothing in it."""
    transfer = left_as(world, "materialised")
    forget(world)
    hidden = Path(os.fsdecode(os.path.join(world.staging, hidden_folder(transfer))))
    (hidden / "CD 1" / "1.mp3").unlink()
    if not is_there:
        Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()
    (hidden / "album.greenroom.json.new").write_bytes(b"{")
    assert recovered(world, Steps(fence=2)).reasons == ()
    assert not hidden.exists()


def test_a_folder_nobody_knows_is_swept_after_its_root_was_moved(world: World, tmp_path: Path) -> None:
    transfer = left_as(world, "materialised")
    forget(world)
    os.rename(world.inbound, tmp_path / "moved")
    assert recovered(replace(world, inbound=os.fsencode(tmp_path / "moved")), Steps(fence=2)).reasons == ()
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))


def test_what_two_recoveries_see_in_a_root_they_share_is_said_once(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    put(world.staging, {b".greenroom-tx/somebodys/mine.txt": b"mine"})
    inbound, library = (recovered(world, Steps(fence=2)) for _ in range(2))
    assert [reason.code for reason in inbound.joined([library]).reasons] == ["orphan_transfer_folder"]


@pytest.mark.parametrize(
    "change",
    [
        "source gone",
        "source edited",
        "file added",
        "folder added",
        "no sidecar",
        "no sidecar of ours",
        "another's",
        "other root",
    ],
)
def test_a_folder_nobody_knows_stays_when_it_may_hold_the_only_copy(tmp_path: Path, change: str) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = left_as(world, "materialised")
    forget(world)
    hidden = hidden_folder(transfer)
    match change:
        case "source gone":
            Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()
        case "source edited":
            put(world.inbound, {ONE: b"two"})
        case "file added":
            put(world.staging, {hidden + b"/mine.txt": b"mine"})
        case "folder added":
            os.mkdir(os.path.join(world.staging, hidden, b"mine"))
        case "no sidecar of ours":
            put(world.staging, {hidden + b"/album.greenroom.json": b"mine"})
        case "another's":  # as an album that gave way
            was, hidden = hidden, hidden + b"0"
            os.rename(os.path.join(world.staging, was), os.path.join(world.staging, hidden))
        case "no sidecar":
            Path(os.fsdecode(os.path.join(world.staging, hidden, b"album.greenroom.json"))).unlink()
        case "other root":
            (tmp_path / "in2").mkdir()
            world = replace(world, inbound=os.fsencode(tmp_path / "in2"))
    before = tree(world.staging)
    (reason,) = recovered(world, Steps(fence=2)).reasons
    assert (reason.code, reason.path) == ("orphan_transfer_folder", os.path.join(world.staging, hidden))
    left = tree(world.staging)
    assert left == before or (change == "folder added" and left[hidden + b"/mine/"] == b"")
    assert left.items() >= FOREIGN.items()
