"""Rips without tags, called as the programs that made them call them: which track each file is."""

from __future__ import annotations

import pytest

from tests.shelf import Shelf, codes

# What files without extension are called → disc, track and title of each.
RIPS = {
    "Audiograbber": (["Track01", "Track02"], [(None, 1, "Track01"), (None, 2, "Track02")]),
    "EAC": (["Track 01", "Track 02", "Track 10"], [(None, n, f"Track {n:02}") for n in (1, 2, 10)]),
    "cdparanoia": (["track01.cdda", "track02.cdda"], [(None, 1, "track01.cdda"), (None, 2, "track02.cdda")]),
    "cdda2wav": (["audio_01", "audio_02"], [(None, 1, "audio 01"), (None, 2, "audio 02")]),
    "Finder": (["2 Audio Track", "1 Audio Track"], [(None, 1, "Audio Track"), (None, 2, "Audio Track")]),
    "German": (["Spur 1", "Spur 2"], [(None, 1, "Spur 1"), (None, 2, "Spur 2")]),
    "French": (["Piste 1 - Nuit", "Piste 2 - Jour"], [(None, 1, "Nuit"), (None, 2, "Jour")]),
    "Russian": (["Дорожка 1", "Дорожка 2"], [(None, 1, "Дорожка 1"), (None, 2, "Дорожка 2")]),
    "Japanese": (["トラック01", "トラック02"], [(None, 1, "トラック01"), (None, 2, "トラック02")]),
    "wide digits": (["０１．海", "０２．山"], [(None, 1, "海"), (None, 2, "山")]),
    "a comma of Chinese": (["01、海", "02、山"], [(None, 1, "海"), (None, 2, "山")]),
    "episodes": (["第01話 海", "第02話「山」"], [(None, 1, "海"), (None, 2, "「山」")]),
    "an audiobook": (["Chapter 1", "Chapter 2", "Chapter 10"], [(None, n, f"Chapter {n}") for n in (1, 2, 10)]),
    "chapters with names": (
        ["Kapitel 1 - Rain", "Kapitel 2 - Hail"],
        [(None, 1, "Kapitel 1 - Rain"), (None, 2, "Kapitel 2 - Hail")],
    ),
    "brackets": (["(01) Rain", "(02) Hail"], [(None, 1, "Rain"), (None, 2, "Hail")]),
    "square brackets": (["[01] Rain", "[02] Hail"], [(None, 1, "Rain"), (None, 2, "Hail")]),
    "a number sign": (["#1 Rain", "#2 Hail"], [(None, 1, "Rain"), (None, 2, "Hail")]),
    "the album before": (["Long 01 Rain", "Long 02 Hail"], [(None, 1, "Long 01 Rain"), (None, 2, "Long 02 Hail")]),
    "Bandcamp": (["Ada - Long - 01 Rain", "Ada - Long - 02 Hail"], [(None, 1, "Rain"), (None, 2, "Hail")]),
    "works": (["Symphony No. 1", "Symphony No. 2"], [(None, 1, "Symphony No. 1"), (None, 2, "Symphony No. 2")]),
    "not counted from one": (["Symphony No. 5", "Symphony No. 7"], [(None, None, f"Symphony No. {n}") for n in (5, 7)]),
    "something else beside": (["Track 01", "Outro"], [(None, None, "Outro"), (None, None, "Track 01")]),
    "twice the same": (["Take 1 a", "Take 1 b"], [(None, None, "Take 1 a"), (None, None, "Take 1 b")]),
    "years": (["Live 1971", "Live 1972"], [(None, None, "Live 1971"), (None, None, "Live 1972")]),
    "discs before": (["CD1 Track 1", "CD2 Track 1"], [(1, 1, "CD1 Track 1"), (2, 1, "CD2 Track 1")]),
    "discs and titles": (["Disc 1 Track 1 - Rain", "Disc 2 Track 1 - Hail"], [(1, 1, "Rain"), (2, 1, "Hail")]),
    "discs and numbers": (["CD1 01 Rain", "CD2_01_Hail"], [(1, 1, "Rain"), (2, 1, "Hail")]),
    "one number": (["0101 Rain", "0102 Hail", "0201 Snow"], [(1, 1, "Rain"), (1, 2, "Hail"), (2, 1, "Snow")]),
    "a single": (["A - Rain", "B - Hail"], [(1, 1, "Rain"), (2, 1, "Hail")]),
    "a side of one song": (["A1. Rain", "A2. Snow", "B. Hail"], [(1, 1, "Rain"), (1, 2, "Snow"), (2, 1, "Hail")]),
    "a box of records": (["A1 Rain", "I1 Hail", "J2 Snow"], [(1, 1, "Rain"), (9, 1, "Hail"), (10, 2, "Snow")]),
    "numerals": (["A - Rain", "I - Hail"], [(None, None, "A - Rain"), (None, None, "I - Hail")]),
    "two A sides": (["A) Rain", "AA1) Hail", "AA2) Snow"], [(1, 1, "Rain"), (2, 1, "Hail"), (2, 2, "Snow")]),
    "an article": (["A Day", "B Side"], [(None, None, "A Day"), (None, None, "B Side")]),
    "words that count": (
        ["99 Balloons", "4 Minutes", "Rain"],
        [(None, None, t) for t in ("4 Minutes", "99 Balloons", "Rain")],
    ),
    "videos": (["99 Balloons [dQw4w9WgXcQ]", "Rain [A2zKARk_DW4]"], [(None, None, t) for t in ("99 Balloons", "Rain")]),
    "a song behind those that count": (
        ["1 Rain", "2 Hail", "Snow"],
        [(None, 1, "Rain"), (None, 2, "Hail"), (None, None, "Snow")],
    ),
    "zeros that count": (["04 Rain", "07 Hail", "Snow"], [(None, 4, "Rain"), (None, 7, "Hail"), (None, None, "Snow")]),
    "dots that count": (["4. Rain", "7. Hail", "Snow"], [(None, 4, "Rain"), (None, 7, "Hail"), (None, None, "Snow")]),
    "the artist before each": (["01-Ada-Some Rain", "02-Ada-Hail"], [(None, 1, "Some Rain"), (None, 2, "Hail")]),
    "the artist before one": (["01-Ada-Some Rain", "02-Hail"], [(None, 1, "Ada-Some Rain"), (None, 2, "Hail")]),
    "images": (["CD1", "CD2"], [(1, None, "CD1"), (2, None, "CD2")]),
    "images of an album": (["Ada - Long (CD1)", "Ada - Long (CD2)"], [(n, None, f"Long (CD{n})") for n in (1, 2)]),
}


@pytest.mark.parametrize(("stems", "expected"), RIPS.values(), ids=RIPS)
def test_the_names_of_a_rip_count_its_tracks(
    shelf: Shelf, stems: list[str], expected: list[tuple[int | None, int | None, str | None]]
) -> None:
    shelf.untagged("Ada - Long (1999)", *(f"{stem}.wav" for stem in stems))
    one = shelf.only()
    assert (one.album_artist, one.album) == ("Ada", "Long")
    assert [(track.disc, track.track, track.title) for track in one.tracks] == expected


@pytest.mark.parametrize("folder", ["A-ha/Hunting High", "A-ha - Hunting High (1985)"])
@pytest.mark.parametrize("before", ["A-ha-Hunting High-", "a-ha-hunting_high-"])
def test_what_names_repeat_without_a_space_is_no_artist(shelf: Shelf, folder: str, before: str) -> None:
    shelf.untagged(folder, f"{before}01-Rain.mp3", f"{before}02-Hail.mp3")
    one = shelf.only()
    assert (one.album_artist, one.album) == ("A-ha", "Hunting High")
    assert [(track.track, track.title) for track in one.tracks] == [(1, "Rain"), (2, "Hail")]


@pytest.mark.parametrize(
    ("artist", "album"),
    [("Adele", "21"), ("Nala Sinephro", "Space 1.8"), ("Blink-182", "Neighborhoods"), ("311", "311")],
)
def test_what_names_repeat_of_their_folder_is_no_number(shelf: Shelf, artist: str, album: str) -> None:
    shelf.untagged(f"{artist} - {album} (2011)", *(f"{artist} - {album} - 0{n} Song {n}.wav" for n in (1, 2)))
    assert [(track.track, track.title) for track in shelf.only().tracks] == [(1, "Song 1"), (2, "Song 2")]


@pytest.mark.parametrize("album", ["Long", "21", "Space 1.8"])
def test_an_album_that_names_repeat_before_the_number_is_in_no_title(shelf: Shelf, album: str) -> None:
    shelf.untagged(f"Ada - {album} (2011)", *(f"{album} - 0{n} - Song {n}.wav" for n in (1, 2)))
    one = shelf.only()
    assert (one.album_artist, one.album) == ("Ada", album)
    assert [(track.track, track.title) for track in one.tracks] == [(1, "Song 1"), (2, "Song 2")]


def test_an_album_that_is_called_like_a_number_takes_none(shelf: Shelf) -> None:
    shelf.untagged("Ada - 2 (2011)", "1 - Rain - Live.wav", "2 - Hail - Live.wav", "3 - 4 - Live.wav")
    assert [track.track for track in shelf.only().tracks] == [1, 2, 3]


def test_a_number_that_all_names_end_in_is_the_total(shelf: Shelf) -> None:
    shelf.untagged("Ada - Long", "01-12 Rain.wav", "02-12 Hail.wav", "11-12 Snow.wav")
    assert [(track.disc, track.track, track.title) for track in shelf.only().tracks] == [
        (None, 1, "Rain"), (None, 2, "Hail"), (None, 11, "Snow")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        ("1-12 Rain", "2-12 Hail", "2-13 Snow"),
        ("1-02 Rain", "2-02 Hail"),
        ("1-02 Rain", "2-02 Hail", "3-02 Snow"),
    ],
)
def test_numbers_that_only_some_names_share_are_tracks_of_discs(shelf: Shelf, names: tuple[str, ...]) -> None:
    shelf.untagged("Ada - Long", *(f"{name}.wav" for name in names))
    assert {track.disc for track in shelf.only().tracks} == {int(name[0]) for name in names}


@pytest.mark.parametrize(
    "folders", [("1", "2", "3"), ("01", "02", "03"), ("Set 1", "set 2", "Set_3"), ("Set 1", "Set 2", "Encore")]
)
def test_folders_that_count_in_one_of_a_book_are_its_discs(shelf: Shelf, folders: tuple[str, ...]) -> None:
    for folder in folders:
        shelf.untagged(f"Ada - Long (1999)/{folder}", "01.mp3", "02.mp3")
    one = shelf.only()
    assert (one.album_artist, one.album, one.year) == ("Ada", "Long", 1999)
    assert [(track.disc, track.track) for track in one.tracks] == [(disc, n) for disc in (1, 2, 3) for n in (1, 2)]


def test_the_sets_of_a_show_are_its_discs(shelf: Shelf) -> None:
    for folder in ("Set 1", "Set 2"):
        shelf.untagged(f"Ada - 2003-05-08 - Town/{folder}", "01.mp3", "02.mp3")
    one = shelf.only()
    assert (one.album_artist, one.album, one.year, one.discs) == ("Ada", "2003-05-08 - Town", 2003, 2)


@pytest.mark.parametrize(
    ("above", "folders"),
    [
        ("Ada - Discography", ("1", "2")),
        ("Ada", ("1", "2")),
        ("Ada - Long", ("19", "21")),
        ("Ada - Long", ("1", "Live")),
    ],
)
def test_folders_that_do_not_count_in_an_album_are_albums(shelf: Shelf, above: str, folders: tuple[str, ...]) -> None:
    for folder in folders:
        shelf.untagged(f"{above}/{folder}", "01.mp3", "02.mp3")
    assert [one.album for one in shelf.groups()] == [*folders]


def test_each_disc_folder_counts_from_one(shelf: Shelf) -> None:
    for disc in ("CD1", "CD2"):
        shelf.untagged(f"Ada - Long (1999)/{disc}", "Track01.wav", "Track02.wav")
    one = shelf.only()
    assert [(track.disc, track.track) for track in one.tracks] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert one.tracks[0].sources == {"disc": "folder", "track": "file_name", "title": "file_name"}


def test_a_title_in_a_tag_stays_where_the_name_counts(shelf: Shelf) -> None:
    for n, title in enumerate(("Rain", "Hail"), 1):
        shelf.track(f"Long/Track {n}.mp3", title=title, artist="Ada", album="Long")
    assert [(track.track, track.title) for track in shelf.only().tracks] == [(1, "Rain"), (2, "Hail")]


def of_each(shelf: Shelf) -> list[tuple[str | None, str | None, int | None, list[tuple[int | None, str | None]]]]:
    """Group all there is: artist, album, year, and number and title of each track."""
    return [
        (one.album_artist, one.album, one.year, [(track.track, track.title) for track in one.tracks])
        for one in shelf.groups()
    ]


RAIN_AND_HAIL = [(1, "Rain"), (2, "Hail")]


@pytest.mark.parametrize("folder", ["", "Downloads", "Ada"])
@pytest.mark.parametrize(
    ("before", "year", "after"),
    [
        ("Ada - Long", None, " "),
        ("Ada - Long", None, " - "),
        ("Ada - 1999 - Long", 1999, ". "),
        ("Ada_-_Long", None, "_"),
    ],
)
def test_names_of_files_name_their_album_where_no_folder_does(
    shelf: Shelf, folder: str, before: str, year: int | None, after: str
) -> None:
    dash = "_-_" if "_" in before else " - "
    shelf.untagged(folder, f"{before}{dash}01{after}Rain.wav", f"{before}{dash}02{after}Hail.wav")
    assert of_each(shelf) == [("Ada", "Long", year, RAIN_AND_HAIL)]
    (one,) = shelf.groups()
    assert codes(one) >= {"names_from_files", "artist_from_folder", "missing_tags"}
    assert (one.verdict, one.sources["album"], one.sources["album_artist"]) == ("take", "file_name", "file_name")
    assert one.sources.get("year") == ("file_name" if year else None)


@pytest.mark.parametrize("folder", ["", "Downloads", "Ada"])
def test_albums_that_names_of_files_tell_apart_stay_apart(shelf: Shelf, folder: str) -> None:
    for album in ("Long", "Short"):
        shelf.untagged(folder, f"Ada - {album} - 01 Rain.wav", f"Ada - {album} - 02 Hail.wav")
    assert of_each(shelf) == [("Ada", album, None, RAIN_AND_HAIL) for album in ("Long", "Short")]


def test_a_compilation_that_names_of_files_tell_has_an_artist_a_song(shelf: Shelf) -> None:
    shelf.untagged("Downloads", "VA - Long - 01 Rain.wav", "VA - Long - 02 Bo - Hail.wav")
    assert of_each(shelf) == [("Various Artists", "Long", None, [(1, "Rain"), (2, "Bo - Hail")])]


def test_discs_that_names_of_files_tell_are_one_album(shelf: Shelf) -> None:
    for disc in (1, 2):
        shelf.untagged("Downloads", *(f"Ada - Long (Disc {disc}) - 0{n} {title}.wav" for n, title in RAIN_AND_HAIL))
    one = shelf.only()
    assert (one.album_artist, one.album, one.discs) == ("Ada", "Long", 2)


@pytest.mark.parametrize(
    ("folder", "names", "albums"),
    [
        ("Long (Deluxe)", ("Ada - Long - 01 Rain", "Ada - Long - 02 Hail"), {"Long (Deluxe)"}),  # it names one
        ("Downloads", ("Ada - Long - 01 Rain", "Ada - Short - 02 Hail"), {None}),  # each stands alone
        ("Downloads", ("Ada - Long - 01 Rain", "Ada - Long - 01 Hail"), {None}),  # they count nothing
        ("", ("Ada - Long - 12 Inch Mix", "Ada - Long - 7 Inch Mix"), {None}),  # nor do words of titles
        ("Downloads", ("Unknown Artist - Long - 01 Rain", "Unknown Artist - Long - 02 Hail"), {None}),
        ("Downloads", ("Ada - Unknown Album - 01 Rain", "Ada - Unknown Album - 02 Hail"), {None}),
        ("Downloads", ("Adele - 21 Rain", "Adele - 22 Hail"), {None}),
        ("Downloads", ("Ada - Long - 01 Rain", "Ada - Long - 02 Hail", "Bo - Snow"), {None}),  # whose is the last?
        ("Downloads", ("Ada - 1999 -  - 01. Rain", "Ada - 1999 -  - 02. Hail"), {None}),
    ],
)
def test_names_of_files_name_no_album_where_that_is_doubtful(
    shelf: Shelf, folder: str, names: tuple[str, ...], albums: set[str | None]
) -> None:
    shelf.untagged(folder, *(f"{name}.wav" for name in names))
    assert {one.album for one in shelf.groups()} == albums


def test_a_song_in_the_root_belongs_to_no_album_that_names_of_others_tell(shelf: Shelf) -> None:
    shelf.untagged("", "Ada - Long - 01 Rain.wav", "Ada - Long - 02 Hail.wav", "Bo - Snow.wav")
    assert [(one.album, len(one.tracks)) for one in shelf.groups()] == [("Long", 2), (None, 1)]


def test_a_file_that_cannot_be_read_goes_with_the_album_that_names_tell(shelf: Shelf) -> None:
    shelf.untagged("Downloads", "Ada - Long - 01 Rain.wav", "Ada - Long - 02 Hail.wav")
    shelf.track("Downloads/Ada - Long - 03 Snow.wav", problem="unreadable_file")
    assert [(one.album, len(one.tracks)) for one in shelf.groups()] == [("Long", 3)]


def test_tags_count_before_names_of_files(shelf: Shelf) -> None:
    for n, title in RAIN_AND_HAIL:
        shelf.track(f"Downloads/Bo - Short - 0{n + 2} x.mp3", title=title, artist="Ada", album="Long", track=n)
    for n in (1, 2):
        shelf.track(f"Ada/Bo - Wide - 0{n} x.mp3", artist="Ada")
    assert {one.album for one in shelf.groups()} == {"Long", "Ada"}


def test_a_number_that_tags_have_in_the_title_counts_nothing(shelf: Shelf) -> None:
    for title in ("99 Balloons", "4 Minutes"):
        shelf.track(f"x/{title}.mp3", artist="Ada", album="Long", title=title)
    shelf.track("x/7 Rain.mp3", artist="Ada", album="Long", title="Rain")
    assert [(track.track, track.title) for track in shelf.only().tracks] == [
        (7, "Rain"), (None, "4 Minutes"), (None, "99 Balloons")
    ]  # fmt: skip


@pytest.mark.parametrize("title", ["Track {:02}", "AudioTrack {}", "Titel {}"])
@pytest.mark.parametrize("tags", [{}, {"artist": "Ada", "album": "Long", "year": 1999}])
def test_tags_that_only_count_leave_the_title_to_the_names(shelf: Shelf, title: str, tags: dict[str, object]) -> None:
    for number, song in enumerate(("Rain", "Hail"), 1):
        shelf.track(f"Ada - Long (1999)/0{number} {song}.mp3", title=title.format(number), track=number, **tags)
    one = shelf.only()
    assert [(track.track, track.title, track.sources["title"]) for track in one.tracks] == [
        (1, "Rain", "file_name"), (2, "Hail", "file_name")
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("01 Track 1", "02 Track 2"), ("01", "02"), ("01 Rain", "02")])
def test_tags_that_only_count_stay_where_names_say_no_more(shelf: Shelf, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names, 1):
        shelf.track(f"x/{name}.mp3", title=f"Track {number}", track=number, artist="Ada", album="Long", year=1999)
    assert [track.title for track in shelf.only().tracks] == ["Track 1", "Track 2"]


def test_a_title_that_is_a_number_is_one(shelf: Shelf) -> None:
    for number, name in enumerate(("505", "22"), 1):
        shelf.track(f"x/0{number} {name} (live).mp3", title=name, track=number, artist="Ada", album="Long", year=1999)
    assert [track.title for track in shelf.only().tracks] == ["505", "22"]
