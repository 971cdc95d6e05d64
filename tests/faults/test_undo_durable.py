"""What an undo made durable, and when; and SIGKILL before, or an error from, the system calls of an undo."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.machine import sync_folder
from processor.filesystem.rights import NOT_SET
from processor.transfers.transfer import Strategy
from tests.faults.traced import REFUSED, Call, Outcome, changing, mark, run_traced, sample, with_errors
from tests.faults.undoing import Undoing
from tests.faults.unsynced import Disk, Marking
from tests.faults.world import FINAL, TWO_DISCS, Killed, Steps, World, complaints, put

pytestmark = pytest.mark.strace
WAYS: list[Strategy] = ["link", "copy"]


def power_cut_complaints(world: World, calls: list[Call]) -> Iterator[str]:
    """Say what a power cut would lose once the item is unlisted or the undo done, and what went from staging before."""
    inbound, staging = os.fsdecode(world.inbound), os.fsdecode(world.staging)
    disk, reached = Disk(), "planned"
    for call in calls:
        if call.mark:
            reached = call.mark
            roots = {"materialised": (), "unlisted": (inbound,), "done": (inbound, staging)}[reached]
            yield from (f"at {reached}: {path} is not durable" for path in disk.lost(*roots))
        elif call.name in ("unlinkat", "renameat2") and staging in call.text and reached != "unlisted":
            yield f"staging changes while {reached}: {call.text}"
        elif call.name == "unlinkat" and (hidden := f"{staging}/.greenroom-tx/") in call.text:
            moved = [name for name in disk.names if name.startswith(staging) and name.count("/", len(hidden)) == 0]
            yield from (f"a file is removed while {name} is not durable" for name in moved if "-tx/." not in name)
            disk.take(call)
        else:
            disk.take(call)


def traced_undo(folder: Path, way: Strategy, *inject: str) -> tuple[Undoing, Outcome]:
    undoing = Undoing(folder, way)
    return undoing, run_traced(lambda: undoing.perform(Marking(fence=2)), folder / "log", *inject)


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_synced_before_the_item_is_unlisted_and_before_it_is_done(tmp_path: Path, way: Strategy) -> None:
    undoing, outcome = traced_undo(tmp_path, way)
    assert outcome.status == 0
    assert len(outcome.marks) == 3
    assert list(power_cut_complaints(undoing.world, outcome.calls)) == []
    assert list(undoing.wrong()) == []


def test_a_file_that_somebody_put_back_already_is_synced_as_well(tmp_path: Path) -> None:
    undoing = Undoing(tmp_path, "copy")
    path = b"Band - Two/CD 1/01.flac"

    def work() -> None:
        put(undoing.world.inbound, {path: TWO_DISCS[path]})
        undoing.perform(Marking(fence=2))

    outcome = run_traced(work, tmp_path / "log")
    assert outcome.status == 0
    assert list(power_cut_complaints(undoing.world, outcome.calls)) == []


class Meddling(Marking):
    """Somebody adds a file of theirs, durably, to the album's folder before it is taken out of sight."""

    def __init__(self, folder: Path) -> None:
        super().__init__(fence=2)
        self._folder = folder

    def check(self, label: str) -> None:
        super().check(label)
        if label == "hide":
            with (self._folder / "mine.txt").open("wb") as file:
                os.fsync(file.fileno())
            sync_folder(self._folder)


def test_what_somebody_left_is_in_its_place_again_durably_before_the_undo_is_done(tmp_path: Path) -> None:
    undoing = Undoing(tmp_path, "link")
    album = Path(os.fsdecode(undoing.world.staging + b"/" + FINAL))
    outcome = run_traced(lambda: undoing.perform(Meddling(album)), tmp_path / "log")
    assert outcome.status == 0
    assert len(outcome.marks) == 3
    assert list(power_cut_complaints(undoing.world, outcome.calls)) == []
    assert [path.name for path in album.iterdir()] == ["mine.txt"]


class Tidying(Meddling):
    """They remove the folders that are empty then, too; and it dies before what it puts back there is synced."""

    def check(self, label: str) -> None:
        if label == "undo album" and "hide" in self.labels:
            self._folder.parent.rmdir()
            self._folder.parents[1].rmdir()
            sync_folder(self._folder.parents[2])
        elif label == "fsync put back" and "put back" in self.labels:
            raise Killed(label)
        super().check(label)


def test_recovery_syncs_all_folders_that_were_made_again_for_what_somebody_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "target", lambda _, album: b"B/Band/" + album)
    undoing = Undoing(tmp_path, "link")
    album = Path(os.fsdecode(undoing.world.staging), "B", "Band", "Band - Two")

    def work() -> None:
        with pytest.raises(Killed):
            undoing.perform(Tidying(album))
        undoing.recovered(Steps(fence=3))
        mark("done")

    outcome = run_traced(work, tmp_path / "log")
    assert outcome.status == 0
    assert outcome.marks[-1] == "done"
    assert list(power_cut_complaints(undoing.world, outcome.calls)) == []
    assert [path.name for path in album.iterdir()] == ["mine.txt"]


def calls_of_an_undo(quick_path: Path, way: Strategy) -> list[Call]:
    undoing, outcome = traced_undo(quick_path / "count", way)
    assert outcome.status == 0
    return changing(outcome.calls, undoing.world.inbound, undoing.world.staging)


@pytest.mark.parametrize("way", WAYS)
def test_sigkill_before_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    for call in sample(calls_of_an_undo(quick_path, way), 9):
        rule = f"{call.name}:signal=SIGKILL:when={call.n}"
        undoing, outcome = traced_undo(quick_path / f"{call.name} {call.n}", way, rule)
        assert outcome.status == -signal.SIGKILL, rule
        assert undoing.converges() == [], f"killed before {call}"
        undoing.world.database.close()


@pytest.mark.parametrize("way", WAYS)
def test_an_error_from_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    for call, error in with_errors(calls_of_an_undo(quick_path, way), 7):
        name = f"{call.name} {call.n} {error}"
        undoing, outcome = traced_undo(quick_path / name, way, f"{call.name}:error={error}:when={call.n}")
        assert outcome.status in (0, REFUSED), name
        assert list(complaints(undoing.world)) == [], name
        wrong = undoing.converges()
        kept = call.name in ("utimensat", "fchmod") and getattr(errno, error) in NOT_SET  # as nobody may set it
        if kept or "AT_REMOVEDIR" in call.text:  # then an empty folder may stay
            wrong = [said for said in wrong if not said.startswith(("staging", "inbound"))]
        assert wrong == [], f"{name}: {call}"
        undoing.world.database.close()
