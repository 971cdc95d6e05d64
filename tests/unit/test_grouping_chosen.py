"""What a person says of files comes before every rule of grouping, and touches no other file."""

from __future__ import annotations

from scanner.grouping.chosen import Choice
from scanner.grouping.groups import Group, SideRow, TrackRow
from tests.shelf import RELEASE, Shelf, codes, group

ABBEY = {"artist": "The Beatles", "album": "Abbey Road", "album_artist": "The Beatles", "release_id": RELEASE}
OTHER = Choice("one", "George", "Other Songs")


def groups(shelf: Shelf, choices: dict[bytes, Choice]) -> dict[str | None, Group]:
    return {one.album: one for one in group(shelf.tracks, shelf.sides, choices)}


def paths(shelf: Shelf) -> list[bytes]:
    rows: list[TrackRow | SideRow] = [*shelf.tracks, *shelf.sides]
    return [row.folder + b"/" + row.name for row in rows]


def test_some_tracks_of_an_album_are_another_one_with_a_key_of_its_own(shelf: Shelf) -> None:
    shelf.album("Abbey Road", range(1, 5), **ABBEY)
    chosen = dict.fromkeys(paths(shelf)[2:], OTHER)
    found = groups(shelf, chosen)
    assert found["Abbey Road"].key == f"mbid:{RELEASE}"
    assert [track.track for track in found["Abbey Road"].tracks] == [1, 2]
    other = found["Other Songs"]
    assert (other.key, other.album_artist, other.release_id) == ("album:george/other songs", "George", None)
    assert (other.sources["album"], other.sources["album_artist"]) == ("person", "person")
    assert "person_said" in codes(other)
    assert other.verdict == "take"


def test_files_of_many_folders_are_one_album_with_the_discs_that_were_said(shelf: Shelf) -> None:
    shelf.album("a", range(1, 3), artist="Ada", album="A")
    shelf.album("b", range(1, 3), artist="Bo", album="B")
    chosen = {path: OTHER._replace(disc=2 if path.startswith(b"b") else None) for path in paths(shelf)}
    (one,) = groups(shelf, chosen).values()
    assert [(track.disc, track.track) for track in one.tracks] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_what_lies_beside_goes_where_it_was_said_and_else_by_the_rules(shelf: Shelf) -> None:
    shelf.album("Abbey Road", range(1, 3), **ABBEY)
    mine, lyrics = shelf.side("Abbey Road/cover.jpg"), shelf.side("Abbey Road/02 - Song 2.lrc")
    found = groups(shelf, {paths(shelf)[1]: OTHER, b"Abbey Road/cover.jpg": OTHER})
    assert sorted(found["Other Songs"].sides) == sorted([mine, lyrics])
    assert found["Abbey Road"].sides == ()


def test_two_albums_of_one_name_in_one_scan_have_two_keys(shelf: Shelf) -> None:
    shelf.album("x", range(1, 3), artist="George", album="Other Songs", album_artist="George")
    shelf.album("y", range(1, 3), **ABBEY)
    keys = [one.key for one in group(shelf.tracks, [], {path: OTHER for path in paths(shelf) if path[:1] == b"y"})]
    assert sorted(keys) == ["album:george/other songs", "album:george/other songs#y"]
