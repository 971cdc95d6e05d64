"""What is removed from the trash has another name, durably, before any of it goes: half an album is called none."""

from __future__ import annotations

import datetime as dt

import pytest

from processor.transfers import trash
from tests.faults.test_trash_kill import Scene, scene
from tests.faults.traced import run_traced
from tests.faults.unsynced import path_of
from tests.faults.world import Steps

__all__ = ["scene"]  # the fixture
pytestmark = pytest.mark.strace


def test_the_other_name_is_synced_before_anything_is_removed(scene: Scene) -> None:
    scene.discard(Steps())
    done = run_traced(
        lambda: trash.empty(scene.house.database, Steps(), scene.root, dt.timedelta(0)), scene.house.staging / "log"
    )
    assert done.status == 0
    names = [call.name for call in done.calls]
    named, removed = names.index("renameat2"), names.index("unlinkat")
    synced = [path_of(call) for call in done.calls[named:removed] if call.name == "fsync"]
    assert any(path.endswith("/.greenroom-trash") for path in synced)
