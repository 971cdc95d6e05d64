"""Which album a file beside the music belongs to."""

from __future__ import annotations

import pytest

from tests.shelf import Shelf

TAGS = {"artist": "Queen", "album": "Jazz"}


@pytest.mark.parametrize(
    "path",
    [
        "Jazz/cover.jpg",
        "Jazz/Scans/front.png",
        "Jazz/Scans/more/back.png",
        "Jazz/CD1/rip.log",
        "Jazz/CD1/Artwork/a.png",
    ],
)
def test_files_in_the_album_belong_to_it(path: str) -> None:
    shelf = Shelf()
    for disc in (1, 2):
        shelf.album(f"Jazz/CD{disc}", range(1, 3), **TAGS)
    side = shelf.side(path)
    one = shelf.only()
    assert one.sides == (side,)
    assert path.rpartition("/")[0].encode() in one.folders


@pytest.mark.parametrize(
    "path", ["cover.jpg", "Scans/front.png", "Queen/queen.jpg", "Queen/Scans/x.png", "Other/x.txt"]
)
def test_files_outside_the_album_belong_to_nobody(path: str) -> None:
    shelf = Shelf()
    shelf.album("Queen/Jazz", range(1, 3), **TAGS)
    shelf.side(path)
    assert shelf.only().sides == ()


def test_in_a_folder_of_several_albums_only_files_named_like_a_track_have_an_owner() -> None:
    shelf = Shelf()
    shelf.track("x/a.flac", **TAGS, title="a", track=1)
    shelf.track("x/b.flac", artist="ABBA", album="Gold", title="b", track=1)
    shelf.side("x/cover.jpg")
    shelf.side("x/Scans/front.jpg")
    owned = [shelf.side("x/A.lrc"), shelf.side("x/a.en.lrc"), shelf.side("x/a.flac.cue")]
    shelf.side("x/c.lrc")
    abba, queen = shelf.groups()
    assert (set(queen.sides), abba.sides) == (set(owned), ())


def test_lyrics_of_loose_tracks_go_with_them_and_nothing_else_of_the_root_does() -> None:
    shelf = Shelf()
    shelf.track("a.mp3", **TAGS, title="a", track=1)
    lyrics = shelf.side("a.lrc")
    shelf.side("cover.jpg")
    assert shelf.only().sides == (lyrics,)


def test_disc_folders_in_the_root_bring_what_lies_in_them_but_not_what_lies_beside() -> None:
    shelf = Shelf()
    for disc in (1, 2):
        shelf.album(f"Jazz CD{disc}", range(1, 3), **TAGS)
    owned = [shelf.side("Jazz CD1/cover.jpg"), shelf.side("Jazz CD2/Scans/x.jpg")]
    shelf.side("readme.txt")
    shelf.side("Scans/x.jpg")
    assert list(shelf.only().sides) == owned


def test_two_albums_below_one_folder_do_not_get_its_scans() -> None:
    shelf = Shelf()
    shelf.album("Queen/Jazz", range(1, 3), **TAGS)
    shelf.album("Queen/Jazz II", range(1, 3), artist="Queen", album="Jazz II")
    shelf.side("Queen/Scans/x.jpg")
    assert [one.sides for one in shelf.groups()] == [(), ()]


def test_files_without_any_music_are_no_album() -> None:
    shelf = Shelf()
    shelf.side("Queen - Jazz/cover.jpg")
    assert shelf.groups() == []
