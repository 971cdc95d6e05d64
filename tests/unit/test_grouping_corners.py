"""Which files are one album where a rule ends: nothing fails there, and nothing is read into names that say nothing."""

from __future__ import annotations

import pytest

from tests.shelf import Shelf, codes


def test_songs_of_one_album_without_numbers_or_album_artist_stay_together() -> None:
    shelf = Shelf()
    for artist in ("Ada", "Bo"):
        shelf.track(f"Mix/{artist}.mp3", artist=artist, album="Mix", title=f"By {artist}")
    one = shelf.only()
    assert (one.album_artist, len(one.tracks)) == ("Various Artists", 2)


def test_a_disc_folder_that_goes_on_where_loose_songs_end_is_of_their_album() -> None:
    shelf = Shelf()
    shelf.album("Long", range(1, 3), artist="Ada", album="Long", year=1999)
    shelf.album("Long/CD1", range(3, 5), artist="Ada", album="Long", year=1999)
    assert [track.track for track in shelf.only().tracks] == [1, 2, 3, 4]


@pytest.mark.parametrize("tag", ["Long", "Long (Bonus Tracks)", "Long (Bonus Disc)"])
def test_a_bonus_folder_alone_is_of_the_album_whatever_its_tags_call_it(tag: str) -> None:
    shelf = Shelf()
    shelf.album("Ada - Long/Bonus CD", range(1, 3), artist="Ada", album=tag)
    assert shelf.only().album == "Long"


@pytest.mark.parametrize("folders", [("Part 0", "Part 1"), ("Part XIV", "Part I")])
def test_parts_that_are_not_counted_from_one_to_ten_are_no_discs(folders: tuple[str, str]) -> None:
    shelf = Shelf()
    for folder in folders:
        shelf.album(f"Long/{folder}", range(1, 3), artist="Ada", album="Long", year=1999)
    assert [one.discs for one in shelf.groups()] == [1, 1]


def test_various_artists_are_called_so_however_tags_spell_them() -> None:
    shelf = Shelf()
    for n, various in enumerate(("VA", "Various", "VA", "V.A."), 1):
        shelf.track(f"x/{n}.mp3", artist=f"Artist {n}", album_artist=various, album="Hits", title=f"T{n}", track=n)
    one = shelf.only()
    assert (one.album_artist, one.sources["album_artist"]) == ("Various Artists", "tag")


def test_a_single_song_of_a_compilation_is_not_its_singers_album() -> None:
    shelf = Shelf()
    shelf.album("x", [7], artist="Ada", album="Hits", compilation=True)
    assert shelf.only().album_artist == "Various Artists"


def test_a_disc_that_a_tag_names_is_told_as_the_tags_also_where_the_title_is_not() -> None:
    shelf = Shelf()
    for n in (1, 2):
        shelf.track(f"x/0{n} Song.mp3", artist="Ada", album="Long", disc=2, track=n)
    assert [dict(track.sources) for track in shelf.only().tracks] == [
        {"title": "file_name", "track": "tag", "disc": "tag"}
    ] * 2


@pytest.mark.parametrize("title", [" Rain", "Rain ", "Ra  in"])
def test_what_a_tidy_albums_tags_have_too_much_is_not_shown(title: str) -> None:
    shelf = Shelf()
    for n, said in ((1, "Hail"), (2, title), (3, "Snow")):
        shelf.track(f"x/0{n}.mp3", artist="Ada", album="Long", year=1999, title=said, track=n)
    assert [track.title for track in shelf.only().tracks] == ["Hail", " ".join(title.split()), "Snow"]


def test_a_blank_title_in_a_tidy_album_is_that_of_the_files_name() -> None:
    shelf = Shelf()
    for n, said in ((1, "Hail"), (2, ""), (3, "Snow")):
        shelf.track(f"x/0{n} Rain.mp3", artist="Ada", album="Long", year=1999, title=said, track=n)
    one = shelf.only()
    assert [track.title for track in one.tracks] == ["Hail", "Rain", "Snow"]
    assert "missing_tags" in codes(one)
