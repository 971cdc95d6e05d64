"""What somebody does to an album on its way to the trash or back → theirs stays, and nothing untrue is listed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from processor.items import repository
from processor.metadata import rows
from processor.metadata.documents import ITSELF
from processor.taking_back import rehearse
from processor.transfers import journal
from tests.faults.test_trash_kill import NOW, Scene, scene
from tests.faults.world import At, Steps
from tests.scenarios.drops import songs

__all__ = ["scene"]  # the fixture


def home(scene: Scene) -> Path:
    return Path(os.fsdecode(os.path.join(scene.root, scene.home)))


def test_a_file_that_is_put_into_an_album_just_before_keeps_it_from_the_trash(scene: Scene) -> None:
    mine = home(scene) / "mine.txt"
    scene.discard(At("mkdir", lambda: mine.write_bytes(b"mine")))
    assert mine.read_bytes() == b"mine"
    assert scene.is_listed
    assert scene.trashed() == []


def test_what_takes_the_place_of_an_album_just_then_does_not_go_in_its_stead(scene: Scene) -> None:
    def replace() -> None:
        home(scene).rename(scene.house.staging / "elsewhere")
        home(scene).mkdir()
        (home(scene) / "mine.mp3").write_bytes(b"mine")

    scene.discard(At("unlist", replace))
    scene.recover(Steps(fence=3))
    assert [path.name for path in home(scene).iterdir()] == ["mine.mp3"]
    assert scene.album(b"elsewhere") == scene.before


def test_what_a_person_says_of_an_album_in_that_instant_is_restored_with_it(scene: Scene) -> None:
    def say() -> None:
        with scene.house.database.begin() as connection:
            rows.say(connection, repository.id_of(connection, scene.key), ITSELF, "genres", ["Folk"], NOW)

    scene.discard(At("unlist", say))
    scene.restore(Steps(fence=3))
    with scene.house.database.read() as connection:
        said = rows.said(connection, [repository.id_of(connection, scene.key)])
    assert [*said.values()] == [{"title": "Low Tide, again", "genres": ["Folk"]}]


def spoil(track: Path) -> None:
    track.write_bytes(b"shorter")


def test_an_album_that_is_damaged_on_its_way_out_of_the_trash_is_not_listed(scene: Scene) -> None:
    scene.discard(Steps())
    (folder,) = (scene.house.staging / ".greenroom-trash").glob("discard-*")
    scene.restore(At("restore", lambda: spoil(next(folder.glob("*.mp3")))))
    assert not scene.is_listed
    assert not home(scene).exists()
    assert len(scene.trashed()) == 1


def stage_anew(scene: Scene, trashed: Path) -> None:
    scene.house.drop(songs("Low Tide", "flac", range(1, 3)))
    assert scene.house.run().status == "done"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (stage_anew, "album_listed"),
        (lambda scene, trashed: home(scene).mkdir(parents=True), "name_taken"),
        (lambda scene, trashed: spoil(next(trashed.glob("*.mp3"))), "not_as_recorded"),
        (lambda scene, trashed: shutil.rmtree(trashed), "trash_gone"),
    ],
)
def test_what_stands_in_the_way_of_restoring_is_said_before_anything_is_touched(
    scene: Scene, act: Callable[[Scene, Path], object], code: str
) -> None:
    scene.discard(Steps())
    (trashed,) = (scene.house.staging / ".greenroom-trash").glob("discard-*")
    act(scene, trashed)
    with scene.house.database.read() as connection:
        (transfer,) = journal.named(connection, "discard-1")
    assert [reason.code for reason in rehearse(scene.house.database, transfer).reasons] == [code]
