"""What holds for every scan, however strange its names and tags."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.grouping.groups import Group, SideRow, TrackRow, in_folders
from scanner.grouping.places import find_places
from scanner.grouping.tidy import tidy
from scanner.kinds.music_album import group_folders, role_of
from tests.shelf import OTHER_RELEASE, RELEASE, group

_ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=12)
_TEXT = st.none() | st.sampled_from(["X", "x", "Hits", "Hits (Disc 2)", "VA", "Y feat. X", "X & Y", "!!!"]) | _ANY_TEXT
_FOLDERS = [
    b"",
    b"a",
    b"a/CD1",
    b"a/CD2",
    b"a/b",
    b"X - Hits (1999)",
    b"Hits CD1",
    b"Hits CD2",
    b"CD1",
    b"a/Bonus CD",
    b"a/Scans",
]
_PART = st.binary(min_size=1, max_size=6).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))
_FOLDER = st.sampled_from(_FOLDERS) | st.lists(_PART, max_size=3).map(b"/".join)
_NAME = st.sampled_from([b"01 - A.mp3", b"1-02 B.mp3", b"X - 03 - C.mp3", b"a.mp3"]) | _PART
_BY_PLACE = attrgetter("folder", "name", "file_id")
_NUMBER = st.none() | st.integers(0, 4) | st.integers(0, 2**40)


@st.composite
def _scans(draw: st.DrawFn) -> tuple[list[TrackRow], list[SideRow]]:
    tracks = [
        TrackRow(
            file_id=file_id,
            folder=draw(_FOLDER),
            name=draw(_NAME),
            title=draw(_TEXT),
            artist=draw(_TEXT),
            album=draw(_TEXT),
            album_artist=draw(_TEXT),
            track=draw(_NUMBER),
            track_total=draw(_NUMBER),
            disc=draw(_NUMBER),
            disc_total=draw(_NUMBER),
            year=draw(st.none() | st.integers(1969, 1971)),
            release_id=draw(st.sampled_from([None, None, None, RELEASE, OTHER_RELEASE, "bad"])),
            compilation=draw(st.none() | st.booleans()),
            problem=draw(st.sampled_from([None, None, None, "truncated"])),
        )
        for file_id in range(draw(st.integers(0, 12)))
    ]
    roles = st.sampled_from(["picture", "cue", "lyrics", "other"])
    sides = [SideRow(100 + n, draw(_FOLDER), draw(_NAME), draw(roles)) for n in range(draw(st.integers(0, 4)))]
    return tracks, sides


@given(_scans(), st.randoms(use_true_random=False))
def test_every_scan_is_grouped_whole_once_and_in_any_order(
    scan: tuple[list[TrackRow], list[SideRow]], order: Random
) -> None:
    tracks, sides = scan
    groups = group(tracks, sides)
    assert Counter(t.file_id for one in groups for t in one.tracks) == Counter(row.file_id for row in tracks)
    taken = Counter(side for one in groups for side in one.sides)
    assert taken <= Counter(side.file_id for side in sides)
    assert len({one.key for one in groups}) == len(groups)
    for one in groups:
        _check(one)
    order.shuffle(tracks)
    order.shuffle(sides)
    assert group(tracks, sides) == groups


def _check(one: Group) -> None:
    assert len(one.key.encode("utf-8")) < 2000
    assert 0 < one.confidence <= 1
    assert one.discs >= 1
    assert "" not in (one.album, one.album_artist)
    assert all(reason.message for reason in (*one.evidence, *one.warnings))
    if one.verdict != "take":
        assert one.warnings
    else:
        assert one.album is not None
        assert one.album_artist is not None


_HOMES = [b"a", b"a/b", b"a/CD1", b"X - Hits (1999)", b"Hits CD1", b"Hits", b"c", b""]
_STEMS = ["{:02} - Song", "{}. Song", "{}-Song", "1-{:02} Song", "{:02}", "X - {} - Song", "Song {}", "{}.t2", "{} é"]
_ODD: dict[str, st.SearchStrategy[Any]] = {
    "title": _TEXT
    | st.sampled_from(["Song ", "a  b", "a|b", "|", "unknown", "No Title", "No\u0300ve", "no t\u0131tle"]),
    "artist": _TEXT,
    "album": _TEXT,
    "album_artist": _TEXT,
    "track": _NUMBER,
    "track_total": _NUMBER,
    "disc": _NUMBER,
    "disc_total": _NUMBER,
    "year": st.none() | st.integers(1969, 1971),
    "release_id": st.sampled_from([None, RELEASE, RELEASE.upper(), OTHER_RELEASE, "bad"]),
    "compilation": st.none() | st.booleans(),
    "problem": st.sampled_from([None, "truncated"]),
}


@st.composite
def _nearly_tidy(draw: st.DrawFn) -> tuple[list[TrackRow], list[SideRow]]:
    """Folders of a tidy album each, then something odd about some of them, or about some of their files."""
    tracks: list[TrackRow] = []
    sides: list[SideRow] = []
    for folder in draw(st.lists(st.sampled_from(_HOMES), unique=True, min_size=1, max_size=4)):
        stem, count, artist = (
            draw(st.sampled_from(_STEMS)),
            draw(st.integers(1, 11)),
            draw(st.sampled_from(["X", "VA"])),
        )
        album = TrackRow(0, folder, b"", "", artist, draw(st.sampled_from(["Hits", "Live"])), artist, *[None] * 8)
        album = album._replace(year=1970, track_total=count, disc=draw(st.sampled_from([None, 1])))
        album = album._replace(
            **{field: draw(_ODD[field]) for field in draw(st.lists(st.sampled_from([*_ODD]), max_size=2))}
        )
        rows = [
            album._replace(file_id=n, name=f"{stem.format(n)}.flac".encode(), title=f"Song {n}", track=n)
            for n in range(1, count + 1)
        ]
        for field in draw(st.lists(st.sampled_from([*_ODD]), max_size=1)):
            at = draw(st.integers(0, count - 1))
            rows[at] = rows[at]._replace(**{field: draw(_ODD[field])})
        tracks += [row._replace(file_id=len(tracks) + row.file_id) for row in rows]
        names = st.sampled_from([b"cover.jpg", b"album.cue", b"01 - Song.lrc", b"02.lrc"])
        sides += [SideRow(0, folder, name, role_of(name)) for name in draw(st.lists(names, unique=True, max_size=2))]
    return tracks, [side._replace(file_id=1000 + n) for n, side in enumerate(sides)]


@settings(max_examples=400)
@given(_nearly_tidy() | _scans())
def test_what_is_told_of_a_tidy_folder_is_what_a_look_at_each_track_tells(
    scan: tuple[list[TrackRow], list[SideRow]],
) -> None:
    tracks, sides = scan
    folders = in_folders(tracks)
    assert [row for folder in folders for row in folder.rows()] == sorted(tracks, key=_BY_PLACE)
    assert group_folders(folders, sides) == group_folders(folders, sides, each_track=True)


def test_most_tidy_folders_are_told_without_a_look_at_each_track() -> None:
    """Else the test above would compare a thing with itself."""
    (place,) = find_places(in_folders([_song(n) for n in range(1, 4)]))
    assert tidy(place) is not None
    assert "tracks" not in vars(place)


@pytest.mark.parametrize("field", sorted(_ODD))
def test_a_folder_with_one_odd_file_is_looked_at_file_by_file(field: str) -> None:
    odd: dict[str, Any] = {"problem": "truncated", "year": 1971, "compilation": True, "title": None, "artist": None}
    rows = [_song(n) for n in range(1, 4)]
    rows[1] = rows[1]._replace(**{field: odd.get(field, 7 if field in ("track", "disc") else "7" * 36)})
    (place,) = find_places(in_folders(rows))
    assert (tidy(place) is None) == (field != "artist")  # whose album it is, the album artist says


def _song(n: int) -> TrackRow:
    return TrackRow(n, b"a", b"%02d - Song.flac" % n, f"Song {n}", "X", "Hits", "X", n, 3, 1, 1, 1970, *[None] * 3)


@st.composite
def _tagged_albums(draw: st.DrawFn) -> list[TrackRow]:
    """A few fully tagged albums with names of their own."""
    rows: list[TrackRow] = []
    names = draw(st.lists(st.sampled_from(["Hits", "Live", "Jazz", "1999", "!!!"]), unique=True, min_size=1))
    for album in names:
        for n in range(1, draw(st.integers(2, 5))):
            rows.append(TrackRow(len(rows), b"", b"%d.mp3" % len(rows), "t", "Band", album, "Band", n, *[None] * 7))
    return rows


@given(_tagged_albums(), _PART, _PART)
def test_keys_of_tagged_albums_do_not_depend_on_where_they_lie(
    rows: list[TrackRow], above: bytes, below: bytes
) -> None:
    loose = {one.key for one in group(rows, [])}
    moved = {one.key for one in group([row._replace(folder=above + b"/" + below) for row in rows], [])}
    alone = {
        one.key
        for album in {row.album for row in rows}
        for one in group([row._replace(folder=above) for row in rows if row.album == album], [])
    }
    assert loose == moved == alone
