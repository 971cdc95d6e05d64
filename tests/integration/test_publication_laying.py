"""A published album as it is on disk, and the room there is → what is ours, what is somebody's, and what fits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from config.errors import NeedsReview, Retryable
from processor.filesystem.files import Tree
from processor.publication.laying import Standing, check_space, look, transfer_files
from processor.publication.ledger import Entry, Publication
from scanner.identity import Identity
from tests.faults.world import NOW
from tests.items import album

HOME = Publication(1, "lib", b"Ada/Low", "copy", None, 1, "t", NOW, NOW)
TIME = 1_700_000_000_123_456_789
SOUND, OTHER = b"sound", b"other"  # of one size


def entry(name: bytes, role: str, **more: object) -> Entry:
    path = HOME.path + b"/" + name
    return Entry("lib", path, role, len(SOUND), TIME, None, None, 1, None, 1, "t")._replace(**more)  # type: ignore[arg-type]


LINKED = entry(b"1.mp3", "audio")
COPIED = LINKED._replace(digest="blake3:" + blake3(SOUND).hexdigest())
UNTIMED = LINKED._replace(mtime_ns=None)
NOTE = entry(b"1.mp3", "text")
MADE = entry(b"1.mp3", "nfo", mtime_ns=None, digest="sha256:" + hashlib.sha256(SOUND).hexdigest())


def shelf(folder: Path, data: bytes = SOUND, time: int = TIME) -> Tree:
    """A library with one file in the album's place."""
    place = folder / "Ada" / "Low" / "1.mp3"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    os.utime(place, ns=(time, time))
    return Tree(os.fsencode(folder))


@pytest.mark.parametrize(
    ("recorded", "data", "time"),
    [
        (LINKED, SOUND, TIME),
        (LINKED, SOUND, TIME - TIME % 2_000_000_000),  # as FAT keeps it
        (COPIED, SOUND, TIME + 1),  # a share that keeps no times
        (MADE, SOUND, 0),
    ],
)
def test_what_greenroom_put_into_a_library_is_its_own(tmp_path: Path, recorded: Entry, data: bytes, time: int) -> None:
    with shelf(tmp_path, data, time) as tree:
        assert look(tree, HOME, [recorded]) == Standing([recorded], [b"1.mp3"], [])


@pytest.mark.parametrize(
    ("recorded", "data", "time"),
    [
        (LINKED, SOUND + b"!", TIME),
        (COPIED, OTHER, TIME + 1),
        (LINKED, SOUND, TIME + 1),
        (UNTIMED, SOUND, TIME),
        (MADE, OTHER, TIME),
    ],
)
def test_what_was_changed_there_is_somebodys_and_music_gives_way_to_nothing(
    tmp_path: Path, recorded: Entry, data: bytes, time: int
) -> None:
    with shelf(tmp_path, data, time) as tree:
        assert look(tree, HOME, [recorded._replace(role="text")]) == Standing(
            [recorded._replace(role="text")], [], [b"1.mp3"]
        )
        with pytest.raises(NeedsReview) as raised:
            look(tree, HOME, [recorded._replace(role="audio")])
    assert (raised.value.reason_code, raised.value.path) == ("not_as_recorded", LINKED.path)


def test_what_somebody_put_beside_it_is_theirs_and_what_is_gone_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "Ada" / "Low" / "CD 2").mkdir(parents=True)
    for name in ("zoo", "CD 2/mine", "album.greenroom.json"):
        (tmp_path / "Ada" / "Low" / name).write_bytes(b"")
    with shelf(tmp_path) as tree:
        seen = look(tree, HOME, [LINKED, entry(b"2.mp3", "audio")])
    assert (seen.ours, seen.others) == ([b"1.mp3"], [b"CD 2/mine", b"zoo"])


def test_a_file_that_goes_away_while_a_publication_is_planned_is_told(tmp_path: Path) -> None:
    item = replace(album(), path=b"Ada/Low")
    item = replace(item, files=(item.files[0]._replace(path=b"1.mp3"),))
    with shelf(tmp_path) as tree:
        (file,) = transfer_files(tree, item, {b"1.mp3": b"01.mp3"})
        assert (file.source, file.target, file.role) == (LINKED.path, b"01.mp3", "audio")
        assert file.identity == Identity.of((tmp_path / "Ada" / "Low" / "1.mp3").stat())
        (tmp_path / "Ada" / "Low" / "1.mp3").unlink()
        with pytest.raises(Retryable) as raised:
            transfer_files(tree, item, {b"1.mp3": b"01.mp3"})
    assert (raised.value.reason_code, raised.value.path) == ("vanished", LINKED.path)


def disk(blocks: int, free: int) -> Callable[[bytes], os.statvfs_result]:
    return lambda _root: os.statvfs_result((1, 1, blocks, free, free, 0, 0, 0, 0, 255, 7))


@pytest.mark.parametrize(
    ("need", "blocks", "free", "refused"),
    [
        (500, 10_000, 1000, None),  # the reserve is 500
        (501, 10_000, 1000, "disk_full"),
        (9_501, 10_000, 10_000, "never_fits"),
        (0, 10_000, 0, None),  # links need no room
        (10**9, 0, 0, None),  # a share that tells nothing
    ],
)
def test_an_album_fits_if_the_reserve_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: int, blocks: int, free: int, refused: str | None
) -> None:
    monkeypatch.setattr(os, "statvfs", disk(blocks, free))
    if refused is None:
        check_space(os.fsencode(tmp_path), need, 500)
        return
    with pytest.raises(Retryable) as raised:
        check_space(os.fsencode(tmp_path), need, 500)
    assert (raised.value.reason_code, raised.value.path) == (refused, os.fsencode(tmp_path))
