"""A cue sheet beside one long file → what it says, which file is its, and what of it counts beside tags."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanner.grouping.groups import Group, in_folders
from scanner.grouping.sheets import Sheet, needs_sheet, parse, sheets_of
from scanner.kinds.music_album import group_folders
from scanner.smallfiles import MAX_SMALL, read_small
from tests.shelf import Shelf, codes

SHEET = """REM GENRE Rock
REM DATE 1997
REM DISCNUMBER 2
CATALOG 0724384260958
PERFORMER "Björk"
TITLE "Low Tide"
FILE "Björk - Low Tide.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Groynes"
    PERFORMER "Somebody Else"
    REM DATE 2001
    INDEX 01 00:00:00
"""
SAID = Sheet(b"x.cue", "björk - low tide.wav", "Low Tide", 2, "Björk", 1997, 1)


def told(text: str) -> Sheet | None:
    return parse(b"x.cue", text.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_sheet_says_what_stands_before_its_first_track_in_any_encoding(encoding: str, end: str) -> None:
    assert parse(b"x.cue", SHEET.replace("\n", end).encode(encoding)) == SAID


def test_utf_16_has_either_order_of_bytes() -> None:
    assert parse(b"x.cue", b"\xfe\xff" + SHEET.encode("utf-16-be")) == SAID


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('title "Say "Hi" Now"', ('Say "Hi" Now', None, None, None)),
        ("TITLE Bare Words ", ("Bare Words", None, None, None)),
        ('TITLE\t"Tabs"', ("Tabs", None, None, None)),
        ('TITLE "Tin Roof (Disc 3)"', ("Tin Roof", 3, None, None)),
        ('TITLE ""\nTITLE', (None, None, None, None)),
        ('PERFORMER "Unknown Artist"', (None, None, None, None)),
        ("REM DATE 1999-05-01", (None, None, None, 1999)),
        ('REM DATE "05/2001"', (None, None, None, 2001)),
        ("REM DATE 99999", (None, None, None, None)),
        ("REM DISCNUMBER 0", (None, None, None, None)),
        ("REM DISCNUMBER " + "9" * 5000, (None, None, None, None)),
        ("REM\nREM DATE\nDATE 1999", (None, None, None, None)),
        ('TITLE "' + "x" * 5000 + '"', (None, None, None, None)),
        ('TITLE "a\0b"', ("a b", None, None, None)),
    ],
)
def test_lines_are_read_as_programs_write_them_and_hostile_ones_say_nothing(
    line: str, expected: tuple[str | None, int | None, str | None, int | None]
) -> None:
    sheet = told(line + '\nFILE "a.wav" WAVE\n')
    assert sheet is not None
    assert (sheet.album, sheet.disc, sheet.artist, sheet.year) == expected


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("FILE plain name.wav WAVE", "plain name.wav"),
        (r'FILE "D:\rips\A "live".ape" WAVE', 'a "live".ape'),
        ('FILE "../../etc/passwd" WAVE', "passwd"),
    ],
)
def test_a_file_is_known_by_its_name_alone(line: str, file: str) -> None:
    sheet = told(line)
    assert sheet is not None
    assert sheet.file == file


@pytest.mark.parametrize(
    "data", [b"", bytes(range(256)) * 9, b'TITLE "x"', b'FILE "1.wav" WAVE\nFILE "2.wav" WAVE', b"\xff\xfe\x00"]
)
def test_a_sheet_that_does_not_play_just_one_file_is_that_of_no_image(data: bytes) -> None:
    assert parse(b"x.cue", data) is None


def test_names_in_another_code_page_are_not_guessed_at() -> None:
    sheet = (
        'PERFORMER "Кино"\nTITLE "Best"\nREM DATE 1988\nFILE "a.ape" WAVE\n TRACK 01 AUDIO\n  TITLE "Группа крови"\n'
    )
    assert parse(b"x.cue", sheet.encode("cp1251")) == Sheet(b"x.cue", "a.ape", "Best", None, None, 1988, 1)


@pytest.mark.parametrize("filling", ["\n", "TITLE \n", '"', "FILE ", "REM "])
def test_a_sheet_full_of_nothing_is_read_in_a_moment(filling: str) -> None:
    assert told(filling * (MAX_SMALL // len(filling)) + '\nFILE "a.wav" WAVE') or filling == "FILE "


@pytest.mark.parametrize(
    ("files", "sheets", "expected"),
    [
        (["a.flac"], ["A.FLAC"], [0]),
        (["Cafe\u0301.flac"], ["Café.flac"], [0]),
        (["a.ape"], ["a.wav"], [0]),
        (["b.ape"], ["a.wav"], [0]),
        (["b.ape", "c.ape"], ["a.wav"], [None, None]),
        (["a.ape", "a.flac"], ["a.wav", "a.flac"], [None, 1]),
        (["cd1.ape", "cd2.ape"], ["cd2.wav", "cd1.wav"], [1, 0]),
        (["a.flac"], ["a.wav", "a.flac"], [1]),
        ([b"caf\xe9.flac", "b.flac"], ["café.flac"], [None, None]),
    ],
)
def test_a_sheet_belongs_to_the_file_it_plays(
    files: list[str | bytes], sheets: list[str], expected: list[int | None]
) -> None:
    shelf = Shelf()
    for name in files:
        shelf.track(b"x/" + (name if isinstance(name, bytes) else name.encode()))
    (folder,) = in_folders(shelf.tracks)
    tracks = "\nTRACK 01 AUDIO\nTRACK 02 AUDIO"
    read = [parse(b"%d" % place, f'FILE "{name}" WAVE{tracks}'.encode()) for place, name in enumerate(sheets)]
    found = sheets_of(folder, [sheet for sheet in read if sheet])
    paths = [found[file_id].path if file_id in found else None for file_id in sorted(folder.file_id)]
    assert paths == [None if place is None else b"%d" % place for place in expected]


@pytest.mark.parametrize(
    ("files", "sheets", "tracks", "expected"),
    [
        (["Album.ape"], ["Album.cue"], 2, [0]),
        (["cd1.ape", "cd2.ape"], ["CD2.cue", "CD1.cue"], 2, [1, 0]),
        (["Vol.1.ape", "Vol.2.ape"], ["Vol.2.ape.cue", "Vol.1.cue"], 2, [1, 0]),
        (["Ada - Low Tide.flac"], ["rip.cue"], 2, [0]),
        (["Ada - Low Tide.flac"], ["rip.cue"], 1, [None]),
        (["Ada - Low Tide.flac"], ["rip.cue", "rip 2.cue"], 2, [None]),
        (["a.flac", "b.flac"], ["rip.cue", "rip 2.cue"], 2, [None, None]),
    ],
)
def test_a_sheet_that_plays_what_is_not_there_belongs_to_the_file_of_its_name_or_to_the_only_one(
    files: list[str], sheets: list[str], tracks: int, expected: list[int | None]
) -> None:
    shelf = Shelf()
    for name in files:
        shelf.track(f"x/{name}")
    read = [SAID._replace(path=b"x/" + name.encode(), file="cdimage.wav", tracks=tracks) for name in sheets]
    found = sheets_of(in_folders(shelf.tracks)[0], read)
    assert [read.index(found[id]) if id in found else None for id in range(1, len(files) + 1)] == expected


def test_sheets_of_single_songs_are_no_sheets_of_albums() -> None:
    shelf = Shelf()
    sheets = []
    for number in range(2):
        shelf.track(f"x/{number}.flac")
        sheets.append(SAID._replace(file=f"{number}.flac"))
    assert sheets_of(in_folders(shelf.tracks)[0], sheets) == {}


TAGGED = {"artist": "Ada", "album": "High", "year": 1980, "title": "High", "track": 1}


@pytest.mark.parametrize(
    ("tags", "tracks", "needed"),
    [
        ({}, 1, True),
        ({**TAGGED, "year": None}, 1, True),
        ({**TAGGED, "album": "Unknown Album"}, 1, True),
        ({**TAGGED, "artist": None}, 1, True),
        ({**TAGGED, "artist": None, "album_artist": "Ada"}, 1, False),
        (TAGGED, 1, False),
        ({}, 2, False),
    ],
)
def test_a_sheet_is_opened_only_for_images_whose_tags_lack_something(
    tags: dict[str, object], tracks: int, needed: bool
) -> None:
    shelf = Shelf()
    for number in range(tracks):
        shelf.track(f"x/{number}.flac", **tags)
    assert needs_sheet(in_folders(shelf.tracks)[0], sheets=1) == needed


def test_a_loose_image_has_its_sheet_whatever_else_lies_in_the_root() -> None:
    shelf = Shelf()
    for name in ("High.flac", "other.mp3"):
        shelf.track(name)
    (root,) = in_folders(shelf.tracks)
    assert needs_sheet(root, sheets=1)
    assert [*sheets_of(root, [SAID._replace(file="high.wav", path=b"High.cue", tracks=2)])] == [1]


def image(path: str, **tags: object) -> Group:
    """Group one image with its sheet."""
    shelf = Shelf()
    file_id = shelf.track(path, **tags)
    shelf.side("Foo - Bar (1950)/x.cue")
    (one,) = group_folders(in_folders(shelf.tracks), shelf.sides, sheets={file_id: SAID})
    return one


@pytest.mark.parametrize("path", ["Foo - Bar (1950)/rip.flac", "rip.flac"])
def test_a_sheet_counts_before_names(path: str) -> None:
    one = image(path)
    assert (one.verdict, one.album_artist, one.album, one.year) == ("take", "Björk", "Low Tide", 1997)
    assert one.sources == {"album": "cue", "album_artist": "cue", "year": "cue"}
    assert (one.tracks[0].disc, one.tracks[0].sources["disc"]) == (2, "cue")
    (reason,) = (reason for reason in one.evidence if reason.code == "names_from_cue")
    assert reason == ("names_from_cue", "The tags lack what the cue sheet says: album, album artist, year.", b"x.cue")
    assert "missing_tags" in codes(one)
    assert codes(one).isdisjoint({"names_from_folder", "artist_from_folder", "album_and_artist_agree"})


def test_tags_count_before_a_sheet() -> None:
    one = image("Foo - Bar (1950)/rip.flac", artist="Ada", album="High")
    assert (one.album_artist, one.album, one.year) == ("Ada", "High", 1997)
    assert one.sources == {"album": "tag", "album_artist": "tag", "year": "cue"}
    assert one.tracks[0].disc is None


def test_a_sheet_of_a_file_that_cannot_be_read_changes_nothing() -> None:
    assert image("Foo - Bar (1950)/rip.flac", problem="truncated").album == "Bar"


def test_what_is_no_file_says_nothing_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "file.cue").write_bytes(b"x" * (MAX_SMALL + 1))
    (tmp_path / "folder.cue").mkdir()
    (tmp_path / "link.cue").symlink_to("file.cue")
    os.mkfifo(tmp_path / "fifo.cue")
    read = {
        name: len(read_small(bytes(tmp_path / name))) for name in ("folder.cue", "link.cue", "fifo.cue", "gone.cue")
    }
    assert set(read.values()) == {0}
    assert len(read_small(bytes(tmp_path / "file.cue"))) == MAX_SMALL
