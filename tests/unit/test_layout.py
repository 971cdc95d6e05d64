"""Names made of tags: safe on every file system, stable, and what people expect to read."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processor.planning import layout

# Hypothesis text without surrogates is not enough: tags and file names hold anything.
ANY_TEXT = st.text(st.characters(), max_size=400)
DEVICE = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])")


def claimed(paths: list[bytes], taken: list[bytes] | None = None) -> list[bytes]:
    places = layout.Places(taken or [])
    return [places.claim(path) for path in paths]


def assert_safe(name: bytes, limit: int) -> None:
    text = name.decode("utf-8")
    assert 0 < len(name) <= limit
    assert not set(text) & set('<>:"/\\|?*')
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)
    assert text not in (".", "..")
    assert text[0] not in " .-"
    assert text[-1] not in " ."
    assert not DEVICE.fullmatch(text.split(".")[0].rstrip(" "))
    assert unicodedata.is_normalized("NFC", text)


@given(ANY_TEXT)
@example("." * 300)
@example("a" + "\u0301" * 200)
@example("con .x")
@example("e\u200d\u0301")
def test_any_text_becomes_one_safe_component_and_stays_it(text: str) -> None:
    once = layout.component(text)
    assert_safe(once.encode(), 202)
    assert layout.component(once) == once


@given(ANY_TEXT)
def test_a_folder_name_is_safe_and_stays_it(text: str) -> None:
    once = layout.folder_name(text)
    assert_safe(once, 203)
    assert layout.folder_name(once.decode()) == once


@given(st.one_of(st.binary(max_size=300), ANY_TEXT.map(lambda t: t.encode("utf-8", "replace"))))
@example(b"abc .f\xe2\x80\x8boo")
@example(b"x" * 300 + b".flac")
@example(b".nomedia")
@example(b"sample.flac")
def test_any_file_name_becomes_a_safe_one_and_stays_it(raw: bytes) -> None:
    once = layout.file_name(raw)
    assert_safe(once, 222)
    assert layout.file_name(once) == once


@given(
    st.one_of(st.none(), st.integers(0, 99)),
    st.one_of(st.none(), st.integers(0, 9999)),
    st.one_of(st.none(), ANY_TEXT),
    st.binary(max_size=300),
    st.integers(1, 30),
    st.integers(1, 300),
)
def test_any_track_gets_a_safe_name(
    disc: int | None, track: int | None, title: str | None, source: bytes, discs: int, tracks: int
) -> None:
    assert_safe(layout.track_name(disc=disc, track=track, title=title, source=source, discs=discs, tracks=tracks), 222)


@given(st.one_of(st.none(), ANY_TEXT), ANY_TEXT, st.one_of(st.none(), st.integers(0, 9999)))
def test_any_album_gets_three_safe_folders(artist: str | None, album: str, year: int | None) -> None:
    parts = layout.album_folder(artist, album, year).split(b"/")
    assert len(parts) == 3
    for part in parts:
        assert_safe(part, 203)


@given(
    st.lists(st.sampled_from([b"a.jpg", b"A.JPG", b"a [2].jpg", b"cd1/x", b"CD1/X", b"cd1", b"a.jpg/b", b"e\xcc\x81"]))
)
def test_unique_places_never_meet_on_a_file_system_without_case(paths: list[bytes]) -> None:
    places = claimed(paths)
    folded = [layout.fold(place) for place in places]
    assert len(set(folded)) == len(paths)
    parents = {"/".join(place.split("/")[:n]) for place in folded for n in range(1, place.count("/") + 1)}
    assert not parents & set(folded)
    assert claimed(paths) == places


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AC/DC", "AC+DC"),
        ("Live: At Last", "Live - At Last"),
        ("12:51", "12-51"),
        ("Who Are You?", "Who Are You!"),
        ("Die drei ???", "Die drei \uff1f\uff1f\uff1f"),
        ('"Heroes"', "'Heroes'"),
        ("What's the Story...", "What's the Story"),
        ("...And Justice for All", "And Justice for All"),
        ("  a \t\n b  ", "a b"),
        ("..", "_"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("COM¹", "COM¹_"),
        ("Console", "Console"),
        ("\u202eevil\u202c", "evil"),
        ("zero\u200bwidth", "zerowidth"),
        ("Cafe\u0301", "Café"),
        ("bad\udcff", "bad_"),
        ("<>", "_"),
        ("椎名林檎", "椎名林檎"),
    ],
)
def test_names_read_as_people_expect(text: str, name: str) -> None:
    assert layout.component(text) == name


@pytest.mark.parametrize(
    "name",
    [
        "Metadata", "subs", "SAMPLE", "Minta", "lost+found", "@eaDir", "eaDir", "#snapshot", ".actors", "~~",
        "x.trickplay", "N.Sync", "System Volume Information",
    ],
)  # fmt: skip
def test_folders_that_players_skip_get_another_name(name: str) -> None:
    assert layout.folder_name(name).decode() == name.lstrip(".") + "_"


@pytest.mark.parametrize(
    ("artist", "code"),
    [
        ("Led Zeppelin", "LZ"),
        ("Radiohead", "RA"),
        ("The Beatles", "BE"),
        ("The The", "TH"),
        ("Guns N' Roses", "GNR"),
        ("Earth, Wind & Fire", "EWF"),
        ("Red Hot Chili Peppers", "RHC"),
        ("Various Artists", "VA"),
        ("Björk", "BJ"),
        ("Øya Ensemble", "OE"),
        ("U2", "U2"),
        ("X", "X"),
        ("AC/DC", "AC"),
        ("Crosby Otis Nash", "CON_"),
        ("Кино", "К"),
        ("椎名林檎", "椎"),
        ("東京 Jihen", "東"),
        ("ＡＢＣ", "AB"),
    ],
)
def test_an_artist_is_shelved_under_a_short_code(artist: str, code: str) -> None:
    assert layout.directory_code(artist).decode() == code


def test_a_name_of_signs_alone_has_a_stable_code() -> None:
    assert layout.directory_code("!!!") == b"_e8"


def test_an_album_lies_under_code_artist_and_year() -> None:
    assert layout.album_folder("Led Zeppelin", "IV", 1971) == b"LZ/Led Zeppelin/1971 - IV"
    assert layout.album_folder("Led Zeppelin", "IV", None) == b"LZ/Led Zeppelin/IV"
    assert layout.album_folder(None, "IV", None) == b"_/Unknown Artist/IV"


def test_a_year_saves_an_album_that_players_would_skip() -> None:
    assert layout.album_folder("Subs", "Metadata", 2001) == b"SU/Subs_/2001 - Metadata"
    assert layout.album_folder("Subs", "Metadata", None) == b"SU/Subs_/Metadata_"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"track": 1, "title": "Go"}, b"01 - Go.flac"),
        ({"track": 1, "disc": 2, "title": "Go", "discs": 2}, b"2-01 - Go.flac"),
        ({"track": 1, "disc": 2, "title": "Go", "discs": 12}, b"02-01 - Go.flac"),
        ({"track": 1, "disc": 1, "title": "Go"}, b"01 - Go.flac"),
        ({"track": 7, "title": "Go", "tracks": 120}, b"007 - Go.flac"),
        ({"track": None, "title": "Go"}, b"Go.flac"),
        ({"track": 3, "title": None}, b"03 - Own Name.flac"),
        ({"track": None, "title": None}, b"03. Own Name.flac"),
        ({"track": None, "title": "Sample"}, b"Sample_.flac"),
        ({"track": 1, "title": "Wait..."}, b"01 - Wait.flac"),
    ],
)
def test_a_track_is_named_by_number_and_title(values: dict[str, Any], name: bytes) -> None:
    assert layout.track_name(**({"disc": None, "source": b"03. Own Name.FLAC"} | values)) == name


def test_a_long_title_is_cut_between_characters_and_keeps_its_extension() -> None:
    name = layout.track_name(disc=None, track=1, title="é" * 300, source=b"x.flac")
    assert len(name) <= 205
    assert name.endswith("é.flac".encode())


def test_twins_are_numbered_before_their_extension_and_folders_keep_one_spelling() -> None:
    paths = [b"a.jpg", b"A.jpg", b"Scans/1.png", b"SCANS/2.png", b"scans"]
    assert claimed(paths, taken=[b"a [2].jpg"]) == [
        b"a.jpg",
        b"A [3].jpg",
        b"Scans/1.png",
        b"Scans/2.png",
        b"scans [2]",
    ]


def test_twins_among_names_that_are_no_utf8_are_numbered_too() -> None:
    assert claimed([b"a\xff.jpg"], taken=[b"A\xff.jpg"]) == [b"a\xff [2].jpg"]
    assert layout.numbered(b"\xff", 2, folder=True) == b"\xff [2]"


def test_a_folder_suffix_stands_at_the_very_end() -> None:
    assert layout.numbered(b"MB/Mr.Bungle", 2, folder=True) == b"MB/Mr.Bungle [2]"
