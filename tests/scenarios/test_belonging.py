"""Which files are one album: compilations, misspellings, twins, one album in many folders, many in one, loose songs."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.scenarios.drops import FOLDER, JPEG, Drop, song, songs, untagged
from tests.scenarios.house import House
from tests.scenarios.play import Scenario, play

THREE = range(1, 4)
LOW_TIDE = "staged Ada / Low Tide: 3 tracks"
PILE_COVER: Drop = {"pile/cover.jpg": JPEG}
BANDS = ("Ada", "Bo", "Cy", "Di", "Ed")
NFC, NFD = (unicodedata.normalize(form, "Björk Ångström") for form in ("NFC", "NFD"))


def _various(folder: str, **tags: Any) -> Drop:
    return {f"{folder}/{n:02}.mp3": song(n, artist=band, album="Hits", **tags) for n, band in enumerate(BANDS, 1)}


COMPILATIONS = [
    Scenario(
        "a compilation by its flag",
        _various("Hits", compilation=True),
        ("staged Various Artists / Hits: 5 tracks",),
        codes=frozenset({"compilation_by_rule"}),
    ),
    Scenario(
        "a compilation by its album artist",
        _various("Hits", album_artist="Various Artists"),
        ("staged Various Artists / Hits: 5 tracks",),
        tuple(f"VA/Various Artists/Hits/{n:02} - Song {n}.mp3" for n in range(1, 6)),
    ),
    Scenario("VA for Various Artists", _various("H", album_artist="VA"), ("staged Various Artists / Hits: 5 tracks",)),
    Scenario("a compilation by its many artists", _various("Hits"), ("staged Various Artists / Hits: 5 tracks",)),
    Scenario(
        "an album of two artists",
        songs("Low Tide", "flac", THREE, artist=["Ada", "Bo"], album_artist=["Ada", "Bo"]),
        ("staged Ada; Bo / Low Tide: 3 tracks",),
        tuple(f"AB/Ada; Bo/Low Tide/{n:02} - Song {n}.flac" for n in THREE),
    ),
    Scenario(
        "guests on one song",
        songs("Low Tide", "flac", range(1, 5)) | songs("Low Tide", "flac", range(5, 6), artist="Ada feat. Bo"),
        ("staged Ada / Low Tide: 5 tracks",),
    ),
]

SPELLINGS = [
    Scenario(
        "a misspelt album",
        songs("a", "mp3", range(1, 6), album="Harbour Lights") | songs("a", "mp3", range(6, 7), album="Harbor Lights"),
        ("staged Ada / Harbour Lights: 6 tracks",),
        codes=frozenset({"spelling_folded"}),
    ),
    Scenario(
        "case and spaces",
        songs("a", "mp3", range(1, 3)) | songs("a", "mp3", THREE[2:], album="low  TIDE "),
        (LOW_TIDE,),
    ),
    Scenario(
        "composed and decomposed letters in tags",
        songs("a", "mp3", range(1, 3), artist=NFC) | songs("a", "mp3", range(3, 4), artist=NFD),
        (f"staged {NFC} / Low Tide: 3 tracks",),
    ),
    Scenario(
        "composed and decomposed folders of one album",
        {f"{NFC}/1.mp3": song(1, artist=NFC, album="Low"), f"{NFD}/2.mp3": song(2, artist=NFC, album="Low")},
        (f"staged {NFC} / Low: 2 tracks",),
    ),
    Scenario(
        "two spellings of one artist over two albums share one folder",
        songs("a", "mp3", range(1, 2), artist="The Lamps") | songs("b", "mp3", THREE, artist="the lamps", album="Tin"),
        ("staged The Lamps / Low Tide: 1 track", "staged the lamps / Tin: 3 tracks"),
        (
            "LA/The Lamps/Low Tide/01 - Song 1.mp3",
            "LA/The Lamps/Tin/01 - Song 1.mp3",
            "LA/The Lamps/Tin/02 - Song 2.mp3",
            "LA/The Lamps/Tin/03 - Song 3.mp3",
        ),
    ),
]

FOLDERS = [
    Scenario(
        "case twins that fit together",
        songs("Low Tide", "flac", range(1, 3)) | songs("low tide", "flac", range(3, 4)),
        (LOW_TIDE,),
        codes=frozenset({"folders_merged"}),
    ),
    Scenario(
        "one album over two folders",
        songs("first half", "flac", range(1, 3)) | songs("x/second half", "flac", range(3, 5)),
        ("staged Ada / Low Tide: 4 tracks",),
    ),
    Scenario(
        "one album twice, in other rips",
        songs("a", "flac", THREE) | songs("b", "mp3", THREE),
        (LOW_TIDE, LOW_TIDE),
        tuple(f"AD/Ada/Low Tide/{n:02} - Song {n}.flac" for n in THREE)
        + tuple(f"AD/Ada/Low Tide [2]/{n:02} - Song {n}.mp3" for n in THREE),
        frozenset({"same_album_elsewhere", "numbered"}),
    ),
    Scenario(
        "one album twice, once without its last song",
        songs("a", "flac", THREE) | songs("b", "flac", range(1, 3)),
        ("duplicate Ada / Low Tide: 2 tracks", LOW_TIDE),
        codes=frozenset({"same_content"}),
    ),
    Scenario(
        "one album twice, first without its last song",
        songs("a", "flac", range(1, 3)) | songs("b", "flac", THREE),
        ("duplicate Ada / Low Tide: 2 tracks", LOW_TIDE),
        codes=frozenset({"same_content"}),
    ),
    Scenario(
        "formats mixed in one album", songs("a", "flac", range(1, 3)) | songs("a", "mp3", range(3, 4)), (LOW_TIDE,)
    ),
    Scenario(
        "two albums and one cover in a folder",
        songs("pile/l", "mp3", THREE) | songs("pile/h", "mp3", THREE, album="High") | PILE_COVER,
        (LOW_TIDE, "staged Ada / High: 3 tracks"),
        ignored={"pile/cover.jpg": "no_album"},
    ),
    Scenario(
        "two albums and one cover among one another",
        PILE_COVER
        | {f"pile/{name} {n}.mp3": song(n, artist="Ada", album=name) for name in ("High", "Low") for n in THREE},
        ("staged Ada / High: 3 tracks", "staged Ada / Low: 3 tracks"),
        ignored={"pile/cover.jpg": "no_album"},
    ),
    Scenario(
        "two bands with one title",
        songs("Queen", "mp3", THREE, artist="Queen", album="Greatest Hits")
        | songs("Abba", "mp3", THREE, artist="Abba", album="Greatest Hits"),
        ("staged Abba / Greatest Hits: 3 tracks", "staged Queen / Greatest Hits: 3 tracks"),
    ),
    Scenario(
        "two years of one album are one, by majority",
        songs("a", "mp3", range(1, 3), date="1999") | songs("a", "mp3", range(3, 4), date="2004"),
        ("staged Ada / Low Tide (1999): 3 tracks",),
        codes=frozenset({"years_differ"}),
    ),
    Scenario(
        "two albums whose names are safe in one way only",
        songs("a", "mp3", range(1, 2), album="What/Now") | songs("b", "mp3", range(1, 2), album="What\\Now"),
        ("staged Ada / What/Now: 1 track", "staged Ada / What\\Now: 1 track"),
        ("AD/Ada/What+Now/01 - Song 1.mp3", "AD/Ada/What+Now [2]/01 - Song 1.mp3"),
    ),
    Scenario("ten folders deep", songs("a/b/c/d/e/f/g/h/i/j", "mp3", THREE), (LOW_TIDE,)),
    Scenario("empty folders", {"a": FOLDER, "b/c": FOLDER, "b/d": FOLDER}, ()),
    Scenario("three hundred songs", songs("a", "mp3", range(1, 301)), ("staged Ada / Low Tide: 300 tracks",)),
]

NO_TAGS = [
    Scenario(
        "loose songs in the root with tags",
        songs("", "mp3", THREE) | songs("", "flac", range(1, 3), album="High"),
        (LOW_TIDE, "staged Ada / High: 2 tracks"),
    ),
    Scenario(
        "loose songs in the root without tags",
        untagged("", "wav", "one", "two"),
        ("needs_review None / None: 1 track", "needs_review None / None: 1 track"),
        (),
        frozenset({"no_usable_metadata"}),
    ),
    Scenario(
        "no tags, but names",
        untagged("Bo - Tin Roof (1999) [FLAC]", "flac", "01 - Rain", "02 - Hail"),
        ("staged Bo / Tin Roof (1999): 2 tracks",),
        ("BO/Bo/1999 - Tin Roof/01 - Rain.flac", "BO/Bo/1999 - Tin Roof/02 - Hail.flac"),
        frozenset({"missing_tags", "artist_from_folder", "names_from_folder"}),
    ),
    Scenario(
        "no tags, but names whose sense the folders above tell",
        untagged("Ada/Tin Roof - 1999", "flac", "01 - Rain", "02 - Hail")
        | untagged("Ada/High Tide - 2001", "flac", "01 - Sleet")
        | untagged("stuff/Prince - 1999", "flac", "01 - Dew")
        | untagged("Di/Ebb - EP", "flac", "01 - Ice")
        | untagged("Rock/Low Tide (2001)", "flac", "01 - Fog", "02 - Mist")
        | untagged("Cy/Stories 1 - Dawn", "mp3", "01 - Sun")
        | untagged("Cy/Stories 2 - Dusk", "mp3", "01 - Moon"),
        (
            "staged Ada / Tin Roof (1999): 2 tracks",
            "staged Ada / High Tide (2001): 1 track",
            "needs_review None / Prince - 1999: 1 track",
            "staged Di / Ebb - EP: 1 track",
            "needs_review None / Low Tide (2001): 2 tracks",
            "staged Cy / Stories 1 - Dawn: 1 track",
            "staged Cy / Stories 2 - Dusk: 1 track",
        ),
        codes=frozenset({"artist_from_folder", "no_artist"}),
    ),
    Scenario(
        "neither tags nor names",
        untagged("New Folder", "mp3", "track01", "track02"),
        ("needs_review None / None: 2 tracks",),
        (),
        frozenset({"no_usable_metadata"}),
    ),
    Scenario(
        "an album without an artist",
        {f"stuff/{n}.mp3": song(n, album="Tin Roof") for n in THREE},
        ("needs_review None / Tin Roof: 3 tracks",),
        (),
        frozenset({"no_artist"}),
    ),
    Scenario(
        "some songs lost their tags",
        songs("a", "mp3", range(1, 6)) | untagged("a", "mp3", "06 - Song 6"),
        ("staged Ada / Low Tide: 6 tracks",),
        codes=frozenset({"strays_joined"}),
    ),
]


@pytest.mark.parametrize(
    "scenario", [*COMPILATIONS, *SPELLINGS, *FOLDERS, *NO_TAGS], ids=lambda scenario: scenario.name
)
def test_files_that_belong_together_become_one_album(house: House, scenario: Scenario) -> None:
    play(house, scenario)
