"""Kill a move before each of its steps, and the recovery too: nothing is lost and everything ends well."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from processor.journal import Strategy
from tests.faults.world import ALBUMS, Killed, Steps, World, complaints, converges, move, recovered, unfinished

WAYS: list[Strategy] = ["link", "copy"]
ALL = os.environ.get("GREENROOM_FAULTS") == "all"


def killed(act: object, world: World, die_at: int, fence: int) -> bool:
    """Run until the step; tell whether it came that far."""
    try:
        act(world, Steps(die_at, fence))  # type: ignore[operator]
    except Killed:
        return True
    return False


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_move_ends_settled(tmp_path: Path, way: Strategy) -> None:
    world = World.make(tmp_path, ALBUMS, way)
    moved = move(world, Steps())
    assert [transfer.strategy for transfer in moved] == [way, way]
    assert [*complaints(world), *unfinished(world)] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_everything_converges(tmp_path: Path, way: Strategy) -> None:
    step, came_so_far = 0, True
    while came_so_far:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        world = World.make(folder, ALBUMS, way)
        came_so_far = killed(move, world, step, 1)
        assert converges(world) == [], f"killed before step {step}"
    assert step > 40


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_recovery_too_everything_converges(tmp_path: Path, way: Strategy) -> None:
    one = {b"Band - Two": ALBUMS[b"Band - Two"]}
    total = steps_of_a_move(tmp_path, one, way)
    for first in range(1, total + 1, 1 if ALL else 4):
        # A sample of the steps of recovery; another one for each step of the move.
        for second in range(1 + first % 7, 2 * total, 1 if ALL else 7):
            folder = tmp_path / f"{first} {second}"
            folder.mkdir()
            world = World.make(folder, one, way)
            assert killed(move, world, first, 1)
            came_so_far = killed(recovered, world, second, 2)
            assert converges(world) == [], f"killed before step {first}, recovery before {second}"
            if not came_so_far:
                break
    assert total > 25


def steps_of_a_move(tmp_path: Path, albums: dict[bytes, dict[bytes, bytes]], way: Strategy) -> int:
    folder = tmp_path / "count"
    folder.mkdir()
    steps = Steps()
    move(World.make(folder, albums, way), steps)
    return len(steps.labels)
