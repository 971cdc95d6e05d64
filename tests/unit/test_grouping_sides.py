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
def test_files_in_the_album_belong_to_it(shelf: Shelf, path: str) -> None:
    for disc in (1, 2):
        shelf.album(f"Jazz/CD{disc}", range(1, 3), **TAGS)
    side = shelf.side(path)
    one = shelf.only()
    assert one.sides == (side,)
    assert path.rpartition("/")[0].encode() in one.folders


@pytest.mark.parametrize(
    "path", ["cover.jpg", "Scans/front.png", "Queen/queen.jpg", "Queen/Scans/x.png", "Other/x.txt"]
)
def test_files_outside_the_album_belong_to_nobody(shelf: Shelf, path: str) -> None:
    shelf.album("Queen/Jazz", range(1, 3), **TAGS)
    shelf.side(path)
    assert shelf.only().sides == ()


def test_in_a_folder_of_several_albums_only_files_named_like_a_track_have_an_owner(shelf: Shelf) -> None:
    shelf.track("x/a.flac", **TAGS, title="a", track=1)
    shelf.track("x/b.flac", artist="ABBA", album="Gold", title="b", track=1)
    shelf.side("x/cover.jpg")
    shelf.side("x/Scans/front.jpg")
    owned = [shelf.side("x/A.lrc"), shelf.side("x/a.en.lrc"), shelf.side("x/a.flac.cue")]
    shelf.side("x/c.lrc")
    abba, queen = shelf.groups()
    assert (set(queen.sides), abba.sides) == (set(owned), ())


def test_lyrics_of_loose_tracks_go_with_them_and_nothing_else_of_the_root_does(shelf: Shelf) -> None:
    shelf.track("a.mp3", **TAGS, title="a", track=1)
    lyrics = shelf.side("a.lrc")
    shelf.side("cover.jpg")
    assert shelf.only().sides == (lyrics,)


def test_disc_folders_in_the_root_bring_what_lies_in_them_but_not_what_lies_beside(shelf: Shelf) -> None:
    for disc in (1, 2):
        shelf.album(f"Jazz CD{disc}", range(1, 3), **TAGS)
    owned = [shelf.side("Jazz CD1/cover.jpg"), shelf.side("Jazz CD2/Scans/x.jpg")]
    shelf.side("readme.txt")
    shelf.side("Scans/x.jpg")
    assert list(shelf.only().sides) == owned


def test_two_albums_below_one_folder_do_not_get_its_scans(shelf: Shelf) -> None:
    shelf.album("Queen/Jazz", range(1, 3), **TAGS)
    shelf.album("Queen/Jazz II", range(1, 3), artist="Queen", album="Jazz II")
    shelf.side("Queen/Scans/x.jpg")
    assert [one.sides for one in shelf.groups()] == [(), ()]


@pytest.mark.parametrize("formats", [("FLAC",), ("FLAC", "MP3")])
def test_what_lies_above_folders_of_a_format_belongs_to_the_first_album_if_it_is_named_after_it(
    shelf: Shelf, formats: tuple[str, ...]
) -> None:
    for folder in formats:
        shelf.album(f"Queen - Jazz (1978)/{folder}", range(1, 3), **TAGS)
        shelf.album(f"Downloads/{folder}", range(1, 3), artist="ABBA", album="Gold")
        shelf.album(f"Queen/Queen/{folder} extras", range(1, 3), artist="Queen", album="Queen")
    owned = [shelf.side("Queen - Jazz (1978)/Scans/x.jpg"), shelf.side("Queen - Jazz (1978)/cover.jpg")]
    shelf.side("Downloads/invoice.pdf")
    shelf.side("Queen/artist.jpg")
    shelf.side("Queen/Queen/x.jpg")
    sides = {one.home: sorted(one.sides) for one in shelf.groups() if one.sides}
    assert sides == {b"Queen - Jazz (1978)/FLAC": owned}


def test_of_two_formats_in_one_folder_the_first_gets_what_lies_beside(shelf: Shelf) -> None:
    for ext in ("flac", "mp3"):
        for n in (1, 2):
            shelf.track(f"Jazz/{n}.{ext}", title=f"{n}", track=n, **TAGS)
    cover = shelf.side("Jazz/cover.jpg")
    assert [one.sides for one in shelf.groups()] == [(cover,), ()]


def test_of_two_formats_in_one_folder_the_first_gets_what_has_the_names_of_both(shelf: Shelf) -> None:
    for ext in ("flac", "mp3"):
        for n in (1, 2):
            shelf.track(f"Jazz/{n}.{ext}", title=f"{n}", track=n, **TAGS)
    words = [shelf.side("Jazz/1.lrc"), shelf.side("Jazz/2.en.lrc")]
    alone = shelf.side("Jazz/1.mp3.txt")
    assert [one.sides for one in shelf.groups()] == [tuple(words), (alone,)]


def test_files_without_any_music_are_no_album(shelf: Shelf) -> None:
    shelf.side("Queen - Jazz/cover.jpg")
    assert shelf.groups() == []
