"""Names and tags that would like to be more than names: they end as harmless, readable folders and files."""

from __future__ import annotations

import os

import pytest

from tests.scenarios.drops import Drop, song, songs
from tests.scenarios.house import House
from tests.scenarios.play import Scenario, play

ONE = range(1, 2)
BACKWARDS = "\u202e3pm.exe"


def _tagged(**tags: str) -> Drop:
    return songs("a", "mp3", ONE, **tags)


TAGS = [
    Scenario(
        "climbing out of the tree",
        _tagged(artist="../../etc", album="../passwd", title="../../../root/.ssh/x"),
        ("staged ../../etc / ../passwd: 1 track",),
        ("ET/+..+etc/+passwd/01 - +..+..+root+.ssh+x.mp3",),
    ),
    Scenario("dots alone", _tagged(artist="..", album="."), ("staged .. / .: 1 track",), ("_5e/_/_/01 - Song 1.mp3",)),
    Scenario(
        "device names",
        _tagged(artist="CON", album="aux.flac", title="NUL"),
        ("staged CON / aux.flac: 1 track",),
        ("CO/CON_/aux_.flac/01 - NUL_.mp3",),
    ),
    Scenario(
        "a title of four thousand characters",
        _tagged(title="long " * 800),
        ("staged Ada / Low Tide: 1 track",),
    ),
    Scenario(
        "an album of eight thousand bytes, of which half are kept",
        _tagged(album="é" * 4000),
        (f"staged Ada / {'é' * 2048}: 1 track",),
    ),
    Scenario(
        "lines, bells and colours",
        _tagged(artist="A\nB", album="red \x1b[31m tide", title="\a\b"),
        ("staged A B / red [31m tide: 1 track",),
        ("B/A B/red [31m tide/01 - Song 1.mp3",),
    ),
    Scenario(
        "letters that run backwards",
        _tagged(album=BACKWARDS),
        ("staged Ada / 3pm.exe: 1 track",),
        ("AD/Ada/3pm.exe/01 - Song 1.mp3",),
    ),
    Scenario(
        "dots and spaces at the end",
        _tagged(artist="Ada. . ", album="Low Tide..."),
        ("staged Ada. . / Low Tide...: 1 track",),
        ("AD/Ada/Low Tide/01 - Song 1.mp3",),
    ),
    Scenario(
        "signs alone",
        _tagged(artist="!!!", album="???"),
        ("staged !!! / ???: 1 track",),
        ("_e8/!!!/？？？/01 - Song 1.mp3",),
    ),
    Scenario(
        "pictures", _tagged(artist="🎷", album="🌊🌊"), ("staged 🎷 / 🌊🌊: 1 track",), ("_8f/🎷/🌊🌊/01 - Song 1.mp3",)
    ),
    Scenario(
        "options of a command line",
        _tagged(artist="-rf", album="--help"),
        ("staged -rf / --help: 1 track",),
        ("RF/rf/help/01 - Song 1.mp3",),
    ),
    Scenario(
        "the program's own names",
        _tagged(artist=".greenroom-tx", album=".greenroom-root"),
        ("staged .greenroom-tx / .greenroom-root: 1 track",),
    ),
    Scenario(
        "folders called like a sidecar",
        _tagged(artist="album.greenroom.json", album="Album.Greenroom.json"),
        ("staged album.greenroom.json / Album.Greenroom.json: 1 track",),
        ("AL/album.greenroom.json_/Album.Greenroom.json_/01 - Song 1.mp3",),
    ),
]

NAMES = [
    Scenario(
        "names of 255 bytes",
        {f"{'d' * 255}/{'x' * 251}.mp3": song(1, artist="Ada", album="Low")},
        ("staged Ada / Low: 1 track",),
    ),
    Scenario(
        "names that are not UTF-8",
        {
            os.fsdecode(b"caf\xe9/\xff\xfe.mp3"): song(1, artist="Ada", album="Low"),
            os.fsdecode(b"caf\xe9/sc\xe8ne.jpg"): b"picture",
        },
        ("staged Ada / Low: 1 track",),
        ("AD/Ada/Low/01 - Song 1.mp3", "AD/Ada/Low/sc_ne.jpg"),
    ),
    Scenario(
        "untagged names that are not UTF-8",
        {os.fsdecode(b"Andr\xe9 - Caf\xe9/01 - Ao\xfbt.wav"): song()},
        (r"staged Andr\xe9 / Caf\xe9: 1 track",),
    ),
    Scenario(
        "names with lines and escapes",
        {"a\nb/01 \x1b[31m\t.mp3": song(1, artist="Ada", album="Low"), "a\nb/-rf": b"x", "a\nb/ ": b"y"},
        ("staged Ada / Low: 1 track",),
    ),
    Scenario(
        "names that Windows cannot hold",
        {"a. /CON.mp3": song(1, artist="Ada", album="Low"), "a. /aux": b"x", 'a. /a:b*"<|>.txt': b"y"},
        ("staged Ada / Low: 1 track",),
    ),
]


@pytest.mark.parametrize("scenario", [*TAGS, *NAMES], ids=lambda scenario: scenario.name)
def test_hostile_names_become_harmless(house: House, scenario: Scenario) -> None:
    play(house, scenario)
    for path in house.staged():
        assert not any(part in (".", "..") or part.startswith("-") for part in path.split("/"))
        assert all(len(part.encode()) < 250 and part.rstrip(" .") == part for part in path.split("/"))


def test_scripts_are_given_names_as_they_are(house: House) -> None:
    odd = "a\nb\u3000\x1bc/01\u202e.mp3"
    house.drop({odd: song(1, artist="Ada", album="Low")})
    house.cycle()
    assert [track["source"] for album in house.albums() for track in album["tracks"]] == [f"{house.inbound}/{odd}"]
