"""What publishing, its refreshes and its undos made durable before the rows tell of it, and before they are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from config.errors import Retryable
from processor.transfers.transfer import Strategy, Transfer
from tests.faults.publishing import NOTE, Scene
from tests.faults.test_bare_disks import BARE
from tests.faults.traced import MARK, Call, mark, run_traced
from tests.faults.unsynced import Disk, unsynced
from tests.faults.world import Killed, Steps

pytestmark = pytest.mark.strace


def traced(folder: Path, kind: str, way: Strategy, die_at: int | None = None, *inject: str) -> tuple[Scene, list[Call]]:
    """Perform what the scene is about; return it, and the calls with a mark before each commit that tells of it.

    Where it dies before a step, its recovery goes on.
    """
    scene = Scene.make(folder, kind, way)
    return scene, watched(scene, die_at, *inject)


def watched(scene: Scene, die_at: int | None = None, *inject: str) -> list[Call]:
    """Perform what a scene is about; return as `traced` does."""

    def recorded(connection: Connection, transfer: Transfer) -> None:
        mark(transfer.kind)
        scene.recorded(connection, transfer)

    marking = replace(scene, recorded=recorded)

    def work() -> None:
        try:
            marking.perform(Steps(die_at, fence=2))
        except Killed:
            marking.recovered(Steps(fence=3))

    outcome = run_traced(work, scene.folder / "log", *inject)
    scene.database.close()
    assert outcome.status == 0
    return outcome.calls


def at_risk(scene: Scene, calls: list[Call]) -> Iterator[str]:
    """Say what a power cut would lose once the rows tell of it, and in the end."""
    staging, library = (os.fsdecode(root.path) for root in (scene.staging, scene.library))
    disk = Disk()
    disk.synced.add(f"{library}/Ada/Low/note.txt")  # by whoever wrote it
    for call in [*calls, Call("access", 0, f"{MARK}done")]:
        if call.mark:
            yield from (f"at {call.mark}: {path} is not durable" for path in disk.lost(staging, library))
        else:
            disk.take(call)


@pytest.mark.parametrize(
    ("kind", "way", "told"),
    [
        ("publish", "link", 1), ("publish", "copy", 1), ("refresh", "link", 1), ("upgrade", "link", 1),
        ("rename", "link", 2), ("restage", "link", 1), ("unpublish", "copy", 1),
    ],
)  # fmt: skip
def test_everything_is_synced_before_the_rows_tell_of_it(tmp_path: Path, kind: str, way: Strategy, told: int) -> None:
    scene, calls = traced(tmp_path / "scene", kind, way)
    assert sum(call.mark is not None for call in calls) == told
    risks = list(at_risk(scene, calls))
    assert not risks, "\n".join(risks)


@pytest.mark.parametrize("kind", ["publish", "refresh", "upgrade", "rename", "restage", "unpublish"])
def test_recovery_takes_nothing_it_finds_for_durable(tmp_path: Path, kind: str) -> None:
    steps, scene = Steps(fence=2), Scene.make(tmp_path / "whole", kind, "link")
    scene.perform(steps)
    scene.database.close()
    points = [*unsynced(steps.labels)]
    assert points
    for n in points:
        scene, calls = traced(tmp_path / f"{n}", kind, "link", n)
        risks = list(at_risk(scene, calls))
        assert not risks, "\n".join([f"killed before step {n}, {steps.labels[n - 1]}", *risks])


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("kind", ["upgrade", "rename"])
def test_nor_where_folders_cannot_change_places(tmp_path: Path, kind: str) -> None:
    test_recovery_takes_nothing_it_finds_for_durable(tmp_path, kind)


def moving(folder: Path) -> Scene:
    """Publish an album that is to get another name in another folder, where nothing is the artist's."""
    scene = replace(Scene.make(folder, "publish", "link"), template="Ada/{album}", kind="rename")
    assert scene.perform_kind("publish", Steps(fence=1)) == "done"
    (folder / "library" / "Ada" / "Low" / "note.txt").write_bytes(NOTE)
    return replace(scene, template="Moved/{album}")


def test_an_album_that_gets_another_name_in_another_folder_is_durable_there_and_gone_here(tmp_path: Path) -> None:
    """Nothing of the artist's is written there, whose folders are synced for that."""
    steps, scene = Steps(fence=2), moving(tmp_path / "whole")
    assert scene.perform(steps) == "done"
    assert (scene.folder / "library" / "Moved" / "Low").is_dir()
    assert "put" not in steps.labels
    scene.database.close()
    for n in (None, *unsynced(steps.labels)):
        scene = moving(tmp_path / f"{n}")
        risks = list(at_risk(scene, watched(scene, n)))
        assert not risks, "\n".join([f"killed before step {n}, {steps.labels[(n or 0) - 1]}", *risks])


class Failing(Steps):
    """A disk fails before each step of one label; whoever works is killed right after a step of another."""

    def __init__(self, label: str, fence: int, die_after: str | None = None) -> None:
        super().__init__(fence=fence)
        self._label, self._die_after = label, die_after

    def check(self, label: str) -> None:
        if self._die_after in self.labels:
            raise Killed(label)
        super().check(label)
        if label == self._label:
            raise Retryable("the disk could not write", code="io_error")


@pytest.mark.usefixtures("no_exchange")
def test_an_album_that_an_earlier_try_put_back_is_durable_once_its_upgrade_is_cancelled(tmp_path: Path) -> None:
    scene = Scene.make(tmp_path / "scene", "upgrade", "link")

    def work() -> None:
        with pytest.raises(Killed):
            scene.perform(Failing("take place", 2, die_after="undo trash"))
        assert scene.recovered(Failing("keep 1/1", 3)).cancelled

    outcome = run_traced(work, tmp_path / "log")
    scene.database.close()
    assert outcome.status == 0
    assert list(at_risk(scene, outcome.calls)) == []


def test_nor_a_name_that_has_no_other_any_more_where_there_are_no_links(tmp_path: Path) -> None:
    """The last of those in staging is all there is of an album once it is out of the library."""
    scene, steps = Scene.make(tmp_path / "whole", "unpublish", "copy"), Steps(fence=2)
    scene.perform(steps)
    scene.database.close()
    for n in [n for n, label in enumerate(steps.labels, 1) if label.startswith(("back", "fsync back"))][1::2]:
        scene, calls = traced(tmp_path / f"{n}", "unpublish", "copy", n, *BARE)
        risks = [risk for risk in at_risk(scene, calls) if risk.startswith("at done")]
        assert not risks, "\n".join([f"killed before step {n}, {steps.labels[n - 1]}", *risks])
