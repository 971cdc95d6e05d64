"""What is no plain whole file: links, pipes, holes, halves, rubbish, files that somebody still writes or seeds."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.drops import FIFO, link, rights_bind, song, songs, sparse, unix_socket
from tests.scenarios.house import House, lines
from tests.scenarios.play import Scenario, play

TWO = range(1, 3)
TAKEN = ("staged Ada / Low Tide: 2 tracks",)
WAITING = ("waiting Ada / Low Tide: 2 tracks",)

LINKS = [
    Scenario(
        "links to files, folders, nothing, themselves and the world",
        songs("a", "flac", TWO)
        | {
            "a/03.flac": link("01 - Song 1.flac"),
            "a/up": link(".."),
            "a/loop": link("loop"),
            "a/nowhere": link("gone"),
            "a/passwd.flac": link("/etc/passwd"),
            "etc": link("/etc"),
        },
        TAKEN,
        ignored=dict.fromkeys(("a/03.flac", "a/up", "a/loop", "a/nowhere", "a/passwd.flac", "etc"), "link"),
    ),
    Scenario(
        "pipes and sockets",
        songs("a", "flac", TWO) | {"a/03.flac": FIFO, "a/04.mp3": unix_socket},
        TAKEN,
        ignored={"a/03.flac": "not_a_regular_file", "a/04.mp3": "not_a_regular_file"},
    ),
]

BROKEN = [
    Scenario(
        "an empty file alone",
        {"Ada - Low (2001)/01 - Rain.mp3": b""},
        ("quarantined Ada / Low (2001): 1 track",),
        (),
        frozenset({"no_readable_audio", "unreadable_file"}),
    ),
    Scenario(
        "rubbish alone",
        {"Ada - Low (2001)/01 - Rain.flac": b"this is no music\n" * 99},
        ("quarantined Ada / Low (2001): 1 track",),
        (),
        frozenset({"no_readable_audio", "unreadable_file"}),
    ),
    Scenario(
        "rubbish and an empty file among music",
        songs("a", "flac", TWO) | {"a/03.flac": b"rubbish" * 99, "a/04.flac": b""},
        ("staged Ada / Low Tide: 4 tracks",),
        codes=frozenset({"unreadable_file"}),
    ),
    Scenario(
        "half a song",
        songs("a", "wav", range(1, 2)) | {"a/02 - Song 2.flac": song(2, artist="Ada", album="Low Tide", keep=0.5)},
        TAKEN,
        codes=frozenset({"truncated"}),
    ),
    Scenario(
        "a promised file that was not filled",
        songs("a", "flac", range(1, 2)) | {"a/02.flac": sparse(1 << 34)},
        WAITING,
        (),
        frozenset({"sparse_file"}),
    ),
    Scenario(
        "names of downloads that go on",
        songs("a", "flac", TWO) | {"a/03.flac.part": b"half", "b/x.crdownload": b"half"},
        WAITING,
        (),
        frozenset({"partial_download"}),
        {"a/03.flac.part": "partial_download", "b/x.crdownload": "partial_download"},
    ),
    Scenario(
        "a control file beside a download",
        songs("a", "flac", TWO) | {"a/02 - Song 2.flac.aria2": b"half"},
        WAITING,
        (),
        frozenset({"temp_sibling"}),
        {"a/02 - Song 2.flac.aria2": "temp_sibling"},
    ),
]


@pytest.mark.parametrize("scenario", [*LINKS, *BROKEN], ids=lambda scenario: scenario.name)
def test_what_is_no_whole_file_is_left_alone_or_told(house: House, scenario: Scenario) -> None:
    play(house, scenario)


def test_the_reason_for_an_unreadable_file_says_what_was_found(house: House) -> None:
    house.drop({"Ada - Low/1.mp3": b"no music " * 99, "Ada - Low/2.mp3": b""})
    assert house.cycle() == ["quarantined Ada / Low: 2 tracks"]
    told = [reason["message"] for reason in house.albums()[0]["reasons"] if reason["code"] == "unreadable_file"]
    assert "none of the audio formats" in told[0]
    assert "no bytes" in told[1]


def test_a_file_that_a_program_is_writing_waits_until_the_program_has_ended(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    with writer(house.inbound / "a" / "02 - Song 2.flac"):
        house.report = house.run()
        assert lines(house.report) == list(WAITING)
        assert "open_for_writing" in house.codes()
    assert house.cycle() == list(TAKEN)


@contextlib.contextmanager
def writer(path: Path) -> Iterator[None]:
    """Hold a file open for writing in another process, without writing."""
    hold = "import sys; file = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        assert child.stdin is not None
        child.stdin.close()


def test_a_seeded_album_is_taken_and_its_other_links_keep_seeding(house: House, tmp_path: Path) -> None:
    house.drop(songs("a", "flac", TWO))
    seeds = tmp_path / "torrents"
    seeds.mkdir()
    for path in (house.inbound / "a").iterdir():
        os.link(path, seeds / path.name)
    before = {path: path.read_bytes() for path in seeds.iterdir()}
    assert house.cycle() == list(TAKEN)
    assert {path: path.read_bytes() for path in seeds.iterdir()} == before


def test_of_two_names_of_one_file_in_one_album_one_is_staged_and_the_other_stays(house: House) -> None:
    house.drop(songs("a", "flac", range(1, 2)))
    os.link(house.inbound / "a" / "01 - Song 1.flac", house.inbound / "a" / "01 - Song 1 again.flac")
    assert house.cycle() == ["staged Ada / Low Tide: 1 track"]
    assert (len(house.staged()), (house.inbound / "a" / "01 - Song 1 again.flac").exists()) == (1, True)


@pytest.mark.skipif(not rights_bind(), reason="root may do everything")
def test_an_album_with_a_closed_folder_waits(house: House) -> None:
    house.drop(songs("a", "flac", TWO) | songs("a/CD2", "flac", TWO))
    (house.inbound / "a/CD2").chmod(0)
    try:
        house.report = house.run()
        assert lines(house.report) == list(WAITING)
        assert house.ignored() == {"a/CD2": "unreadable_folder"}
    finally:
        (house.inbound / "a/CD2").chmod(0o755)


@pytest.mark.skipif(not rights_bind(), reason="root may do everything")
def test_nothing_moves_out_of_a_folder_that_may_not_be_changed(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    (house.inbound / "a").chmod(0o555)
    try:
        assert house.cycle() == ["failed Ada / Low Tide: 2 tracks"]
        assert "permission_denied" in house.codes()
    finally:
        (house.inbound / "a").chmod(0o755)


@pytest.mark.skipif(not rights_bind(), reason="root may do everything")
def test_a_closed_file_keeps_its_album_here_and_every_refusal_says_where(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    closed = house.inbound / "a/02 - Song 2.flac"
    closed.chmod(0)
    try:
        house.report = house.run()
        (album,) = house.albums()
        assert (album["outcome"], album["reasons"][0]["code"]) == ("failed", "permission_denied")
        assert album["reasons"][0]["path"] == str(closed)
    finally:
        closed.chmod(0o644)
