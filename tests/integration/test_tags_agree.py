"""Thousands of files, whole and broken → the header reader says what mutagen says, or nothing."""

from __future__ import annotations

import functools
import itertools
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.facts import Facts
from scanner.tags import mutagen_reader
from scanner.tags.read import Reading, read_header, read_tags
from scanner.tags.signature import candidates
from scanner.tags.source import Source
from tests.music import JPEG, PNG, write_track

FORMATS = [
    ("mp3", None),
    ("mp3", "mp3-vbr"),
    ("mp3", "mp3-bare"),
    ("flac", None),
    ("m4a", None),
    ("m4a", "alac"),
    ("ogg", None),
    ("opus", None),
]
BIG = random.Random(7).randbytes(300_000)
BASE: dict[str, Any] = {"title": "Title", "artist": "Artist", "album": "Album"}
TEXTS: list[dict[str, Any]] = [
    {},
    {"title": "Äpfel 日本語 🎵", "artist": "Ünder", "album": "Straße"},
    {"artist": ["A", "B", "C"], "genre": ["Rock", "Pop"], "artists": ["A", "B", "C"]},
    {"track": "3/12", "disc": "1/2", "disc_subtitle": "Live", "date": "2003-05-01", "original_date": "1999"},
    {"track": "7", "disc": "1", "date": "2003", "genre": "17", "label": "Löbel", "compilation": True},
    {"date": "2003-05", "genre": "(17)Rock", "compilation": False, "comment": "x" * 3000},
    {
        "mb": {
            "release_id": "r" * 36,
            "recording_id": "c" * 36,
            "artist_ids": ["a" * 36, "b" * 36],
            "track_id": "t" * 36,
        },
        "replaygain": {"track_gain": "-7.25 dB", "track_peak": "0.98", "album_gain": "+1.5 dB", "album_peak": "1.0"},
    },
    {"more": {"BARCODE": "0601215489422", "CATALOGNUMBER": "NOI-1", "MEDIA": "CD", "RELEASECOUNTRY": "DE"}},
    {"more": {"Unknown": "x", "ALBUM ARTIST": "B", "YEAR": "1990"}, "album_artist": "B"},
    {"title": " padded ", "album": "nul\0inside", "comment": "y" * 9000},
    {"date": "1. Mai 2003", "genre": ["RX", "Ambient"], "track": "1/0"},
    {"track": "1-05", "disc": "2"},
    {"track": "B2/12", "disc": "Disc 1/2"},
]
PICTURES: list[dict[str, Any]] = [
    {},
    {"picture": (JPEG, "image/jpeg")},
    {"picture": (BIG, "image/jpeg", 0)},
    {"pictures": [(JPEG, "image/jpeg"), (PNG, "image/png", 4), (BIG, "image/png", 8)]},
    {"pictures": [(JPEG[:200], "image/jpeg"), (BIG, "image/png", 8)]},
]
ENCODINGS: list[dict[str, Any]] = [{"id3_version": 3}, {"id3_version": 4}, {"encoding": 1}, {"encoding": 2}]


def by_header(file: Path) -> Facts | None:
    with file.open("rb") as opened:
        row = read_header(Source(opened.fileno(), file.stat().st_size))
    return None if row is None else Facts._make(row)


def by_mutagen(file: Path) -> Facts | None:
    """What the other reader says; None when it cannot read the file."""
    with file.open("rb") as opened:
        head = Source(opened.fileno(), file.stat().st_size).head
        for container in candidates(head, file.suffix[1:]):
            try:
                return mutagen_reader.read(opened.fileno(), container)
            except Exception:  # noqa: BLE001 - a broken file may raise anything in mutagen
                continue
    return None


def read(file: Path) -> Reading:
    with file.open("rb") as opened:
        return read_tags(opened.fileno(), file.suffix[1:], file.stat().st_size)


def variants() -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    for extension, flavour in FORMATS:
        encodings = ENCODINGS if extension == "mp3" else [{}]
        for text, picture, encoding in itertools.product(TEXTS, PICTURES, encodings):
            if extension == "m4a" and text.get("track") in ("1/0", "1-05", "B2/12"):
                text = {**text, "track": "1", "disc": "1"}  # noqa: PLW2901 - MP4 holds numbers
            yield extension, flavour, {**BASE, **text, **picture, **encoding}


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f[1] or f[0])
def test_whole_files_are_read_alike_and_mostly_by_the_header_reader(
    tmp_path: Path, format_: tuple[str, str | None]
) -> None:
    answered = total = 0
    for number, (extension, flavour, tags) in enumerate(variants()):
        if (extension, flavour) != format_:
            continue
        file = write_track(tmp_path / f"{number}.{extension}", flavour=flavour, seconds=0.4, **tags)
        expected, facts = by_mutagen(file), by_header(file)
        assert expected is not None, tags
        assert facts in (None, expected), tags
        assert expected.title
        assert not read(file).truncated
        total += 1
        answered += facts is not None
        file.unlink()
    assert total >= 40
    assert answered / total >= 0.75


@pytest.mark.parametrize("extension", ["mp3", "flac", "m4a", "opus"])
def test_what_tells_one_edition_from_another_is_read(tmp_path: Path, extension: str) -> None:
    told = {"BARCODE": "0601215489422", "CATALOGNUMBER": "NOI-1", "MEDIA": "CD"}
    country = {"mp3": "MusicBrainz Album Release Country", "m4a": "MusicBrainz Album Release Country"}
    more = told | {country.get(extension, "RELEASECOUNTRY"): "DE"}
    facts = read(write_track(tmp_path / f"x.{extension}", seconds=0.2, **BASE, more=more)).facts
    assert facts is not None
    assert (facts.barcode, facts.catalog_number, facts.media, facts.country) == ("0601215489422", "NOI-1", "CD", "DE")


@functools.cache
def sample(extension: str, flavour: str | None) -> bytes:
    """One well tagged file, small enough that a random byte often hits a header."""
    with tempfile.TemporaryDirectory() as folder:
        tags = {**BASE, **TEXTS[3], **TEXTS[6], "picture": (JPEG, "image/jpeg"), "genre": "Rock"}
        version = 3 if flavour == "mp3-vbr" else 4
        file = write_track(Path(folder, f"x.{extension}"), flavour=flavour, seconds=0.4, id3_version=version, **tags)
        return file.read_bytes()


def agree(data: bytes, extension: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"x.{extension}")
        file.write_bytes(data)
        facts = by_header(file)
        if facts is not None:
            assert facts == by_mutagen(file)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f[1] or f[0])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_broken_bytes_never_make_the_readers_disagree(format_: tuple[str, str | None], data: st.DataObject) -> None:
    whole = bytearray(sample(*format_))
    reach = min(len(whole), 6000) - 1
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, reach))] = data.draw(st.integers(0, 255))
    agree(bytes(whole), format_[0])


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f[1] or f[0])
def test_a_file_cut_anywhere_is_read_alike_or_not_at_all(format_: tuple[str, str | None]) -> None:
    whole = sample(*format_)
    cuts = {*range(0, 400, 17), *range(400, len(whole), max(1, len(whole) // 40)), len(whole) - 1}
    for cut in sorted(cuts):
        agree(whole[:cut], format_[0])


def test_the_descriptor_is_enough_after_the_file_was_renamed(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.wav", seconds=0.2, **BASE)
    fd = os.open(file, os.O_RDONLY)
    try:
        file.rename(tmp_path / "elsewhere")
        facts = read_tags(fd, "wav", os.fstat(fd).st_size).facts
    finally:
        os.close(fd)
    assert facts is not None
    assert facts.title == "Title"


def test_the_readers_agree_on_sizes_in_front_of_padding_that_is_not_empty() -> None:
    whole = bytearray(sample("mp3", None))
    padding = whole.index(JPEG) + len(JPEG)
    assert not any(whole[padding : padding + 10])
    whole[padding + 4] = 1
    agree(bytes(whole), "mp3")
