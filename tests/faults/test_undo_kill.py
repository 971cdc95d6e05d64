"""Kill an undo before each of its steps, and the recovery too: nothing is lost, and everything ends where it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.killing import Make, killed, killed_once, killed_twice
from tests.faults.undoing import ONE, Undoing
from tests.faults.world import Steps, complaints, put, recovered, tree

WAYS: list[Strategy] = ["link", "copy", "clone"]
pytestmark = pytest.mark.usefixtures("cloning")


def making(folder: Path, way: Strategy) -> Make[Undoing]:
    return lambda name, like: Undoing(folder / name, way, like.world if like else None)


def steps_of_an_undo(folder: Path, way: Strategy) -> int:
    steps = Steps()
    Undoing(folder, way).perform(steps)
    return len(steps.labels)


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_undo_puts_everything_back(quick_path: Path, way: Strategy) -> None:
    undoing = Undoing(quick_path, way)
    assert [taken.outcome for taken in undoing.perform(Steps())] == ["undone"]
    assert [*complaints(undoing.world), *undoing.wrong()] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_everything_converges(quick_path: Path, way: Strategy) -> None:
    for undoing, step in killed_once(making(quick_path, way)):
        assert undoing.converges() == [], f"killed before step {step}"
    assert step > 50


def test_killed_before_any_step_across_file_systems_everything_converges(quick_path: Path, tmp_path: Path) -> None:
    if quick_path.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")

    def make(name: str, like: Undoing | None) -> Undoing:
        (tmp_path / name).mkdir()
        return Undoing(quick_path / name, "link", like.world if like else None, tmp_path / name)

    for undoing, step in killed_once(make, 1 if ALL else 3):
        assert undoing.converges() == [], f"killed before step {step}"
    assert step > 50


@pytest.mark.parametrize("way", WAYS)
def test_killed_once_files_have_their_old_names_it_is_finished_by_the_recovery(quick_path: Path, way: Strategy) -> None:
    undoing = Undoing(quick_path / "scene", way)
    assert killed(undoing.perform, "fsync back", 2)
    assert [undo.state for undo in recovered(undoing.world, Steps(fence=3)).done] == ["done"]
    assert [*complaints(undoing.world), *undoing.wrong()] == []


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, way: Strategy) -> None:
    for undoing, how in killed_twice(making(quick_path, way), 1, 1 if ALL else 9, 7 if ALL else 11):
        assert undoing.converges() == [], how


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
        for folder in (b"Band - Two/CD 1", b"Band - Two"):  # as it was, if nobody looks closely
            os.utime(os.path.join(world.inbound, folder), ns=(1, undoing.before[folder + b"/"][2]))
        killed(undoing.perform, step, 2)
        recovered(world, Steps(fence=3))
        assert tree(world.inbound)[path] == ONE[b"Band - Two"][path], f"killed before step {step}"
        assert undoing.converges() == [], f"killed before step {step}"
