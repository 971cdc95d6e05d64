"""What somebody does to a library and to staging while Greenroom works there → theirs stays, and nothing is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from config.errors import Retryable
from processor.filesystem.files import Tree
from processor.items import repository
from processor.publication import ledger
from processor.transfers import arrival, sidecar
from tests.faults.killing import killed
from tests.faults.publishing import FOLDER, HOME, MUSIC, NAMED, NOTE, Scene
from tests.faults.world import At, Steps, tree
from workflow.operations import published


def album(scene: Scene) -> Path:
    return scene.folder / "library" / "Ada" / "Low"


def put_another_there(scene: Scene) -> None:
    """Move the published album away, and an album of one's own into its place."""
    album(scene).rename(scene.folder / "elsewhere")
    album(scene).mkdir()
    (album(scene) / "mine.mp3").write_bytes(b"mine")


@pytest.mark.parametrize(("kind", "label"), [("refresh", "look"), ("upgrade", "set rights"), ("rename", "set rights")])
def test_an_album_somebody_put_in_the_place_of_the_published_one_is_not_touched(
    quick_path: Path, kind: str, label: str
) -> None:
    scene = Scene.make(quick_path / "scene", kind, "link")
    told = scene.perform(At(label, lambda: put_another_there(scene)))
    assert f"{album(scene)} is not the album that was published there" in told
    scene.recovered(Steps(fence=3))
    assert [path.name for path in album(scene).iterdir()] == ["mine.mp3"]
    moved = {path.read_bytes() for path in (scene.folder / "elsewhere").rglob("*.*")}
    assert moved > {MUSIC[path] for path in NAMED}


def test_an_album_that_is_moved_away_before_a_refresh_is_taken_up_again_leaves_no_trace_of_itself(
    quick_path: Path,
) -> None:
    scene = Scene.make(quick_path / "scene", "refresh", "link")
    assert killed(scene.perform, "put", 2)
    put_another_there(scene)
    report = scene.recovered(Steps(fence=3))
    assert [transfer.state for transfer in report.attention] == ["attention"]
    assert [path.name for path in album(scene).iterdir()] == ["mine.mp3"]


def test_a_file_that_appears_before_ours_has_its_place_stays_and_is_not_ours(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "publish", "link")
    mine = [album(scene).parent / name for name in ("artist.jpg", "artist.nfo", "folder.jpg", "poster.jpg")]
    assert scene.perform(At("put in place", lambda: [path.write_bytes(b"mine") for path in mine])) == "done"
    assert {path.read_bytes() for path in mine} == {b"mine"}
    with scene.database.read() as connection:
        assert not [entry.path for entry in ledger.entries(connection) if entry.item_id is None]


def test_what_somebody_wrote_over_a_file_that_is_to_go_stays(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "refresh", "link")
    mine = [album(scene).parent / name for name in ("artist.jpg", "folder.jpg", "poster.jpg")]

    def write() -> None:
        for path in mine:
            path.unlink()
            path.write_bytes(b"somebody's own")

    assert scene.perform(At("take", write)) == "done"
    assert {path.read_bytes() for path in mine} == {b"somebody's own"}


def test_what_somebody_adds_to_a_published_album_while_another_is_built_goes_on_in_it(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    late = album(scene) / "late note.txt"
    assert scene.perform(At("manifest", lambda: late.write_bytes(b"late"))) == "done"
    assert (late.read_bytes(), (album(scene) / "note.txt").read_bytes()) == (b"late", NOTE)
    assert b"03 - Three.mp3" in {path.rpartition(b"/")[2] for path in tree(scene.library.path)}


def test_what_somebody_takes_out_of_a_published_album_while_another_is_built_keeps_nobody(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    assert scene.perform(At("keep 1/", (album(scene) / "note.txt").unlink)) == "done"
    assert not (album(scene) / "note.txt").exists()
    assert b"03 - Three.mp3" in {path.rpartition(b"/")[2] for path in tree(scene.library.path)}


def test_an_album_stays_where_it_is_when_its_disk_is_too_full_to_exchange_it(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    before = tree(os.fsencode(album(scene)))
    monkeypatch.setattr(Tree, "exchange", fail)
    assert scene.perform(Steps(fence=2)) != "done"
    assert tree(os.fsencode(album(scene))) == before


def test_an_album_that_gave_way_outlives_the_one_that_took_its_place(quick_path: Path) -> None:
    """It dies after the exchange, and somebody moves the new album away: the hidden folder is the old one then."""
    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    steps = Steps(fence=2)
    scene.perform(steps)
    scene = Scene.make(quick_path / "again", "upgrade", "link", scene)
    assert killed(scene.perform, steps.labels.index("exchange") + 2, 2)
    album(scene).rename(scene.folder / "elsewhere")
    report = scene.recovered(Steps(fence=3))
    assert [transfer.state for transfer in report.attention] == ["attention"]
    left = {data for path, data in tree(scene.library.path).items() if path.startswith(b".greenroom-tx/")}
    assert left >= {MUSIC[path] for path in NAMED} | {NOTE}


def test_music_that_changes_while_it_is_staged_again_is_not_listed_there(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "restage", "copy")
    track = album(scene) / "01 - One.mp3"
    assert scene.perform(At("verify back 1/4", lambda: track.write_bytes(b"somebody's own"))) != "undone"
    assert track.read_bytes() == b"somebody's own"
    assert tree(scene.staging.path)[HOME + b"/01.mp3"] == MUSIC[b"01.mp3"]  # it may be the only copy by now
    with scene.database.read() as connection:
        found = repository.of_id(connection, scene.item_id)
    assert found is not None
    assert found.item.root_uuid == scene.library.root_uuid


def test_a_copy_that_was_damaged_before_its_source_goes_keeps_it(quick_path: Path) -> None:
    """The machine went down after the album was published; what its disk has of it then is another file."""
    scene = Scene.make(quick_path / "scene", "publish", "copy")
    steps = Steps(fence=2)
    scene.perform(steps)
    scene = Scene.make(quick_path / "again", "publish", "copy", scene)
    assert killed(scene.perform, next(n for n, label in enumerate(steps.labels, 1) if label.startswith("unlink")), 2)
    track = album(scene) / "01 - One.mp3"
    track.write_bytes(track.read_bytes()[::-1])
    assert len(scene.recovered(Steps(fence=3), boot_id="another").attention) == 1
    assert tree(scene.staging.path)[HOME + b"/01.mp3"] == MUSIC[b"01.mp3"]


@pytest.mark.parametrize("kind", ["publish", "upgrade"])
def test_a_copy_that_a_power_cut_damaged_is_not_said_to_be_published(quick_path: Path, kind: str) -> None:
    scene = Scene.make(quick_path / "scene", kind, "copy")
    assert killed(scene.perform, "put", 2)
    (track,) = album(scene).glob("01 - *")
    before = track.stat()
    track.write_bytes(track.read_bytes()[::-1])
    os.utime(track, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(scene.recovered(Steps(fence=3), boot_id="another").attention) == 1
    assert scene.status() == "publishing"


@pytest.mark.parametrize("name", ["01.mp3", "mine.txt"])
def test_what_stays_in_staging_of_a_published_album_is_told_of_there_and_music_with_what_says_whose_it_is(
    quick_path: Path, name: str
) -> None:
    scene = Scene.make(quick_path / "scene", "publish", "copy")
    home = scene.folder / "staging" / HOME.decode()
    steps = At("unlink 1/4", lambda: (home / name).write_bytes(b"somebody's own"))
    told = scene.put_in(steps).reasons
    assert (home / name).read_bytes() == b"somebody's own"
    assert sorted(path.name for path in home.iterdir()) == sorted(
        [name, *([sidecar.NAME.decode()] if name == "01.mp3" else [])]
    )
    assert told
    for reason in told:
        assert f"It is in staging: {home}" in reason.message
        assert "the next one sees" not in reason.message


@pytest.mark.parametrize("name", ["late note.txt", "cover.jpg", "album.nfo"])
def test_what_somebody_adds_to_an_album_that_is_taken_out_stays_in_the_library_and_is_told_of_there(
    quick_path: Path, name: str
) -> None:
    scene = Scene.make(quick_path / "scene", "unpublish", "link")
    late = album(scene) / name

    def write() -> None:
        late.unlink(missing_ok=True)
        late.write_bytes(b"late")

    (told,) = scene.take_out(At("hide", write)).reasons
    assert (late.read_bytes(), told.path) == (b"late", FOLDER)
    assert told.message == f"{album(scene)} is, or holds, what is not what was put there; it stays there."
    assert [path.name for path in album(scene).iterdir()] == [name]


def test_so_does_a_file_of_an_artist_that_somebody_writes_over_while_their_last_album_is_taken_out(
    quick_path: Path,
) -> None:
    scene = Scene.make(quick_path / "scene", "unpublish", "link")
    mine = album(scene).parent / "artist.nfo"
    (told,) = scene.take_out(At("take", lambda: mine.write_bytes(b"mine"))).reasons
    assert (told.code, told.path, mine.read_bytes()) == ("changed_kept", b"Ada/artist.nfo", b"mine")


class Late(Steps):
    """A mount that shows a file empty under the name it got by a step, until it is asked for once more."""

    def __init__(self, path: Path, step: str) -> None:
        super().__init__(fence=2)
        self._path, self._step, self._whole = path, step, b""

    def check(self, label: str) -> None:
        if self._step in self.labels[-1:]:
            self._whole = self._path.read_bytes()
            self._write(b"")
        super().check(label)
        if label == "await copy":
            self._write(self._whole)

    def _write(self, data: bytes) -> None:
        found = self._path.stat()
        self._path.write_bytes(data)
        os.utime(self._path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize(("kind", "step"), [("publish", "switch"), ("upgrade", "exchange")])
def test_copies_that_show_late_in_the_library_are_waited_for_before_the_rows_tell_of_them(
    quick_path: Path, kind: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_PAUSE", 0)
    scene = Scene.make(quick_path / "scene", kind, "copy")
    steps = Late(album(scene) / "01 - One.mp3", step)
    assert scene.perform(steps) == "done"
    assert steps.labels.count("await copy") == 1


def test_a_disk_that_fails_while_pictures_are_made_leaves_nothing_of_the_album_behind(quick_path: Path) -> None:
    def fail() -> None:
        raise Retryable("the disk could not write", code="io_error")

    scene = Scene.make(quick_path / "scene", "publish", "link")
    assert "could not write" in scene.perform(At("make 2", fail))
    published.heal(scene.database)
    assert scene.status() == "approved"
    library = scene.folder / "library"
    assert [path for path in library.rglob("*") if path.is_dir()] == [library / ".greenroom-tx"]
    assert tree(scene.staging.path)[HOME + b"/01.mp3"] == MUSIC[b"01.mp3"]
