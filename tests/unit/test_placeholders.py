"""What programs write where they know no name, and names that only look like it."""

from __future__ import annotations

import pytest

from scanner.grouping.album_names import is_nameless
from scanner.grouping.placeholders import (
    is_kind_of_music,
    is_number_of_track,
    is_various,
    may_say_unknown,
    says_unknown,
    sorts_music,
)
from tests.shelf import Shelf

NOTHING = [
    "Unknown",
    "<unknown>",
    "[unknown]",
    "Unknown Artist",
    "Unknown artist(s)",
    "unknown_album",
    "No Artist",
    "Untitled Album",
    "Unknown Album (1.2.2003 10:11:12)",
    "Unknown Album (11/3/2020 1:23:45 PM)",
    "Unbekannter Interpret",
    "Unbekanntes Album (03.11.2020 13:23:45)",
    "Artiste inconnu",
    "Album inconnu (03/11/2020 13:23:45)",
    "Artista desconocido",
    "Álbum desconocido",
    "Artista desconhecido",
    "Artista sconosciuto",
    "Onbekende artiest",
    "Onbekend album",
    "Nieznany wykonawca",
    "Neznámý interpret",
    "Ismeretlen előadó",
    "Okänd artist",
    "Okänt album",
    "Ukendt kunstner",
    "Ukjent artist",
    "Tuntematon esittäjä",
    "Bilinmeyen Sanatçı",
    "Неизвестный исполнитель",
    "Неизвестный альбом (03.11.2020 13:23:45)",
    "Невідомий виконавець",
    "Άγνωστος καλλιτέχνης",
    "不明なアーティスト",
    "不明なアルバム",
    "未知艺术家",
    "未知藝術家",
    "未知专辑",
    "알 수 없는 음악가",
    "알 수 없는 앨범",
]
NAMES = [
    "Unknown Pleasures",
    "The Unknown",
    "Unknown Mortal Orchestra",
    "Untitled",
    "No Album Today",
    "No",
    "Title Fight",
]
NAMES += ["Los Desconocidos", "Inconnu", "Album", "Artist", "Nobody", "未知の世界", "Unknown Album of Love", "Okänd"]

MANY = [
    "Various Artists",
    "[Various]",
    "V/A",
    "AA.VV.",
    "Verschiedene Künstler",
    "Diverse Interpreten",
    "Artistes divers",
]
MANY += ["Vários Artistas", "Różni wykonawcy", "Разные исполнители", "ヴァリアス・アーティスト", "群星"]


@pytest.mark.parametrize("text", NOTHING)
def test_what_programs_write_for_nothing_is_no_name(text: str) -> None:
    assert says_unknown(text)
    assert may_say_unknown(f"Queen|{text}|Jazz")


@pytest.mark.parametrize("text", NAMES)
def test_what_only_looks_like_nothing_is_a_name(text: str) -> None:
    assert not says_unknown(text)


@pytest.mark.parametrize(
    "text", ["Track 7", "07", "Audio Track 3", "Titel_12", "#4", "Трек 5", "トラック 3", "Piste 02"]
)
def test_the_number_of_a_track_is_no_title(text: str) -> None:
    assert is_number_of_track(text)


@pytest.mark.parametrize("text", ["Track Record", "1979", "Spur der Steine", "Track 7 (Reprise)"])
def test_a_title_may_begin_like_a_number(text: str) -> None:
    assert not is_number_of_track(text)


@pytest.mark.parametrize("text", ["Unbekannter Interpret", "Unknown Album (11-3-2020 1-23-45 PM)"])
def test_a_folder_called_so_names_nothing(text: str) -> None:
    assert is_nameless(text)


@pytest.mark.parametrize("text", MANY)
def test_many_artists_are_no_artist(text: str) -> None:
    assert is_various(text)
    shelf = Shelf()
    shelf.album("x", range(1, 3), artist="Queen", album="Hits", album_artist=text)
    assert shelf.only().album_artist == "Various Artists"


@pytest.mark.parametrize("text", [None, "Various Productions", "Diva", "Val", "The Artists", "Divers Two"])
def test_an_artist_may_sound_like_many(text: str | None) -> None:
    assert not is_various(text)


def test_albums_of_unknown_artists_are_not_one_album_nor_called_so(shelf: Shelf) -> None:
    for folder in ("Bo - Rain (1999)", "Cy - Hail (2001)"):
        shelf.album(
            folder, range(1, 3), artist="Unbekannter Interpret", album="Unbekanntes Album (03.11.2020 13:23:45)"
        )
    assert [(one.album_artist, one.album) for one in shelf.groups()] == [("Bo", "Rain"), ("Cy", "Hail")]


@pytest.mark.parametrize(
    "text",
    [
        "Rock",
        "rock & pop",
        "Hip-Hop",
        "R&B",
        "Drum & Bass",
        "Rock 'n' Roll",
        "Pop_Rock",
        "World Music",
        "Heavy Metal",
        "Джаз",
    ],
)
def test_a_kind_of_music_is_nobody(text: str) -> None:
    assert is_kind_of_music(text)
    assert sorts_music(text)


@pytest.mark.parametrize(
    "text",
    [
        "The Cult",
        "Pop Will Eat Itself",
        "Soul Asylum",
        "Collective Soul",
        "Rock Steady",
        "Classic",
        "Hip",
        "New Age Man",
        "",
    ],
)
def test_a_name_with_a_kind_of_music_in_it_is_a_name(text: str) -> None:
    assert not sorts_music(text)


@pytest.mark.parametrize(
    ("text", "sorts"), [("A", False), ("#", True), ("0-9", True), ("A-C", True), ("U2", False), ("嵐", False)]
)
def test_letters_sort_music(text: str, *, sorts: bool) -> None:
    assert (sorts_music(text), is_kind_of_music(text)) == (sorts, False)
