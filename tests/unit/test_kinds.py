"""What a file is, by its name."""

from __future__ import annotations

import pytest

from scanner.kinds import KINDS


@pytest.mark.parametrize(
    ("name", "role"),
    [
        (b"01.FLAC", "audio"),
        (b"a.Mp3", "audio"),
        (b"Cover.JPEG", "picture"),
        (b"x.cue", "cue"),
        (b"rip.LOG", "log"),
        (b"01.lrc", "lyrics"),
        (b"Lyrics.txt", "lyrics"),
        (b"album.nfo", "nfo"),
        (b"a.sfv", "checksum"),
        (b"X.ffp.txt", "checksum"),
        (b"MD5SUMS", "checksum"),
        (b"00.m3u8", "playlist"),
        (b"readme.txt", "other"),
        (b"flac", "other"),
        (b"no\xff.\xfe", "other"),
        (b"", "other"),
    ],
)
def test_a_name_tells_the_role(name: bytes, role: str) -> None:
    assert KINDS["music_album"].role_of(name) == role


def test_every_kind_is_found_under_its_own_name() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {"music_album": "music_album"}
