"""Blobs of the cache → files of a library, whatever stands there, and whatever the disk refuses."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import GreenroomError, Retryable
from processor.artwork.blobs import Blob
from processor.filesystem.files import Tree
from processor.publication.access import Access
from processor.publication.intent import Gone, Made
from processor.publication.writing import add, put, read_blob, take
from tests.faults.world import At, Steps

OLD, NEW, THEIRS = b"as we wrote it before", b"as it is to be", b"somebody's"
PLACE = b"Ada/artist.nfo"
HIDDEN = b"Ada/.greenroom-mark-" + hashlib.sha256(b"artist.nfo").hexdigest()[:8].encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Shelf:
    """A library, and a cache with the bytes that are to be written."""

    def __init__(self, folder: Path) -> None:
        self.root, self.blobs = folder / "library", folder / "blobs"
        self.root.mkdir()

    @property
    def tree(self) -> Tree:
        return Tree(os.fsencode(self.root))

    def made(self, path: bytes = PLACE, data: bytes = NEW, over: bytes | None = None) -> Made:
        """Keep a blob, and say where it goes."""
        place = self.blobs / os.fsdecode(Blob(sha256(data), "nfo", 0).name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return Made(path, "nfo", sha256(data), "nfo", len(data), None if over is None else sha256(over))

    def at(self, path: bytes) -> Path:
        return self.root / os.fsdecode(path)

    def write(self, path: bytes, data: bytes) -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_bytes(data)

    def put(self, one: Made, guard: Steps | None = None) -> list[tuple[str, bytes | None]]:
        with self.tree as tree:
            kept, rights = put(tree, [one], os.fsencode(self.blobs), guard or Steps(), "mark")
        assert rights == [], "none were asked for"
        for reason in kept:
            assert (HIDDEN.decode() in reason.message) is os.path.lexists(self.at(HIDDEN))
        return [(reason.code, reason.path) for reason in kept]

    def add(self, *made: Made, guard: Steps | None = None) -> None:
        with self.tree as tree:
            add(tree, b"tx/1", b"Ada/Low", made, os.fsencode(self.blobs), guard or Steps())

    def files(self) -> dict[bytes, bytes]:
        there = (path for path in self.root.rglob("*") if path.is_file())
        return {os.fsencode(path.relative_to(self.root)): path.read_bytes() for path in there}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    (shelf.root / "tx" / "1").mkdir(parents=True)
    return shelf


def refuse(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def refused(*_: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Tree, call, refused)


@pytest.mark.parametrize("links", [None, errno.EPERM, errno.EMLINK])
def test_files_of_an_album_are_made_in_its_hidden_folder_and_those_alike_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, links: int | None
) -> None:
    if links:
        refuse(monkeypatch, "link", links)
    made = [shelf.made(b"Ada/Low/album.nfo", b"album"), *(shelf.made(b"Ada/Low/CD 1/%d.nfo" % n) for n in (1, 2))]
    guard = Steps()
    for _ in range(2):  # again is the same
        shelf.add(*made, guard=guard)
        one, other = (shelf.at(b"tx/1/CD 1/%d.nfo" % n).stat() for n in (1, 2))
        assert os.path.samestat(one, other) is (links is None)
        assert one.st_mode & 0o777 == 0o644
        assert shelf.files() == {b"tx/1/album.nfo": b"album", b"tx/1/CD 1/1.nfo": NEW, b"tx/1/CD 1/2.nfo": NEW}
    assert guard.labels == [*(f"make {n}/3" for n in (1, 2, 3)), *["fsync made"] * 2] * 2


def test_a_file_of_which_an_interrupted_try_wrote_a_part_is_made_anew(shelf: Shelf) -> None:
    shelf.write(b"tx/1/album.nfo", NEW[:5])
    shelf.add(shelf.made(b"Ada/Low/album.nfo"))
    assert shelf.files() == {b"tx/1/album.nfo": NEW}


def test_nor_is_one_that_it_wrote_whole_taken_for_durable(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is killed between the last write and its sync leaves the same bytes."""
    synced: list[bytes] = []
    sync_content = Tree.sync_content

    def noted(tree: Tree, path: bytes) -> None:
        synced.append(path)
        sync_content(tree, path)

    monkeypatch.setattr(Tree, "sync_content", noted)
    shelf.write(b"tx/1/album.nfo", NEW)
    shelf.add(shelf.made(b"Ada/Low/album.nfo"))
    assert synced == [b"tx/1/album.nfo"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"rotten")])
def test_nothing_is_made_of_a_blob_that_is_gone_or_damaged(shelf: Shelf, damage: Callable[[Path], object]) -> None:
    one = shelf.made()
    damage(next(shelf.blobs.rglob("*.nfo")))
    assert read_blob(os.fsencode(shelf.blobs), one.sha256, "nfo") is None
    with pytest.raises(Retryable) as raised:
        shelf.put(one)
    assert (raised.value.reason_code, raised.value.path) == ("blob_missing", PLACE)
    assert shelf.files() == {}


@pytest.mark.parametrize(("call", "there"), [("link", None), ("exchange", OLD), ("created", None), ("unlink", None)])
def test_a_disk_that_fails_is_told_and_leaves_what_was_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, call: str, there: bytes | None
) -> None:
    if there is not None:
        shelf.write(PLACE, there)
    refuse(monkeypatch, call, errno.ENOSPC)
    with pytest.raises(Retryable) as raised:
        shelf.put(shelf.made(over=OLD))
    assert (raised.value.reason_code, raised.value.path) == ("disk_full", PLACE)
    assert shelf.files().get(PLACE) == there


def test_a_file_that_could_not_be_written_whole_leaves_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    one = shelf.made(b"Ada/Low/album.nfo")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Retryable):
        shelf.add(one)
    assert shelf.files() == {}


@pytest.mark.parametrize("path", [b"Ada/Low/album.nfo", b"Ada/Low/CD 1/cover.nfo"])
def test_a_hidden_folder_that_went_away_is_not_made_anew(shelf: Shelf, path: bytes) -> None:
    """It would get its place in the library with what Greenroom made alone, and no music."""
    shutil.rmtree(shelf.at(b"tx/1"))
    with pytest.raises(Retryable) as raised:
        shelf.add(shelf.made(path))
    assert raised.value.reason_code == "vanished"
    assert not shelf.at(b"tx/1").exists()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
@pytest.mark.parametrize("refused", [(), ("link",), ("exchange",), ("link", "rename_noreplace")])
@pytest.mark.parametrize(
    ("there", "over", "after", "kept"),
    [
        (None, None, NEW, False),
        (None, OLD, NEW, False),
        (OLD, OLD, NEW, False),
        (NEW, OLD, NEW, False),
        (THEIRS, OLD, THEIRS, True),
        (THEIRS, None, THEIRS, True),
        (b"", b"", NEW, False),
    ],
)
def test_a_file_takes_a_free_place_or_that_of_what_it_may_give_way_to_it_and_of_nothing_else(
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[str, ...],
    number: int,
    there: bytes | None,
    over: bytes | None,
    after: bytes,
    kept: bool,
) -> None:
    for call in refused:
        refuse(monkeypatch, call, number)
    if there is not None:
        shelf.write(PLACE, there)
    for _ in range(2):
        assert shelf.put(shelf.made(over=over)) == ([("changed_kept", PLACE)] if kept else [])
        assert shelf.files() == {PLACE: after}


def test_what_is_in_its_place_without_the_rights_it_was_to_have_is_told_apart_from_what_is_not(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write(b"Bo/artist.nfo", THEIRS)
    both = [shelf.made(), shelf.made(b"Bo/artist.nfo")]
    monkeypatch.setattr(os, "fchown", no_owners)
    with shelf.tree as tree:
        kept, rights = put(tree, both, os.fsencode(shelf.blobs), Steps(), "mark", Access(uid=os.geteuid() + 1))
    assert [(reason.code, reason.path) for reason in kept] == [("changed_kept", b"Bo/artist.nfo")]
    assert [reason.code for reason in rights] == ["rights_kept"]
    assert rights[0].message.startswith(f"{os.fsdecode(tree.root)}/Ada (and 1 more) keeps its rights or owner")
    assert shelf.files() == {PLACE: NEW, b"Bo/artist.nfo": THEIRS}


def no_owners(*_: int) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_an_empty_file_stays_unless_it_is_what_a_rename_that_was_interrupted_left(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write(PLACE, b"")
    assert shelf.put(shelf.made()) == [("changed_kept", PLACE)]
    refuse(monkeypatch, "link", errno.EPERM)
    refuse(monkeypatch, "rename_noreplace", errno.EINVAL)
    assert shelf.put(shelf.made()) == []
    assert shelf.files() == {PLACE: NEW}


def test_a_folder_in_its_place_stays(shelf: Shelf) -> None:
    shelf.write(PLACE + b"/mine", THEIRS)
    assert shelf.put(shelf.made(over=OLD)) == [("changed_kept", PLACE)]
    assert shelf.files() == {PLACE + b"/mine": THEIRS}


@pytest.mark.parametrize("there", [None, OLD])
def test_what_somebody_writes_at_the_last_moment_stays(shelf: Shelf, there: bytes | None) -> None:
    if there is not None:
        shelf.write(PLACE, there)
    guard = At("put in place", lambda: shelf.write(PLACE, THEIRS))
    assert shelf.put(shelf.made(over=OLD), guard) == [("changed_kept", PLACE)]
    assert shelf.files() == {PLACE: THEIRS}


@pytest.mark.parametrize(
    ("left", "there", "after"),
    [
        (NEW, None, NEW),
        (NEW[:5], None, NEW),
        (NEW, OLD, NEW),
        (OLD, NEW, NEW),
        (OLD, THEIRS, THEIRS),  # which was written over ours
        (b"\0\0", OLD, NEW),  # as a power cut leaves what was not synced
        (THEIRS, NEW, THEIRS),  # exchanged, and not looked at yet
        (THEIRS, None, THEIRS),  # the same, and somebody removed ours since
    ],
)
def test_what_an_interrupted_try_left_is_settled(shelf: Shelf, left: bytes, there: bytes | None, after: bytes) -> None:
    """It is found by its name, which is that of the file and of who writes there, wherever their folder was moved."""
    if there is not None:
        shelf.write(PLACE, there)
    shelf.write(HIDDEN, left)
    assert shelf.put(shelf.made(over=OLD)) == ([("changed_kept", PLACE)] if after == THEIRS else [])
    assert shelf.files() == {PLACE: after}


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_somebody_wrote_is_back_in_its_place_durably(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    shelf.write(PLACE, NEW if interrupted else OLD)
    if interrupted:  # it was, once they had changed places
        shelf.write(HIDDEN, THEIRS)
    one, real, synced = shelf.made(over=OLD), os.fsync, [b""]

    def fsync(fd: int) -> None:
        real(fd)
        if Path(os.readlink(f"/proc/self/fd/{fd}")) == shelf.at(PLACE).parent:
            synced.append(shelf.at(PLACE).read_bytes())

    def write() -> None:
        if not interrupted:
            shelf.write(PLACE, THEIRS)

    monkeypatch.setattr(os, "fsync", fsync)
    assert shelf.put(one, At("put in place", write)) == [("changed_kept", PLACE)]
    assert (shelf.files(), synced[-1]) == ({PLACE: THEIRS}, THEIRS)


@pytest.mark.parametrize("after", [b"written after", b""])
@pytest.mark.parametrize("over", [None, OLD])
def test_what_somebody_wrote_before_and_after_a_try_was_interrupted_stays_and_they_are_told_where(
    shelf: Shelf, over: bytes | None, after: bytes
) -> None:
    shelf.write(PLACE, after)
    shelf.write(HIDDEN, THEIRS)  # exchanged, and not looked at yet
    for _ in range(2):
        with shelf.tree as tree:
            (kept,), _ = put(tree, [shelf.made(over=over)], os.fsencode(shelf.blobs), Steps(), "mark")
        assert (kept.code, kept.path) == ("changed_kept", PLACE)
        assert HIDDEN.decode() in kept.message
        assert shelf.files() == {PLACE: after, HIDDEN: THEIRS}


def test_the_beginning_of_a_file_that_an_interrupted_try_left_beside_what_somebody_wrote_goes(shelf: Shelf) -> None:
    shelf.write(PLACE, THEIRS)
    shelf.write(HIDDEN, NEW[:5])
    assert shelf.put(shelf.made(over=OLD)) == [("changed_kept", PLACE)]
    assert shelf.files() == {PLACE: THEIRS}


def test_what_an_interrupted_try_left_stays_beside_what_somebody_wrote_unless_it_is_known_to_be_ours(
    shelf: Shelf,
) -> None:
    one, hidden = shelf.made(over=OLD), shelf.at(HIDDEN)
    shelf.write(PLACE, THEIRS)
    hidden.symlink_to("elsewhere")
    assert shelf.put(one) == [("changed_kept", PLACE)]
    assert os.readlink(hidden) == "elsewhere"
    hidden.unlink()
    shelf.write(HIDDEN, NEW[:5])
    next(shelf.blobs.rglob("*.nfo")).unlink()  # now nothing tells what it is the beginning of
    assert shelf.put(one) == [("changed_kept", PLACE)]
    assert shelf.files() == {PLACE: THEIRS, HIDDEN: NEW[:5]}


def test_what_takes_the_hidden_name_at_the_last_moment_stays(shelf: Shelf) -> None:
    guard = At("make above", lambda: shelf.write(HIDDEN, THEIRS))
    with pytest.raises(GreenroomError):
        shelf.put(shelf.made(), guard)
    assert shelf.files() == {HIDDEN: THEIRS}


@pytest.mark.parametrize("over", [None, OLD])
def test_a_link_that_an_interrupted_try_took_the_place_of_is_back_there(shelf: Shelf, over: bytes | None) -> None:
    shelf.write(PLACE, NEW)
    hidden = shelf.at(HIDDEN)
    hidden.symlink_to("elsewhere")
    assert shelf.put(shelf.made(over=over)) == [("changed_kept", PLACE)]
    assert os.readlink(shelf.at(PLACE)) == "elsewhere"
    assert not os.path.lexists(hidden)


def test_only_what_is_still_ours_is_taken_away(shelf: Shelf) -> None:
    for path, data in ((b"Ada/ours", OLD), (b"Ada/theirs", THEIRS)):
        shelf.write(path, data)
    gone = [Gone(path, sha256(OLD)) for path in (b"Ada/ours", b"Ada/theirs", b"Ada/nothing", b"Nobody/nothing")]
    for _ in range(2):
        with shelf.tree as tree:
            kept = take(tree, gone, Steps())
        assert [(reason.code, reason.path) for reason in kept] == [("changed_kept", b"Ada/theirs")]
        assert shelf.files() == {b"Ada/theirs": THEIRS}
    shutil.rmtree(shelf.at(b"Ada"))
    with shelf.tree as tree:
        assert take(tree, gone, Steps()) == []


@pytest.mark.parametrize(("call", "path"), [("unlink", PLACE), ("sync", b"Ada")])
def test_a_disk_that_fails_to_take_a_file_away_is_told(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, call: str, path: bytes
) -> None:
    shelf.write(PLACE, OLD)
    refuse(monkeypatch, call, errno.EIO)
    with shelf.tree as tree, pytest.raises(Retryable) as raised:
        take(tree, [Gone(PLACE, sha256(OLD))], Steps())
    assert (raised.value.reason_code, raised.value.path) == ("io_error", path)
