"""Kill an undo before each of its steps, and the recovery too: nothing is lost, and everything ends where it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from processor import journal
from processor.journal import State, Strategy, Transfer
from processor.moves.move import Performance
from processor.tables import StagingItem, TransferRow
from processor.taking_back import TakenBack, take_back
from processor.transfer import PLAYER_IGNORES, TX
from tests.faults.world import (
    ALBUMS,
    FOREIGN,
    NOW,
    Killed,
    Steps,
    World,
    complaints,
    move,
    publish,
    put,
    recovered,
    tree,
)

WAYS: list[Strategy] = ["link", "copy"]
ONE = {b"Band - Two": ALBUMS[b"Band - Two"]}
ALL = os.environ.get("GREENROOM_FAULTS") == "all"


class Dying(Performance):
    """A performance that can also be killed between the last step on a disk and the commit."""

    def advance(self, transfer: Transfer, state: State) -> Transfer:
        self.guard.check(f"commit {state}")
        return super().advance(transfer, state)

    def taken_back(self, transfer: Transfer) -> Transfer:
        self.guard.check("commit unlisted")
        return super().taken_back(transfer)


class Undoing:
    """A world whose albums were staged, about to be taken back."""

    def __init__(self, folder: Path, way: Strategy, like: World | None = None, elsewhere: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.world = World.make(folder, ONE, way, like, elsewhere)
        self.before = self.look()
        move(self.world, Steps())

    def look(self) -> dict[bytes, tuple[bytes, int, int]]:
        """Every file of the inbound root: its bytes, rights and time."""
        root = os.fsdecode(self.world.inbound)
        found = {}
        for path, data in tree(self.world.inbound).items():
            stat = os.stat(os.path.join(root, os.fsdecode(path)))
            found[path] = (data, stat.st_mode, 0 if path.endswith(b"/") else stat.st_mtime_ns)
        return found

    def undo(self, guard: Steps) -> list[TakenBack]:
        """Take back what is staged."""
        world = self.world
        run = Dying(world.database, guard, publish, NOW, "boot", world.strongest, 2)
        with world.database.read() as connection:
            ids = list(connection.scalars(select(TransferRow.id).where(TransferRow.undoes.is_(None))))
            transfers = [found for id in ids for found in journal.named(connection, id)]
        return [take_back(run, transfer) for transfer in transfers]

    def wrong(self) -> Iterator[str]:
        """Say what is not as it was before the album was staged."""
        if self.look() != self.before:
            yield f"inbound: {self.look().keys() ^ self.before.keys()}"
        staged = tree(self.world.staging).keys() - {TX + b"/", *(TX + b"/" + name for name in PLAYER_IGNORES)}
        if {path for path in staged if not path.endswith(b"/")} != set(FOREIGN) or b"B/" in staged:
            yield f"staging: {staged}"
        with self.world.database.read() as connection:
            if connection.execute(select(StagingItem.key)).first():
                yield "an item is listed"
            for row in connection.execute(select(TransferRow.state, TransferRow.error)):
                if row.state not in ("done", "cancelled"):
                    yield f"a transfer is {row.state}: {row.error}"

    def converges(self) -> list[str]:
        """Recover twice, take back what was rolled back; return what is broken on the way or wrong at the end."""
        wrong = [*complaints(self.world)]
        recovered(self.world, Steps(fence=3))
        wrong += complaints(self.world)
        there = tree(self.world.inbound), tree(self.world.staging)
        again = recovered(self.world, Steps(fence=4))
        if again.done or again.cancelled or there != (tree(self.world.inbound), tree(self.world.staging)):
            wrong.append("a second recovery changed something")
        self.undo(Steps(fence=5))
        return [*wrong, *complaints(self.world), *self.wrong()]


def killed(act: object, die_at: int, fence: int) -> bool:
    try:
        act(Steps(die_at, fence))  # type: ignore[operator]
    except Killed:
        return True
    return False


def steps_of_an_undo(folder: Path, way: Strategy) -> int:
    steps = Steps()
    Undoing(folder, way).undo(steps)
    return len(steps.labels)


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_undo_puts_everything_back(quick_path: Path, way: Strategy) -> None:
    undoing = Undoing(quick_path, way)
    assert [taken.outcome for taken in undoing.undo(Steps())] == ["undone"]
    assert [*complaints(undoing.world), *undoing.wrong()] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_everything_converges(quick_path: Path, way: Strategy) -> None:
    step, came_so_far, like = 0, True, None
    while came_so_far:
        step += 1
        undoing = Undoing(quick_path / f"{step}", way, like)
        came_so_far, like = killed(undoing.undo, step, 2), undoing.world
        assert undoing.converges() == [], f"killed before step {step}"
    assert step > 50


def test_killed_before_any_step_across_file_systems_everything_converges(quick_path: Path, tmp_path: Path) -> None:
    if quick_path.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    step, came_so_far, like = 0, True, None
    while came_so_far:
        step += 1 if ALL else 3
        elsewhere = tmp_path / f"{step}"
        elsewhere.mkdir()
        undoing = Undoing(quick_path / f"{step}", "link", like, elsewhere)
        came_so_far, like = killed(undoing.undo, step, 2), undoing.world
        assert undoing.converges() == [], f"killed before step {step}"
    assert step > 50


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, way: Strategy) -> None:
    total, like = steps_of_an_undo(quick_path / "count", way), None
    for first in range(1, total + 1, 1 if ALL else 9):
        for second in range(1 + first % 7, 2 * total, 1 if ALL else 11):
            undoing = Undoing(quick_path / f"{first} {second}", way, like)
            like = undoing.world
            assert killed(undoing.undo, first, 2)
            came_so_far = killed(lambda guard, world=like: recovered(world, guard), second, 3)
            assert undoing.converges() == [], f"killed before step {first}, recovery before {second}"
            if not came_so_far:
                break


def test_killed_anywhere_a_link_somebody_made_before_stays(quick_path: Path) -> None:
    total, like = steps_of_an_undo(quick_path / "count", "link"), None
    for step in range(1, total, 1 if ALL else 3):
        undoing = Undoing(quick_path / f"{step}", "link", like)
        world = like = undoing.world
        path = b"Band - Two/CD 1/01.flac"
        put(world.inbound, {path: b""})
        old, new = os.path.join(world.staging, b"B/" + path), os.path.join(world.inbound, path)
        os.unlink(new)
        os.link(old, new)
        killed(undoing.undo, step, 2)
        recovered(world, Steps(fence=3))
        assert tree(world.inbound)[path] == ONE[b"Band - Two"][path], f"killed before step {step}"
        assert undoing.converges() == [], f"killed before step {step}"
