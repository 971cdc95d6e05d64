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


def test_a_bonus_that_counts_from_one_is_no_end_of_an_album_that_does_not_count() -> None:
    shelf = Shelf()
    for name in ("Hail", "Rain"):
        shelf.track(f"Long/{name}.mp3", artist="Ada", album="Long", title=name)
    shelf.album("Long/Bonus CD", range(1, 3), artist="Ada", album="Long")
    assert {(track.title, track.disc) for track in shelf.only().tracks} == {
        ("Hail", 1), ("Rain", 1), ("Song 1", 2), ("Song 2", 2)
    }  # fmt: skip


def test_tags_tell_discs_before_the_names_of_folders() -> None:
    shelf = Shelf()
    for folder, disc in ((1, 3), (2, 4)):
        shelf.album(f"Long/CD{folder}", range(1, 3), artist="Ada", album="Long", disc=disc)
    assert [(track.disc, track.track) for track in shelf.only().tracks] == [(3, 1), (3, 2), (4, 1), (4, 2)]


def test_loose_songs_of_two_artists_make_no_misspelt_album() -> None:
    shelf = Shelf()
    shelf.album("", range(1, 4), artist="Ada", album="Greatest Hits")
    shelf.album("", range(4, 5), artist="Bo", album="Greatest Hit")
    found = [(one.album_artist, one.album, len(one.tracks)) for one in shelf.groups()]
    assert found == [("Ada", "Greatest Hits", 3), ("Bo", "Greatest Hit", 1)]


def test_an_album_of_which_most_songs_have_a_guest_is_the_artists_alone() -> None:
    shelf = Shelf()
    for number, artist in enumerate(("Ada", "Ada & Bo", "Ada & Bo"), 1):
        shelf.album("Long", range(number, number + 1), artist=artist, album="Long")
    assert shelf.only().album_artist == "Ada"


def test_an_artist_that_one_name_of_several_begins_with_is_not_that_of_all() -> None:
    shelf = Shelf()
    shelf.untagged("Long", "Ada - 01 - Hail.mp3", "02 - Rain.mp3")
    assert (shelf.only().album, shelf.only().album_artist) == ("Long", None)


def test_a_folder_that_is_only_called_a_bonus_names_no_album() -> None:
    shelf = Shelf()
    shelf.untagged("Bonus Tracks", "01 - Hail.mp3", "02 - Rain.mp3")
    assert shelf.only().album is None


def test_songs_of_several_albums_fill_no_gap() -> None:
    shelf = Shelf()
    shelf.album("Long", range(1, 10), artist="Ada", album="Long")
    for n, album in ((10, "Hail"), (11, "Rain"), (12, "Snow")):
        shelf.album("Long", [n], artist="Ada", album=album)
    assert sorted(len(one.tracks) for one in shelf.groups()) == [1, 1, 1, 9]


def test_a_tidy_copy_of_a_tidy_album_is_told_of_it() -> None:
    shelf = Shelf()
    for folder in ("x", "y"):
        shelf.album(folder, range(1, 3), artist="Ada", album="Long", year=1999)
    told = [[reason.code for reason in one.warnings] for one in shelf.groups()]
    assert told == [[], ["same_album_elsewhere"]]


@pytest.mark.parametrize(("discs", "home"), [(1, b"Ada/Long (Disc 1)"), (2, b"Ada")])
def test_discs_beside_each_other_lie_in_the_folder_that_holds_them_and_one_alone_in_its_own(
    discs: int, home: bytes
) -> None:
    shelf = Shelf()
    for disc in range(1, discs + 1):
        shelf.album(f"Ada/Long (Disc {disc})", range(1, 3), artist="Ada", album="Long")
    assert shelf.only().home == home


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


@pytest.mark.parametrize("title", ["", "No Title"])
def test_a_title_that_says_nothing_in_a_tidy_album_is_that_of_the_files_name(title: str) -> None:
    shelf = Shelf()
    for n, said in ((1, "Hail"), (2, title), (3, "Snow")):
        shelf.track(f"x/0{n} Rain.mp3", artist="Ada", album="Long", year=1999, title=said, track=n)
    one = shelf.only()
    assert [track.title for track in one.tracks] == ["Hail", "Rain", "Snow"]
    assert "missing_tags" in codes(one)


def test_of_two_spellings_that_are_as_frequent_none_is_a_slip() -> None:
    shelf = Shelf()
    shelf.album("x", [1], artist="Ada", album="Silver Tide")
    shelf.album("x", [2], artist="Ada", album="Silver Tyde")
    assert sorted(one.album or "" for one in shelf.groups()) == ["Silver Tide", "Silver Tyde"]


@pytest.mark.parametrize("unknown", [0, 1])
def test_parts_are_of_one_album_if_one_does_not_say_its_year(unknown: int) -> None:
    shelf = Shelf()
    for part in (0, 1):
        year = None if part == unknown else 1999
        shelf.album(f"Long/Part {part + 1}", range(1, 3), artist="Ada", album="Long", year=year)
    assert shelf.only().discs == 2


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("B-Movie-The_Album-CD-1999-GRP", ("B-Movie", "The Album")),
        ("Blink-182-Cheshire_Cat-CD-1999-GRP", ("Blink-182", "Cheshire Cat")),
        ("Burial-Rival_Dealer-Extra-CD-1999-GRP", ("Burial", "Rival Dealer")),
    ],
)
def test_hyphens_of_artists_are_told_from_those_of_scenes(folder: str, told: tuple[str, str]) -> None:
    shelf = Shelf()
    shelf.untagged(folder, "01-a.mp3", "02-b.mp3")
    assert (shelf.only().album_artist, shelf.only().album) == told


@pytest.mark.parametrize(("strays", "told"), [(1, "1 file "), (2, "2 files ")])
def test_songs_that_lack_the_albums_name_are_counted(strays: int, told: str) -> None:
    shelf = Shelf()
    shelf.album("x", range(1, 10), artist="Ada", album="Long")
    shelf.album("x", range(10, 10 + strays), artist="Ada")
    (reason,) = [reason for reason in shelf.only().evidence if reason.code == "strays_joined"]
    assert reason.message.startswith(told)
    assert f"{'belongs' if strays == 1 else 'belong'} to it" in reason.message


def test_folders_that_only_end_like_a_show_are_no_discs() -> None:
    shelf = Shelf()
    for folder in ("Early", "Late", "Encore"):
        shelf.album(f"Denver/{folder}", range(1, 3), artist="Ada", album="Denver")
    assert [one.discs for one in shelf.groups()] == [1, 1, 1]


def test_spellings_that_were_read_as_one_are_told() -> None:
    shelf = Shelf()
    for n, (album, artist) in enumerate((("Long", "The Adas"), ("LONG", "Adas"), ("Long", "The Adas")), 1):
        shelf.track(f"x/0{n}.mp3", artist="Ada", album_artist=artist, album=album, title=f"T{n}", track=n)
    told = [reason.message for reason in shelf.only().evidence if reason.code == "spelling_folded"]
    assert told == [f"2 spellings of the {what} were read as one name." for what in ("album", "album artist")]


def test_other_names_are_no_spellings() -> None:
    shelf = Shelf()
    for n, singer in enumerate(("Ada", "Bo", "Cy", "Di") * 2, 1):
        shelf.track(f"x/0{n}.mp3", artist=singer, album_artist=singer, album="Hits", title=f"T{n}", track=n)
    shelf.track("x/09.mp3", artist="Ada", album="Long", title="T9", track=9)
    one = shelf.only()
    assert len(one.tracks) == 9
    assert {"compilation_by_rule", "strays_joined"} <= codes(one)
    assert "spelling_folded" not in codes(one)


def test_tags_are_said_to_agree_only_where_they_name_the_artist() -> None:
    shelf = Shelf()
    shelf.album("Ada - Long", range(1, 3), album="Long")
    one = shelf.only()
    assert one.album_artist == "Ada"
    assert "album_and_artist_agree" not in codes(one)


@pytest.mark.parametrize(("other", "where"), [("x", "Its folder also holds"), ("y", "Another folder holds")])
def test_a_second_album_of_one_name_is_said_to_be_where_it_is(other: str, where: str) -> None:
    shelf = Shelf()
    for folder, ext in (("x", "flac"), (other, "mp3")):
        for n in (1, 2):
            shelf.track(f"{folder}/0{n}.{ext}", artist="Ada", album="Long", title=f"T{n}", track=n)
    (told,) = [reason for one in shelf.groups() for reason in one.warnings if reason.code == "same_album_elsewhere"]
    assert told.message.startswith(where)


def test_a_reader_that_says_why_a_file_cannot_be_read_is_quoted() -> None:
    shelf = Shelf()
    shelf.album("x", range(1, 3), artist="Ada", album="Long")
    shelf.track("x/03.flac", problem="broken", said="It begins as flac and then does not.")
    shelf.track("x/04.flac", problem="broken")
    told = [reason.message for reason in shelf.only().warnings if reason.code == "unreadable_file"]
    assert told == ["It begins as flac and then does not.", "It cannot be read (broken)."]


def test_songs_of_no_album_in_one_folder_are_not_shared_out_by_artist() -> None:
    shelf = Shelf()
    for artist in ("Ada", "Bo"):
        for n in (1, 2):
            shelf.track(f"Summer/{artist} {n}.mp3", artist=artist, title=f"{artist} {n}", track=n)
    one = shelf.only()
    assert (one.album, one.album_artist, len(one.tracks)) == ("Summer", "Various Artists", 4)


def test_what_files_repeat_before_their_number_is_left_out_whatever_their_folder_is_called() -> None:
    shelf = Shelf()
    shelf.untagged("Long", "Ada - Long - 01 Rain.wav", "Ada - Long - 02 Hail.wav")
    assert [(track.track, track.title) for track in shelf.only().tracks] == [(1, "Rain"), (2, "Hail")]


def test_a_number_that_two_singers_share_makes_no_two_albums_unless_both_begin() -> None:
    shelf = Shelf()
    for artist, numbers in (("Ada", (1, 2, 3)), ("Bo", (3, 4, 5))):
        for n in numbers:
            shelf.track(f"x/{n:02} {artist}.mp3", artist=artist, album="Duets", title=f"{artist} {n}", track=n)
    one = shelf.only()
    assert (one.album_artist, len(one.tracks)) == ("Various Artists", 6)
    assert "track_numbers_repeat" in codes(one)


def test_a_disc_that_nothing_names_is_told_as_by_rule() -> None:
    shelf = Shelf()
    shelf.album("x", range(1, 3), artist="Ada", album="Long")
    shelf.album("x", range(3, 5), artist="Ada", album="Long", disc=2)
    assert [(track.disc, track.sources["disc"]) for track in shelf.only().tracks] == [(1, "rule")] * 2 + [
        (2, "tag")
    ] * 2


def test_names_are_counted_in_all_disc_folders_or_in_none() -> None:
    shelf = Shelf()
    shelf.untagged("Ada - Long/CD1", "Track 01.wav", "Track 02.wav")
    shelf.untagged("Ada - Long/CD2", "Outro.wav", "Rain.wav")
    assert {track.track for track in shelf.only().tracks} == {None}
