"""Kill a move before each of its steps, and the recovery too: nothing is lost and everything ends well."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from processor.transfer import Strategy
from tests.faults.killing import killed
from tests.faults.world import ALBUMS, Steps, World, complaints, converges, move, recovered, unfinished

WAYS: list[Strategy] = ["link", "copy"]
Albums = dict[bytes, dict[bytes, bytes]]
ALL = os.environ.get("GREENROOM_FAULTS") == "all"


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_move_ends_settled(quick_path: Path, way: Strategy) -> None:
    world = World.make(quick_path, ALBUMS, way)
    moved = move(world, Steps())
    assert [transfer.strategy for transfer in moved] == [way, way]
    assert [*complaints(world), *unfinished(world)] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_everything_converges(quick_path: Path, way: Strategy) -> None:
    step, came_so_far, world = 0, True, None
    while came_so_far:
        step += 1
        world = fresh(quick_path, f"{step}", ALBUMS, way, world)
        came_so_far = killed(partial(move, world), step, 1)
        assert converges(world) == [], f"killed before step {step}"
    assert step > 40


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, way: Strategy) -> None:
    one = {b"Band - Two": ALBUMS[b"Band - Two"]}
    total = steps_of_a_move(quick_path, one, way)
    world = None
    for first in range(1, total + 1, 1 if ALL else 4):
        # A sample of the steps of recovery; another one for each step of the move.
        for second in range(1 + first % 7, 2 * total, 1 if ALL else 7):
            world = fresh(quick_path, f"{first} {second}", one, way, world)
            assert killed(partial(move, world), first, 1)
            came_so_far = killed(partial(recovered, world), second, 2)
            assert converges(world) == [], f"killed before step {first}, recovery before {second}"
            if not came_so_far:
                break
    assert total > 25


def steps_of_a_move(quick_path: Path, albums: Albums, way: Strategy) -> int:
    steps = Steps()
    move(fresh(quick_path, "count", albums, way), steps)
    return len(steps.labels)


def fresh(quick_path: Path, name: str, albums: Albums, way: Strategy, like: World | None = None) -> World:
    folder = quick_path / name
    folder.mkdir()
    return World.make(folder, albums, way, like)
