"""What somebody does to a staged album while it is merged, replaced or taken back → theirs stays, nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.changes import KEPT, NEW, OLD, TARGET, Scene, complaints
from tests.faults.killing import killed
from tests.faults.test_undo_changes_kill import Changed
from tests.faults.world import At, Steps, put, tree


def album(scene: Scene) -> Path:
    return Path(os.fsdecode(os.path.join(scene.staging, TARGET)))


@pytest.mark.parametrize(("kind", "label", "name"), [("merge", "fsync sidecar", "01.mp3"),
                                                     ("replace", "keep sidecar", "mine.txt")])  # fmt: skip
def test_an_album_somebody_writes_to_meanwhile_stays_as_it_is_then(
    quick_path: Path, kind: str, label: str, name: str
) -> None:
    scene = Scene.make(quick_path / "scene", kind, "link")
    mine = album(scene) / name

    def write() -> None:
        mine.unlink(missing_ok=True)
        mine.write_bytes(b"somebody's own")

    assert scene.perform(At(label, write)) == "cancelled"
    assert mine.read_bytes() == b"somebody's own"
    there = {os.fsencode(path.relative_to(album(scene))) for path in album(scene).rglob("*.*")}
    assert there == {*OLD, os.fsencode(name), b"album.greenroom.json"}


def test_an_album_that_gave_way_outlives_the_one_that_took_its_place(quick_path: Path) -> None:
    """It dies after the exchange, and somebody moves the new album away: the hidden folder is the old one then."""
    scene = Scene.make(quick_path / "scene", "replace", "link")
    steps = Steps(fence=2)
    scene.perform(steps)
    scene = Scene.make(quick_path / "again", "replace", "link", scene)
    assert killed(scene.perform, steps.labels.index("exchange") + 2, 2)
    album(scene).rename(scene.folder / "elsewhere")
    put(scene.staging, {TARGET + b"/art/cover.jpg": b"mine"})
    assert [transfer.state for transfer in scene.recovered(Steps(fence=3)).attention] == ["attention"]
    left = {data for path, data in tree(scene.staging).items() if path.startswith(b".greenroom-tx/")}
    assert left >= {*OLD.values(), *KEPT.values()}


@pytest.mark.parametrize(
    ("kind", "name", "before"), [("merge", "03.mp3", "undo file"), ("replace", "01.flac", "trash")]
)
def test_a_copy_that_was_damaged_before_its_source_goes_keeps_it(
    quick_path: Path, kind: str, name: str, before: str
) -> None:
    """The machine went down after the item told of it; what its disk has of it then is another file."""
    scene = Scene.make(quick_path / "scene", kind, "copy")
    assert killed(scene.perform, before, 2)
    (album(scene) / name).write_bytes((album(scene) / name).read_bytes()[::-1])
    assert len(scene.recovered(Steps(fence=3), boot_id="another").attention) == 1
    assert tree(scene.inbound)[b"new/" + name.encode()] == NEW[kind][name.encode()]


@pytest.mark.parametrize("kind", ["merge", "replace"])
def test_a_file_that_changes_while_it_is_taken_back_is_not_taken_back(quick_path: Path, kind: str) -> None:
    """It is found different in inbound before the item says again what it said."""
    changed = Changed(quick_path / "scene", kind, "copy")
    name = sorted(path for path in changed.inbound if not path.endswith(b"/"))[0]
    mine = Path(os.fsdecode(os.path.join(changed.scene.inbound, name)))
    taken = changed.undo(At("verify back 1/3", lambda: mine.write_bytes(b"somebody's own"), fence=3))
    assert (taken.outcome, mine.read_bytes()) == ("failed", b"somebody's own")
    assert list(complaints(changed.scene)) == []


def test_what_somebody_writes_over_a_track_that_joined_stays_when_it_is_taken_back(quick_path: Path) -> None:
    changed = Changed(quick_path / "scene", "merge", "link")
    mine = album(changed.scene) / "03.mp3"

    def write() -> None:
        mine.unlink()
        mine.write_bytes(b"somebody's own")

    taken = changed.undo(At("take out 1/3", write, fence=3))
    assert [reason.code for reason in taken.reasons] == ["left_in_staging"]
    assert mine.read_bytes() == b"somebody's own"
