"""SIGKILL before, and an error from, every system call of publishing, of its refreshes and of what takes it back."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.publishing import Scene, complaints, converges
from tests.faults.traced import REFUSED, Call, changing, run_traced, sample, with_errors
from tests.faults.unsynced import path_of
from tests.faults.world import Steps

pytestmark = pytest.mark.strace
EVERY = 120  # so manieth call of a kind in the sample
kinds = pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("publish", "link"), ("publish", "copy"), ("refresh", "link"), ("upgrade", "link"), ("rename", "link"),
        ("restage", "link"), ("unpublish", "link"), *([("upgrade and rename", "link")] if ALL else []),
    ],
)  # fmt: skip


def run(scene: Scene, *inject: str) -> int:
    """Perform what the scene is about, disturbed; a failure that is told is a refusal, too."""

    def work() -> None:
        ended = scene.perform(Steps(fence=2))
        assert ended == "done" or ended == "undone" or inject, ended

    return run_traced(work, scene.folder / "log", *inject).status


def calls_of(folder: Path, kind: str, way: Strategy) -> list[Call]:
    """Every call of an undisturbed one that alters a root, the cache or the database, each once."""
    scene = Scene.make(folder, kind, way)
    outcome = run_traced(lambda: scene.perform(Steps(fence=2)), folder / "log")
    assert outcome.status == 0
    assert list(complaints(scene)) == []
    return changing(outcome.calls, scene.staging.path, scene.library.path, bytes(folder / "blobs"))


@kinds
def test_sigkill_before_a_call_loses_nothing(quick_path: Path, kind: str, way: Strategy) -> None:
    like = None
    calls = calls_of(quick_path / "count", kind, way)
    calls = [call for call in calls if call.name != "ioctl" or "greenroom.db" not in call.text]  # only as it is opened
    for call in sample(calls, EVERY):
        scene = like = Scene.make(quick_path / f"{call.name} {call.n}", kind, way, like)
        assert run(scene, f"{call.name}:signal=SIGKILL:when={call.n}") == -signal.SIGKILL
        assert converges(scene) == [], f"killed before {call}"


@kinds
def test_an_error_from_a_call_loses_nothing(quick_path: Path, kind: str, way: Strategy) -> None:
    like, found = None, {}
    for call, error in with_errors(calls_of(quick_path / "count", kind, way), EVERY):
        name = f"{call.name} {call.n} {error}"
        scene = like = Scene.make(quick_path / name, kind, way, like)
        status = run(scene, f"{call.name}:error={error}:when={call.n}")
        wrong = [] if status in (0, REFUSED) else [f"it ended with {status}"]
        wrong += [*complaints(scene), *converges(scene)]
        if wrong:
            found[f"{name}: {call.text}"] = wrong
    assert found == {}


@pytest.mark.parametrize("kind", ["publish", "upgrade"])
def test_a_hidden_folder_that_cannot_be_synced_is_told(quick_path: Path, kind: str) -> None:
    calls = [call for call in calls_of(quick_path / "count", kind, "link") if call.name == "fsync"]
    hidden = [call for call in calls if re.search(r"/library/\.greenroom-tx/[^./][^/]*$", path_of(call))]
    assert len(hidden) > 1
    for call in hidden:
        scene = Scene.make(quick_path / f"{call.n}", kind, "link")
        assert run(scene, f"fsync:error=EIO:when={call.n}") in (0, REFUSED)
        assert [*complaints(scene), *converges(scene)] == []
