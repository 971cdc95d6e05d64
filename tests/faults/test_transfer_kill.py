"""Kill a move before each of its steps, and the recovery too: nothing is lost and everything ends well."""

from __future__ import annotations

from pathlib import Path

import pytest

from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.killing import Make, killed_once, killed_twice
from tests.faults.world import ALBUMS, Steps, World, complaints, converges, move, unfinished

WAYS: list[Strategy] = ["link", "copy"]
Albums = dict[bytes, dict[bytes, bytes]]


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_move_ends_settled(quick_path: Path, way: Strategy) -> None:
    world = World.make(quick_path, ALBUMS, way)
    moved = move(world, Steps())
    assert [transfer.strategy for transfer in moved] == [way, way]
    assert [*complaints(world), *unfinished(world)] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_everything_converges(quick_path: Path, way: Strategy) -> None:
    for world, step in killed_once(making(quick_path, ALBUMS, way)):
        assert converges(world) == [], f"killed before step {step}"
    assert step > 40


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, way: Strategy) -> None:
    one = {b"Band - Two": ALBUMS[b"Band - Two"]}
    for world, how in killed_twice(making(quick_path, one, way), 1, 1 if ALL else 4, 7):
        assert converges(world) == [], how


def making(quick_path: Path, albums: Albums, way: Strategy) -> Make[World]:
    def make(name: str, like: World | None) -> World:
        (quick_path / name).mkdir()
        return World.make(quick_path / name, albums, way, like)

    return make
