"""Hundreds of odd folders at once: each ends as its row says, none disturbs another, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.drops import songs
from tests.scenarios.house import House
from tests.scenarios.messes import DAMAGE, FOLDERS, FORMATS, damaged, drop_of


def became(house: House) -> dict[str, str]:
    """What came of each folder of inbound: "outcome tracks" of its albums, sorted."""
    found = defaultdict(list)
    for album, shown in zip(house.report.albums, house.albums(), strict=True):
        for folder in {os.fsdecode(file.source.split(b"/")[0]) for file in album.files}:
            found[folder].append(f"{shown['outcome']} {len(shown['tracks'])}")
    return {folder: ", ".join(sorted(lines)) for folder, lines in found.items()}


def test_every_odd_folder_ends_as_it_should_and_none_disturbs_another(house: House) -> None:
    for name, mess in FOLDERS.items():
        house.drop(drop_of(name, mess))
    house.cycle()
    expected = {name: mess.becomes for name, mess in FOLDERS.items() if mess.becomes}
    found = became(house)
    assert {name: found.get(name) for name in expected | found if found.get(name) != expected.get(name)} == {}


def test_damaged_music_of_every_format_is_staged_waits_or_is_quarantined(house: House) -> None:
    for ext in FORMATS:
        for name, how in DAMAGE.items():
            house.drop(damaged(how, ext, f"{ext}, {name}"))
    house.cycle()
    assert len(became(house)) == len(FORMATS) * len(DAMAGE)
    assert set(became(house).values()) <= {"staged 1", "waiting 1", "quarantined 1", "needs_review 1"}


FLAGS = {"immutable": 0x10, "append only": 0x20}  # FS_IMMUTABLE_FL, FS_APPEND_FL
GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602  # FS_IOC_GETFLAGS, FS_IOC_SETFLAGS


@contextmanager
def flagged(path: Path, flag: int) -> Iterator[None]:
    """Set a flag of chattr(1) for a while; skips where that may not be done, or the file system has none."""
    fd = os.open(path, os.O_RDONLY)
    try:
        (before,) = struct.unpack("i", fcntl.ioctl(fd, GET_FLAGS, bytes(4)))
        fcntl.ioctl(fd, SET_FLAGS, struct.pack("i", before | flag))
    except OSError as error:
        os.close(fd)
        pytest.skip(f"no flags here: {error}")
    try:
        yield
    finally:
        fcntl.ioctl(fd, SET_FLAGS, struct.pack("i", before))
        os.close(fd)


@pytest.mark.parametrize("place", ["a/01 - Song 1.flac", "a"])
@pytest.mark.parametrize("flag", FLAGS.values(), ids=FLAGS.keys())
def test_what_nobody_may_change_stays_is_told_and_goes_once_it_may(house: House, flag: int, place: str) -> None:
    house.drop(songs("a", "flac", range(1, 3)))
    before = house.contents()
    with flagged(house.inbound / place, flag):
        report = house.run()
        assert all(album["reasons"] for album in report.to_json()["albums"] if album["outcome"] != "staged")
        assert before.keys() <= house.contents().keys()
    house.run()
    house.run()
    assert house.contents() == before
    assert house.staged() == ["AD/Ada/Low Tide/01 - Song 1.flac", "AD/Ada/Low Tide/02 - Song 2.flac"]
    house.check_staging()
