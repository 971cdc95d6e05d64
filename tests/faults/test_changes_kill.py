"""Kill a merge and a replacement before each step, let each step fail, and the recovery too: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from processor.transfers import sidecar
from processor.transfers.hidden import TX
from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.changes import OLD, TARGET, Scene, complaints, converges, unfinished
from tests.faults.killing import Make, failing, killed, killed_once, killed_twice
from tests.faults.world import Steps, tree

both = pytest.mark.parametrize("kind", ["merge", "replace"])
ways = pytest.mark.parametrize("way", ["link", "copy", "clone"])
pytestmark = pytest.mark.usefixtures("cloning")


def making(folder: Path, kind: str, way: Strategy) -> Make[Scene]:
    return lambda name, like: Scene.make(folder / name, kind, way, like)


@both
@ways
def test_an_undisturbed_change_ends_settled(quick_path: Path, kind: str, way: Strategy) -> None:
    scene = Scene.make(quick_path / "scene", kind, way)
    seeds = scene.seeds()
    assert scene.perform(Steps(fence=2)) == "done"
    assert [*complaints(scene), *unfinished(scene)] == []
    assert scene.seeds() == seeds


@both
@ways
def test_killed_before_any_step_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    for scene, step in killed_once(making(quick_path, kind, way)):
        assert converges(scene) == [], f"killed before step {step}"
    assert step > 40


@both
@ways
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    for scene, how in killed_twice(making(quick_path, kind, way), 2, 1 if ALL else 5, 7 if ALL else 9):
        assert converges(scene) == [], how


@both
def test_what_was_begun_is_finished_by_the_recovery(quick_path: Path, kind: str) -> None:
    scene = Scene.make(quick_path / "0", kind, "link")
    steps = Steps(fence=2)
    scene.perform(steps)
    last = next(n for n, label in enumerate(steps.labels, 1) if label in ("join 3/3", "exchange"))
    scene = Scene.make(quick_path / "1", kind, "link", scene)
    assert killed(scene.perform, last, 2)
    assert [transfer.state for transfer in scene.recovered(Steps(fence=3)).done] == ["done"]
    assert [*complaints(scene), *unfinished(scene)] == []


@both
@ways
def test_any_step_may_fail_and_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    """What was not switched is taken back at once; what was switched goes forward with the next recovery."""
    states = []
    for scene, guard, how in failing(making(quick_path, kind, way)):
        states.append(scene.perform(guard))
        assert list(complaints(scene)) == [], how
        if states[-1] == "cancelled":
            assert [*after_going_back(scene)] == [], how
        assert converges(scene) == [], how
    turned = states.index("materialised")
    assert set(states[:turned]) == {"cancelled"}
    assert set(states[turned:]) == {"materialised", "published", "done"}


def after_going_back(scene: Scene) -> Iterator[str]:
    """Say what is other than before a change that was taken back."""
    there = {path for path in tree(scene.staging) if path.startswith(TARGET + b"/") and not path.endswith(b"/")}
    if there != {TARGET + b"/" + path for path in (*OLD, sidecar.NAME)}:
        yield f"in the album: {sorted(there)}"
    left = [path for path in tree(scene.staging) if path.startswith(TX + b"/") and path.count(b"/") > 1]
    yield from map(repr, left)


@both
def test_after_a_restart_of_the_machine_what_was_published_is_read_again(quick_path: Path, kind: str) -> None:
    scene = Scene.make(quick_path / "scene", kind, "copy")
    steps = Steps(fence=2)
    scene.perform(steps)
    published = next(n for n, label in enumerate(steps.labels) if label.startswith(("undo file", "trash")))
    scene = Scene.make(quick_path / "again", kind, "copy", scene)
    assert killed(scene.perform, published, 2)
    report = scene.recovered(Steps(fence=3), boot_id="another")
    assert [transfer.state for transfer in report.done] == ["done"]
    assert [*complaints(scene), *unfinished(scene)] == []
