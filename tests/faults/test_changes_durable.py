"""What a merge and a replacement made durable before the item tells of it; and that a dropped sync would be noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from processor.transfers.transfer import Strategy
from tests.faults.changes import NEW, OLD, TARGET, Scene
from tests.faults.test_undo_changes_kill import Changed
from tests.faults.traced import Call, run_traced
from tests.faults.unsynced import Disk, path_of, synced_twice, unsynced
from tests.faults.world import Killed, Steps

pytestmark = pytest.mark.strace
both = pytest.mark.parametrize("kind", ["merge", "replace"])
ways = pytest.mark.parametrize("way", ["link", "copy"])


def traced(folder: Path, kind: str, way: Strategy, *inject: str) -> tuple[Scene, list[Call]]:
    """Perform a change; return the calls it made until the item told of it."""
    scene = Scene.make(folder, kind, way)
    outcome = run_traced(lambda: scene.perform(Steps(fence=2)), folder / "log", *inject)
    scene.database.close()
    assert outcome.status == 0
    return scene, outcome.until("published")


def at_risk(scene: Scene, calls: list[Call]) -> list[str]:
    """Return what of staging would be lost if the power failed after these calls."""
    staging, disk = os.fsdecode(scene.staging), Disk()
    disk.synced |= {os.path.join(staging, os.fsdecode(TARGET + b"/" + path)) for path in OLD}  # as it was staged
    for call in calls:
        disk.take(call)
    return disk.lost(staging)


@both
@ways
def test_everything_is_synced_before_the_item_tells_of_it(tmp_path: Path, kind: str, way: Strategy) -> None:
    scene, calls = traced(tmp_path / "scene", kind, way)
    assert any(call.name in ("mkdir", "mkdirat") and "CD 2" in call.text for call in calls)
    assert at_risk(scene, calls) == []


@both
def test_recovery_takes_nothing_it_finds_for_durable(tmp_path: Path, kind: str) -> None:
    steps, scene = Steps(fence=2), Scene.make(tmp_path / "whole", kind, "link")
    scene.perform(steps)
    scene.database.close()
    points = [*unsynced(steps.labels)]
    assert points
    for n in points:
        scene = Scene.make(tmp_path / f"{n}", kind, "link")
        outcome = run_traced(lambda: finished(scene, n), tmp_path / f"log {n}")  # noqa: B023  called at once
        scene.database.close()
        assert outcome.status == 0
        for calls in (outcome.until("published"), outcome.calls):
            assert at_risk(scene, calls) == [], f"killed before step {n}, {steps.labels[n - 1]}"


def finished(scene: Scene, die_at: int) -> None:
    """Perform a change that dies before a step, and recover it."""
    with pytest.raises(Killed):
        scene.perform(Steps(die_at, fence=2))
    scene.recovered(Steps(fence=3))


@both
@ways
def test_everything_is_synced_before_the_item_says_again_what_it_said_before(
    tmp_path: Path, kind: str, way: Strategy
) -> None:
    changed, disk = Changed(tmp_path / "scene", kind, way), Disk()
    outcome = run_traced(lambda: changed.undo(Steps(fence=3)), tmp_path / "log")
    assert outcome.status == 0
    calls = outcome.until("published")
    for call in calls:
        disk.take(call)
    assert any(call.name == "renameat2" for call in calls) == (kind == "replace")
    assert disk.lost(*map(os.fsdecode, (changed.scene.staging, changed.scene.inbound))) == []
    changed.scene.database.close()


def test_recovery_of_an_undo_takes_no_sidecar_it_finds_for_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEW, "merge", {b"art/back.jpg": b"back"})  # it leaves a folder the sidecar is not in
    changed = Changed(tmp_path / "scene", "merge", "link")

    def work() -> None:
        with pytest.raises(Killed):
            changed.undo(Steps("fsync sign", fence=3))
        changed.scene.recovered(Steps(fence=4))

    outcome = run_traced(work, tmp_path / "log")
    changed.scene.database.close()
    assert outcome.status == 0
    assert at_risk(changed.scene, outcome.calls) == []


@both
def test_a_dropped_sync_is_noticed(tmp_path: Path, kind: str) -> None:
    scene, calls = traced(tmp_path / "scene", kind, "link")
    album = os.path.join(os.fsdecode(scene.staging), "A/Ada")
    syncs = [call for call in calls if call.name in ("fsync", "fdatasync") and path_of(call).startswith(album)]
    needed = [call for call in syncs if not synced_twice(call, syncs)]
    assert {"merge": f"{album}/Low/CD 2", "replace": album}[kind] in {path_of(call) for call in needed}
    for n, call in enumerate(needed):
        scene, dropped = traced(tmp_path / f"drop {n}", kind, "link", f"{call.name}:retval=0:when={call.n}")
        assert at_risk(scene, dropped), f"nobody noticed: {call}"
