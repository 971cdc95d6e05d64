"""SIGKILL before, and an error from, every system call of a merge and a replacement; and filesystems that can less."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from processor.tables import TransferRow
from processor.transfers.transfer import Strategy
from tests.faults.changes import Scene, complaints, converges
from tests.faults.test_changes_kill import after_going_back
from tests.faults.traced import REFUSED, Call, changing, run_traced, sample, with_errors
from tests.faults.world import Steps

pytestmark = pytest.mark.strace
KINDS = ["merge", "replace"]


def run(scene: Scene, log: Path, *inject: str) -> int:
    return run_traced(lambda: scene.perform(Steps(fence=2)), log, *inject).status


def calls_of_a_change(quick_path: Path, kind: str, way: Strategy) -> list[Call]:
    """Every call of an undisturbed change that alters a root or the database, each once."""
    scene = Scene.make(quick_path / "count", kind, way)
    outcome = run_traced(lambda: scene.perform(Steps(fence=2)), quick_path / "calls")
    assert outcome.status == 0
    assert list(complaints(scene)) == []
    return changing(outcome.calls, scene.inbound, scene.staging)


@pytest.mark.parametrize("kind", KINDS)
def test_sigkill_before_a_call_loses_nothing(quick_path: Path, kind: str) -> None:
    for call in sample(calls_of_a_change(quick_path, kind, "link"), 9):
        scene = Scene.make(quick_path / f"{call.name} {call.n}", kind, "link")
        assert run(scene, quick_path / "log", f"{call.name}:signal=SIGKILL:when={call.n}") == -signal.SIGKILL
        assert converges(scene) == [], f"killed before {call}"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_from_a_call_loses_nothing(quick_path: Path, kind: str) -> None:
    for call, error in with_errors(calls_of_a_change(quick_path, kind, "copy"), 9):
        name = f"{call.name} {call.n} {error}"
        scene = Scene.make(quick_path / name, kind, "copy")
        status = run(scene, quick_path / "log", f"{call.name}:error={error}:when={call.n}")
        assert status in (0, REFUSED), name
        assert list(complaints(scene)) == [], name
        wrong = converges(scene)
        if "AT_REMOVEDIR" in call.text:  # then an empty folder may stay in the inbound tree
            wrong = [what for what in wrong if not what.startswith("left in inbound: b'new/")]
        assert wrong == [], name


def test_the_two_albums_change_places_in_one_call(quick_path: Path) -> None:
    calls = calls_of_a_change(quick_path, "replace", "link")
    folder = [call.text for call in calls if call.name.startswith("rename") and '"Low"' in call.text]
    assert len(folder) == 1
    assert "RENAME_EXCHANGE" in folder[0]


@pytest.mark.parametrize(
    ("kind", "rule", "code"),
    [
        ("replace", "renameat2:error=EINVAL:when=1", "cannot exchange two folders"),
        ("merge", "linkat:error=EPERM", "no hard links"),
    ],
)
def test_a_filesystem_that_cannot_do_it_leaves_everything_as_it_was(
    quick_path: Path, kind: str, rule: str, code: str
) -> None:
    scene = Scene.make(quick_path / "scene", kind, "copy")
    assert run(scene, quick_path / "log", rule) == 0
    with scene.database.read() as connection:
        state, error = connection.execute(
            select(TransferRow.state, TransferRow.error).where(TransferRow.id == "second")
        ).one()
    assert state == "cancelled"
    assert code in str(error)
    assert [*complaints(scene), *after_going_back(scene)] == []
    scene.database.close()


def test_a_file_that_was_taken_meanwhile_is_never_overwritten(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "merge", "link")

    class Rival(Steps):
        """Somebody puts a file where one is about to join."""

        def check(self, label: str) -> None:
            super().check(label)
            if label == "join 1/3":
                Path(os.fsdecode(scene.staging + b"/A/Ada/Low/03.mp3")).write_bytes(b"mine")

    assert scene.perform(Rival(fence=2)) == "cancelled"
    assert Path(os.fsdecode(scene.staging + b"/A/Ada/Low/03.mp3")).read_bytes() == b"mine"
    assert not os.path.exists(scene.staging + b"/A/Ada/Low/CD 2")
