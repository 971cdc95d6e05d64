"""Albums of several discs, in each way people file them; what folders are called is for the tests of grouping."""

from __future__ import annotations

import pytest

from tests.scenarios.drops import Drop, Song, song, songs, untagged
from tests.scenarios.house import House
from tests.scenarios.play import Scenario, play

ONE, TWO = range(1, 4), range(1, 3)
NUMBERS = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
TWO_DISCS = ("staged Ada / Low Tide: 5 tracks on 2 discs",)
NAMES = (
    "AD/Ada/Low Tide/1-01 - Song 1.flac",
    "AD/Ada/Low Tide/1-02 - Song 2.flac",
    "AD/Ada/Low Tide/1-03 - Song 3.flac",
    "AD/Ada/Low Tide/2-01 - Song 1.flac",
    "AD/Ada/Low Tide/2-02 - Song 2.flac",
)


def _pair(first: str, second: str, **tags: str) -> Drop:
    return songs(first, "flac", ONE, **tags) | songs(second, "flac", TWO, **tags)


SCENARIOS = [
    Scenario("folders CD1 and CD2", _pair("Low Tide/CD1", "Low Tide/CD2"), TWO_DISCS, NAMES),
    Scenario("sibling folders", _pair("Low Tide (Disc 1)", "Low Tide (Disc 2)"), TWO_DISCS, NAMES),
    Scenario("sibling folders with a medium", _pair("Low Tide [CD1]", "Low Tide [CD2]"), TWO_DISCS, NAMES),
    Scenario("folders with the year behind", _pair("Ada.Low.Tide.CD1.2001", "Ada.Low.Tide.CD2.2001"), TWO_DISCS, NAMES),
    Scenario(
        "a bonus disc that says so in its album's tag",
        songs("Low Tide", "flac", ONE) | songs("Low Tide/Bonus Disc", "flac", TWO, album="Low Tide (Bonus Disc)"),
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "sides of a record in the names of the files",
        {
            f"Low Tide/{'AB'[d - 1]}{n}. Song {n}.flac": song(artist="Ada", album="Low Tide", title=f"Song {n}")
            for d, n in NUMBERS
        },
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "a single, whose sides are called by their letters",
        {
            f"Low Tide/{n}. Song 1.flac": Song({"artist": "Ada", "album": "Low Tide", "track": n, "title": "Song 1"})
            for n in ("A", "B")
        },
        ("staged Ada / Low Tide: 2 tracks on 2 discs",),
        (NAMES[0], NAMES[3]),
    ),
    Scenario(
        "tags that call every disc the first",
        {f"Low Tide/{d}-{n:02}.flac": song(n, artist="Ada", album="Low Tide", disc="1/1") for d, n in NUMBERS},
        TWO_DISCS,
        NAMES,
        frozenset({"track_numbers_repeat"}),
    ),
    Scenario(
        "disc and track in one number",
        untagged("Ada - Low Tide", "flac", "101 Song 1", "102 Song 2", "103 Song 3", "201 Song 1", "202 Song 2"),
        TWO_DISCS,
        NAMES,
        frozenset({"missing_tags", "artist_from_folder"}),
    ),
    Scenario("disc folders straight in inbound", _pair("CD1", "CD2"), TWO_DISCS, NAMES),
    Scenario(
        "the disc in the tags alone",
        {f"Low Tide/{d}{n:02}.flac": song(n, artist="Ada", album="Low Tide", disc=d) for d, n in NUMBERS},
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "the disc in the album's tag",
        songs("a", "flac", ONE, album="Low Tide (Disc 1)") | songs("b", "flac", TWO, album="Low Tide (Disc 2)"),
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "the disc in the names of untagged files",
        untagged("Ada - Low Tide", "flac", "1-01 Song 1", "1-02 Song 2", "1-03 Song 3", "2-01 Song 1", "2-02 Song 2"),
        TWO_DISCS,
        NAMES,
        frozenset({"missing_tags", "artist_from_folder"}),
    ),
    Scenario(
        "media as Lidarr calls them",
        songs("Low Tide/Hybrid SACD 01", "flac", ONE) | songs("Low Tide/DVD-Audio 02", "flac", TWO),
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "a disc of another medium, which is the first of its kind",
        songs("Low Tide/CD 1", "flac", ONE)
        | {f"Low Tide/DVD 1/{n}.flac": song(n, f"Film {n}", artist="Ada", album="Low Tide") for n in TWO},
        TWO_DISCS,
        (*NAMES[:3], "AD/Ada/Low Tide/2-01 - Film 1.flac", "AD/Ada/Low Tide/2-02 - Film 2.flac"),
    ),
    Scenario(
        "the layers of a disc, which hold the same songs",
        songs("Low Tide/CD 1", "flac", TWO) | songs("Low Tide/SACD 1", "flac", TWO, comment="SACD"),
        ("staged Ada / Low Tide: 2 tracks",) * 2,
        tuple(f"AD/Ada/{folder}/{n:02} - Song {n}.flac" for folder in ("Low Tide", "Low Tide [2]") for n in TWO),
        frozenset({"same_album_elsewhere"}),
    ),
    Scenario(
        "the disc behind the album in the names of untagged files",
        untagged("Ada - Low Tide", "flac", *(f"Ada - Low Tide CD {d} - {n:02} - Song {n}" for d, n in NUMBERS)),
        TWO_DISCS,
        NAMES,
        frozenset({"missing_tags", "artist_from_folder"}),
    ),
    Scenario(
        "discs that MusicBrainz had as a release each",
        {
            f"Low Tide (disc {d})/{n}.flac": song(
                n,
                artist="Ada",
                album=f"Low Tide (disc {d})",
                mb={"release_id": f"{d}" * 8 + "-1111-4111-8111-111111111111"},
            )
            for d, n in NUMBERS
        },
        TWO_DISCS,
        NAMES,
    ),
    Scenario(
        "discs that were found as two editions",
        {
            f"Low Tide/CD{d}/{n}.flac": song(
                n,
                artist="Ada",
                album="Low Tide",
                disc=f"{d}/2",
                mb={"release_id": f"{d}" * 8 + "-1111-4111-8111-111111111111"},
            )
            for d, n in NUMBERS
        },
        TWO_DISCS,
        NAMES,
        frozenset({"release_ids_differ", "disc_folders_merged"}),
    ),
    Scenario(
        "a box of three levels",
        _pair("The Box/Low Tide/CD1", "The Box/Low Tide/CD2")
        | songs("The Box/High Tide/CD1", "flac", ONE, album="High Tide")
        | songs("The Box/High Tide/CD2", "flac", ONE, album="High Tide"),
        (*TWO_DISCS, "staged Ada / High Tide: 6 tracks on 2 discs"),
    ),
    Scenario("a bonus disc", _pair("Low Tide/CD1", "Low Tide/Bonus CD"), TWO_DISCS, NAMES),
    Scenario("a bonus disc beside the album's own tracks", _pair("Low Tide", "Low Tide/Bonus Disc"), TWO_DISCS, NAMES),
    Scenario(
        "a second disc alone",
        songs("Low Tide/CD2", "flac", TWO, disc="2/2"),
        ("staged Ada / Low Tide: 2 tracks",),
        NAMES[3:],
        frozenset({"tracks_missing"}),
    ),
    Scenario(
        "track numbers that run on over the discs",
        songs("Low Tide/CD1", "flac", range(1, 4)) | songs("Low Tide/CD2", "flac", range(4, 6)),
        TWO_DISCS,
    ),
    Scenario(
        "thirteen discs",
        {k: v for d in range(1, 14) for k, v in songs(f"Low Tide/CD{d}", "mp3", range(1, 2)).items()},
        ("staged Ada / Low Tide: 13 tracks on 13 discs",),
        tuple(f"AD/Ada/Low Tide/{d:02}-01 - Song 1.mp3" for d in range(1, 14)),
    ),
    Scenario(
        "the works of a composer",
        {k: v for d in (1, 50, 51, 222) for k, v in songs(f"Low Tide/CD{d:03}", "mp3", range(1, 2)).items()},
        ("staged Ada / Low Tide: 4 tracks on 4 discs",),
        tuple(f"AD/Ada/Low Tide/{d:03}-01 - Song 1.mp3" for d in (1, 50, 51, 222)),
        frozenset({"tracks_missing"}),
    ),
    Scenario(
        "volumes that are albums of their own",
        songs("Hits/Volume 1", "mp3", ONE, album="Hits, Vol. 1")
        | songs("Hits/Volume 2", "mp3", ONE, album="Hits, Vol. 2"),
        ("staged Ada / Hits, Vol. 1: 3 tracks", "staged Ada / Hits, Vol. 2: 3 tracks"),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_discs_come_together(house: House, scenario: Scenario) -> None:
    play(house, scenario)
