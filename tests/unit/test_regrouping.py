"""Staged albums and a person's wish → what is said of each of their files, by where it came from."""

from __future__ import annotations

import pytest

from config.errors import Rejected
from processor.items.regrouping import Staged, merge, split
from processor.items.repository import StagedFile


def file(path: bytes, track: int | None = None, disc: int | None = None, role: str = "audio") -> StagedFile:
    return StagedFile(path, role, b"drop/" + path, disc, track, None, 1, 1, None, {})


def album(id: int, *files: StagedFile, artist: str | None = "Ada", name: str | None = "Low") -> Staged:
    return Staged(id, artist, name, files)


BOTH = album(
    1, file(b"1.mp3", 1), file(b"1.lrc", role="lyrics"), file(b"2.mp3", 2), file(b"2.lrc", role="lyrics"),
    file(b"2.flac", 2), file(b"cover.jpg", role="picture"),
)  # fmt: skip


def test_the_marked_tracks_and_what_is_named_like_them_are_another_album() -> None:
    said = split(BOTH, [b"2.mp3", b"cover.jpg"], " Bo ", " High ")
    assert said.keys() == {one.source for one in BOTH.files}, "of every file something is said"
    other = {source for source, choice in said.items() if (choice.artist, choice.album) == ("Bo", "High")}
    assert other == {b"drop/2.mp3", b"drop/2.lrc"}, "no other track, and no picture, is taken along"
    assert {(c.artist, c.album) for source, c in said.items() if source not in other} == {("Ada", "Low")}
    assert len({choice.name for choice in said.values()}) == 2
    assert {choice.disc for choice in said.values()} == {None}


@pytest.mark.parametrize("marked", [[], [b"1.mp3", b"2.mp3", b"2.flac"], [b"cover.jpg"], [b"3.mp3"]])
def test_two_albums_need_a_track_each(marked: list[bytes]) -> None:
    with pytest.raises(Rejected, match="two albums need a track each"):
        split(BOTH, marked, "Bo", "High")


def test_two_albums_need_two_names_with_artist_and_title() -> None:
    with pytest.raises(Rejected, match="needs another name"):
        split(BOTH, [b"1.mp3"], "Ada", " Low")
    assert split(BOTH, [b"1.mp3"], "Ada", "High")
    assert split(BOTH, [b"1.mp3"], "Bo", "Low")
    for artist, name in ((None, "Low"), (" ", "Low"), ("Ada", None), ("Ada", " ")):
        with pytest.raises(Rejected, match="an artist and a title"):
            split(BOTH, [b"1.mp3"], artist or "", name or "")
        with pytest.raises(Rejected, match="an artist and a title"):
            merge([album(1, file(b"1.mp3", 1), artist=artist, name=name), album(2, file(b"2.mp3", 2))])


def test_one_album_is_not_merged() -> None:
    with pytest.raises(Rejected, match="two albums or more"):
        merge([BOTH])


def discs(*albums: Staged) -> dict[bytes, int | None]:
    said = merge(albums)
    assert len({choice.name for choice in said.values()}) == 1
    assert {(choice.artist, choice.album) for choice in said.values()} == {("Ada", "Low")}
    assert said.keys() == {one.source for album in albums for one in album.files}
    return {source.removeprefix(b"drop/"): choice.disc for source, choice in said.items()}


def test_late_tracks_keep_the_discs_they_have() -> None:
    late = album(2, file(b"3.mp3", 3), file(b"4.mp3", 1, 2), file(b"x.jpg", role="picture"), artist="Bo")
    assert discs(album(1, file(b"1.mp3", 1), file(b"2.mp3", 2)), late) == {
        b"1.mp3": None, b"2.mp3": None, b"3.mp3": None, b"4.mp3": 2, b"x.jpg": None,
    }  # fmt: skip


def test_of_albums_whose_numbers_meet_the_later_discs_follow_the_earlier_ones() -> None:
    first = album(1, file(b"a1.mp3", 1), file(b"a2.mp3", 1, 2))
    second = album(2, file(b"b1.mp3", 1), file(b"b2.mp3", 2), file(b"b.jpg", role="picture"), file(b"c1.mp3", 1, 2))
    third = album(3, file(b"d1.mp3", 1, 1), file(b"d9.mp3", 9, 1))
    assert discs(first, second, third) == {
        b"a1.mp3": None, b"a2.mp3": 2, b"b1.mp3": 3, b"b2.mp3": 3, b"b.jpg": None, b"c1.mp3": 4, b"d1.mp3": 5,
        b"d9.mp3": 5,
    }  # fmt: skip


def test_tracks_without_numbers_cannot_be_told_apart_and_go_on_a_disc_of_their_own() -> None:
    assert discs(album(1, file(b"a.mp3")), album(2, file(b"b.mp3"))) == {b"a.mp3": None, b"b.mp3": 2}
