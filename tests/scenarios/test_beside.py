"""What lies beside the music comes along: pictures, cue sheets, lyrics, playlists, logs; what nobody owns stays."""

from __future__ import annotations

import os

import pytest

from tests.scenarios.drops import JPEG, Drop, Song, link, song, songs, untagged
from tests.scenarios.house import House
from tests.scenarios.play import Scenario, play
from tests.scenarios.test_fsck import look

TWO = range(1, 3)
TAKEN = ("staged Ada / Low Tide: 2 tracks",)
MUSIC = ("AD/Ada/Low Tide/01 - Song 1.flac", "AD/Ada/Low Tide/02 - Song 2.flac")
CUE = b'FILE "Ada - Low Tide.flac" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n  TRACK 02 AUDIO\n'
NAMED = b'REM DATE 1997\r\nPERFORMER "Ada"\r\nTITLE "Low Tide"\r\n' + CUE.replace(
    b"Ada - Low Tide.flac", b"CDImage.wav"
)

SCENARIOS = [
    Scenario(
        "pictures in folders of their own",
        songs("a", "flac", TWO)
        | {"a/cover.jpg": JPEG, "a/Scans/front.jpg": JPEG + b"1", "a/Artwork/Booklet/page 1.png": JPEG + b"2"},
        TAKEN,
        (
            *MUSIC,
            "AD/Ada/Low Tide/Artwork/Booklet/page 1.png",
            "AD/Ada/Low Tide/Scans/front.jpg",
            "AD/Ada/Low Tide/cover.jpg",
        ),
    ),
    Scenario(
        "lyrics beside each song take its name",
        songs("a", "flac", TWO) | {"a/01 - Song 1.lrc": b"[00:01] la", "a/02 - Song 2.en.lrc": b"[00:01] lo"},
        TAKEN,
        (*MUSIC, "AD/Ada/Low Tide/01 - Song 1.lrc", "AD/Ada/Low Tide/02 - Song 2.en.lrc"),
    ),
    Scenario(
        "playlist, log, checksums, notes and a film",
        songs("a", "flac", TWO)
        | {
            f"a/{name}": name.encode() for name in ("list.m3u8", "rip.log", "a.md5", "info.nfo", "read me.txt", "a.mkv")
        },
        TAKEN,
        (
            *MUSIC,
            *(
                f"AD/Ada/Low Tide/{name}"
                for name in ("list.m3u8", "rip.log", "a.md5", "info.nfo", "read me.txt", "a.mkv")
            ),
        ),
    ),
    Scenario(
        "one long file with a cue sheet keeps its name",
        {
            "Ada - Low Tide/Ada - Low Tide.flac": song(artist="Ada", album="Low Tide", title="Low Tide"),
            "Ada - Low Tide/Ada - Low Tide.cue": CUE,
        },
        ("staged Ada / Low Tide: 1 track",),
        ("AD/Ada/Low Tide/Ada - Low Tide.cue", "AD/Ada/Low Tide/Ada - Low Tide.flac"),
        frozenset({"image_and_cue"}),
    ),
    Scenario(
        "one long file without tags is what its cue sheet says",
        untagged("New Folder", "flac", "CDImage") | {"New Folder/rip.cue": NAMED},
        ("staged Ada / Low Tide (1997): 1 track",),
        ("AD/Ada/1997 - Low Tide/CDImage.flac", "AD/Ada/1997 - Low Tide/rip.cue"),
        frozenset({"image_and_cue", "names_from_cue"}),
    ),
    Scenario(
        "long files of two discs, each with its cue sheet",
        untagged("New Folder", "flac", "CDImage", "CDImage2")
        | {
            "New Folder/1.cue": NAMED.replace(b'Tide"', b'Tide (Disc 1)"'),
            "New Folder/2.cue": NAMED.replace(b'Tide"', b'Tide (Disc 2)"').replace(b"Image", b"Image2"),
        },
        ("staged Ada / Low Tide (1997): 2 tracks on 2 discs",),
        (*(f"AD/Ada/1997 - Low Tide/{name}" for name in ("1.cue", "2.cue", "CDImage.flac", "CDImage2.flac")),),
        frozenset({"image_and_cue", "names_from_cue"}),
    ),
    Scenario(
        "long files of two albums in one folder, each with its cue sheet",
        untagged("New Folder", "flac", "CDImage", "High")
        | {
            "New Folder/CDImage.cue": NAMED,
            "New Folder/High.cue": NAMED.replace(b"Low Tide", b"High").replace(b"CDImage", b"High"),
        },
        ("staged Ada / High (1997): 1 track", "staged Ada / Low Tide (1997): 1 track"),
    ),
    Scenario(
        "a cue sheet beside single songs, which says something else",
        songs("a", "flac", TWO) | {"a/rip.cue": NAMED.replace(b"Low Tide", b"High")},
        TAKEN,
        (*MUSIC, "AD/Ada/Low Tide/rip.cue"),
    ),
    Scenario(
        "what is called a cue sheet and is none",
        untagged("Bo - Tin Roof", "flac", "CDImage")
        | {
            "rip": NAMED,
            "Bo - Tin Roof/a.cue": link("../rip"),
            "Bo - Tin Roof/b.cue/x": b"y",
            "Bo - Tin Roof/c.cue": os.mkfifo,
        },
        ("staged Bo / Tin Roof: 1 track",),
        codes=frozenset({"names_from_folder"}),
        ignored={"rip": "no_album", "Bo - Tin Roof/a.cue": "link", "Bo - Tin Roof/c.cue": "not_a_regular_file"},
    ),
    Scenario(
        "side files of disc folders stay with their disc",
        songs("a/CD1", "flac", TWO)
        | songs("a/CD2", "flac", TWO)
        | {"a/CD1/rip.log": b"1", "a/CD2/rip.log": b"2", "a/cover.jpg": JPEG},
        ("staged Ada / Low Tide: 4 tracks on 2 discs",),
        (
            *(f"AD/Ada/Low Tide/{disc}-{n:02} - Song {n}.flac" for disc in TWO for n in TWO),
            "AD/Ada/Low Tide/CD1/rip.log",
            "AD/Ada/Low Tide/CD2/rip.log",
            "AD/Ada/Low Tide/cover.jpg",
        ),
    ),
    Scenario(
        "what lies above a folder of a format",
        songs("Ada - Low Tide/FLAC", "flac", TWO)
        | {"Ada - Low Tide/cover.jpg": JPEG, "Ada - Low Tide/Scans/cover.jpg": JPEG + b"2"},
        TAKEN,
        (*MUSIC, "AD/Ada/Low Tide/Scans/cover.jpg", "AD/Ada/Low Tide/cover.jpg"),
    ),
    Scenario(
        "side files of a bonus disc that lies beside its album",
        songs("Ada/Low Tide", "flac", TWO)
        | songs("Ada/Low Tide [Bonus Disc]", "flac", TWO, album="Low Tide [Bonus Disc]")
        | {"Ada/Low Tide/rip.log": b"1", "Ada/Low Tide [Bonus Disc]/rip.log": b"2"},
        ("staged Ada / Low Tide: 4 tracks on 2 discs",),
        (
            *(f"AD/Ada/Low Tide/{disc}-{n:02} - Song {n}.flac" for disc in TWO for n in TWO),
            "AD/Ada/Low Tide/Low Tide [Bonus Disc]/rip.log",
            "AD/Ada/Low Tide/rip.log",
        ),
    ),
    Scenario(
        "files without any album",
        {"notes.txt": b"buy milk", "pictures/holiday.jpg": JPEG},
        (),
        (),
        ignored={"notes.txt": "no_album", "pictures/holiday.jpg": "no_album"},
    ),
    Scenario(
        "an album that is packed, and one nobody can read",
        {
            "a.zip": b"PK",
            "show/a.rar": b"Rar!",
            "show/a.r00": b"..",
            "show/d1t01.shn": b"ajkg",
            "book/Book.AAX": b"ftypaax",
            "film/score.thd": b"..",
        },
        (),
        (),
        ignored={
            "a.zip": "packed",
            "book/Book.AAX": "unread_format",
            "film/score.thd": "unread_format",
            "show/a.r00": "packed",
            "show/a.rar": "packed",
            "show/d1t01.shn": "unread_format",
        },
    ),
    Scenario(
        "what other programs left behind",
        songs("a", "flac", TWO)
        | {"a/.DS_Store": b"x", "a/Thumbs.db": b"x", "a/._01 - Song 1.flac": b"x", ".hidden": b"x"},
        TAKEN,
        MUSIC,
        ignored={"a/.DS_Store": "junk", "a/Thumbs.db": "junk", "a/._01 - Song 1.flac": "junk", ".hidden": "hidden"},
    ),
    Scenario(
        "what an ignore file says",
        songs("a", "flac", TWO) | {"a/bad.mp3": song(3), "a/.greenroomignore": b"bad.*\n"},
        TAKEN,
        MUSIC,
        ignored={"a/.greenroomignore": "own_file", "a/bad.mp3": "ignored_by_pattern"},
    ),
    Scenario(
        "a sidecar of an album that was staged elsewhere",
        songs("a", "flac", TWO) | {"a/album.greenroom.json": b"{}"},
        TAKEN,
        MUSIC,
        ignored={"a/album.greenroom.json": "own_file"},
    ),
    Scenario(
        "two files of one name after cleaning",
        songs("a", "flac", TWO) | {"a/what?.txt": b"1", "a/what!.txt": b"2", "a/WHAT!.TXT": b"3"},
        TAKEN,
        (
            *MUSIC,
            "AD/Ada/Low Tide/WHAT!.TXT",
            "AD/Ada/Low Tide/what! [2].txt",
            "AD/Ada/Low Tide/what! [3].txt",
        ),
    ),
    Scenario(
        "songs of one disc and number",
        {
            f"a/{word}.flac": Song({"artist": "Ada", "album": "Low", "track": "1", "title": "Same", "comment": word})
            for word in ("x", "y")
        },
        ("staged Ada / Low: 2 tracks",),
        ("AD/Ada/Low/01 - Same [2].flac", "AD/Ada/Low/01 - Same.flac"),
        frozenset({"track_numbers_repeat"}),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_lies_beside_the_music_comes_along(house: House, scenario: Scenario) -> None:
    play(house, scenario)


def test_an_image_is_called_anew_when_its_cue_sheet_says_another_album(house: House) -> None:
    house.drop(untagged("New Folder", "flac", "CDImage") | {"New Folder/rip.cue": NAMED})
    house.run(dry_run=True)
    (house.inbound / "New Folder" / "rip.cue").write_bytes(NAMED.replace(b"Low Tide", b"Ebb Tide"))
    assert house.cycle(rehearsed=False) == ["staged Ada / Ebb Tide (1997): 1 track"]


def test_an_image_that_lost_its_cue_sheet_has_no_name_any_more(house: House) -> None:
    house.drop(untagged("New Folder", "flac", "CDImage") | {"New Folder/rip.cue": NAMED})
    house.run(dry_run=True)
    (house.inbound / "New Folder" / "rip.cue").unlink()
    assert house.cycle(rehearsed=False) == ["needs_review None / None: 1 track"]


def test_sidecars_of_albums_that_come_back_as_discs_mark_no_album_within_the_album(house: House) -> None:
    discs = [songs(f"Low Tide/CD{n}", "flac", TWO, disc=f"{n}/2") for n in (1, 2)]
    sidecars: Drop = {f"Low Tide/CD{n}/album.greenroom.json": b"{%d" % n for n in (1, 2)}
    house.drop(discs[0] | discs[1] | sidecars)
    assert house.cycle() == ["staged Ada / Low Tide: 4 tracks on 2 discs"]
    assert set(house.ignored()) == sidecars.keys()
    assert [path.parent.name for path in house.staging.rglob("album.greenroom*")] == ["Low Tide"]
    assert look(house).findings == ()
