"""What was cut off in a library → settled once that can be worked on, and not a moment before; nobody else waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config import libraries
from config.errors import Busy, GreenroomError, Misconfigured
from config.locks import hold
from config.sentinel import SENTINEL
from processor.recover import RecoveryReport
from processor.settle import MAX_ATTEMPTS
from processor.tables import TransferRow
from tests.faults.killing import killed
from tests.faults.publishing import Scene, converges, unfinished
from tests.faults.world import NOW, tree
from workflow import upkeep
from workflow.events import EventRow
from workflow.recovering import recover_libraries_at_hand
from workflow.stopping import StopOrTimeout


@contextmanager
def away(scene: Scene) -> Iterator[None]:
    """Its disk is not mounted: what is there is an empty folder."""
    library, elsewhere = scene.folder / "library", scene.folder / "elsewhere"
    library.rename(elsewhere)
    library.mkdir()
    yield
    library.rmdir()
    elsewhere.rename(library)


@contextmanager
def another(scene: Scene) -> Iterator[None]:
    """Another disk is mounted there."""
    mark = scene.folder / "library" / os.fsdecode(SENTINEL)
    before = mark.read_bytes()
    mark.write_bytes(b"00000000-0000-4000-8000-000000000000\n")
    yield
    mark.write_bytes(before)


@contextmanager
def suspended(scene: Scene) -> Iterator[None]:
    with scene.database.begin() as connection:
        libraries.suspend(connection, scene.library, "its disk makes noises")
    yield
    with scene.database.begin() as connection:
        libraries.resume(connection, scene.library.path)


@contextmanager
def busy(scene: Scene) -> Iterator[None]:
    with hold(scene.database, [scene.library], "a test", threading.Event()):
        yield


def cut_off(folder: Path, kind: str, at: int | str) -> Scene:
    """Kill one that a real holder of the lock has begun."""
    scene = Scene.make(folder / "scene", kind, "link")
    assert killed(scene.perform, at, 2)
    with scene.database.begin() as connection:
        connection.execute(update(TransferRow).values(fence=0))
    return scene


def recovered(scene: Scene) -> list[RecoveryReport]:
    return upkeep.recover_libraries(scene.database, scene.folder, threading.Event())


def states(scene: Scene) -> list[str]:
    with scene.database.read() as connection:
        return list(connection.scalars(select(TransferRow.state)))


@pytest.mark.parametrize(
    ("trouble", "error"), [(away, Misconfigured), (another, Misconfigured), (suspended, Misconfigured), (busy, Busy)]
)
def test_what_was_cut_off_in_a_library_waits_until_that_can_be_worked_on(
    quick_path: Path, trouble: Callable[[Scene], AbstractContextManager[None]], error: type[GreenroomError]
) -> None:
    scene = cut_off(quick_path, "publish", "switch")
    before = states(scene), tree(os.fsencode(scene.folder / "staging"))
    with trouble(scene):
        there = tree(scene.library.path)
        with pytest.raises(error):
            recovered(scene)
        recover_libraries_at_hand(scene.database, scene.folder, StopOrTimeout(threading.Event()))  # a cycle goes on
        assert tree(scene.library.path) == there
    assert (states(scene), tree(os.fsencode(scene.folder / "staging"))) == before
    (report,) = recovered(scene)
    assert [one.kind for one in report.done] == ["publish"]
    assert list(unfinished(scene)) == []


@pytest.mark.parametrize("kind", ["publish", "refresh", "upgrade", "restage", "unpublish"])
def test_what_was_cut_off_in_one_library_does_not_wait_for_another_one(quick_path: Path, kind: str) -> None:
    scene = cut_off(quick_path, kind, 8)
    (scene.folder / "other").mkdir()
    with scene.database.begin() as connection:
        libraries.add_library(connection, "library", bytes(scene.folder / "other"), now=NOW)
    (scene.folder / "other").rename(scene.folder / "away")
    assert len(recovered(scene)) == 1
    assert not {*states(scene)} - {"done", "cancelled"}
    assert converges(scene) == []


def test_what_recovery_gives_up_in_a_library_is_told(quick_path: Path) -> None:
    scene = cut_off(quick_path, "publish", "switch")
    with scene.database.begin() as connection:
        connection.execute(update(TransferRow).values(attempt=MAX_ATTEMPTS))
    (report,) = recovered(scene)
    assert len(report.attention) == 1
    with scene.database.read() as connection:
        assert "move_held" in connection.scalars(select(EventRow.kind)).all()
