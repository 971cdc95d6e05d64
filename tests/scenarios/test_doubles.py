"""An album in whose folder a file lies twice → staged with each track once; the copy stays in inbound and says why."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from tests.scenarios.drops import JPEG, Drop, Song, song, songs, untagged
from tests.scenarios.house import House, lines
from tests.scenarios.publishing import add_library, approve, publish
from workflow.operations.undo import undo

KEY, FOLDER = "album:ada/low tide", "AD/Ada/Low Tide"
FOUR = range(1, 5)
STAGED = ["staged Ada / Low Tide: 4 tracks"]
THIRD = song(3, artist="Ada", album="Low Tide")
COPIES = ("03 - Song 3 (1).flac", "03 - Song 3 - Kopie.flac", "Copy of 03 - Song 3.flac")
ALBUM: Drop = songs("a", "flac", FOUR) | {f"a/{name}": THIRD for name in COPIES}
TRACKS = [f"{FOLDER}/{n:02} - Song {n}.flac" for n in FOUR]


def left(house: House) -> list[str]:
    """What is in inbound, without what marks it as a root."""
    files = (str(path.relative_to(house.inbound)) for path in house.inbound.rglob("*") if path.is_file())
    return sorted(path for path in files if path != ".greenroom-root")


def test_copies_of_a_track_beside_it_stay_in_inbound_and_the_album_is_staged_without_them(any_house: House) -> None:
    house = any_house
    house.drop(ALBUM)
    assert house.cycle() == STAGED
    assert house.staged() == TRACKS
    assert left(house) == sorted(f"a/{name}" for name in COPIES)
    reasons = [reason for reason in house.albums()[0]["reasons"] if reason["code"] == "already_there"]
    assert {os.path.basename(reason["path"]) for reason in reasons} == set(COPIES)
    assert {reason["message"] for reason in reasons} == {
        "The same bytes came with the album as 03 - Song 3.flac; this copy was left where it is and can be removed."
    }
    item = house.items()[KEY]
    assert (item["track_count"], item["warnings"]) == (4, [])
    assert item["files"][2]["source"] == b"a/03 - Song 3.flac", "and not a copy of it"
    assert house.cycle() == ["duplicate Ada / Low Tide: 1 track"]
    assert "already_there" not in house.codes(), "whatever of them is said, all of them are copies"
    assert house.items() == {KEY: item}


def test_a_copy_of_a_track_of_a_compilation_makes_no_album_of_its_singer_later(house: House) -> None:
    """Alone it is no compilation any more, so its key is another one."""
    drop: Drop = {f"a/{n} Song {n}.flac": song(n, artist=f"Ada {n}", album="Low Tide") for n in FOUR}
    house.drop(drop | {"a/2 Song 2 (1).flac": drop["a/2 Song 2.flac"]})
    assert house.cycle() == ["staged Various Artists / Low Tide: 4 tracks"]
    assert [line.split()[0] for line in house.cycle()] == ["duplicate"]
    assert len(house.items()) == 1
    add_library(house)
    publish(house, approve(house)[0])
    assert [line.split()[0] for line in house.cycle()] == ["duplicate"]


def test_copies_of_files_without_tags_stay_too_whatever_number_their_names_say(house: House) -> None:
    names = {"01 - Salt": 1, "02 - Foam": 2, "02 - Foam (1)": 2, "Copy of 01 - Salt": 1}
    made = {n: Song({"comment": str(n)}) for n in (1, 2)}
    house.drop({f"Ada - Low Tide/{name}.flac": made[n] for name, n in names.items()})
    assert house.cycle() == ["staged Ada / Low Tide: 2 tracks"]
    assert house.staged() == [f"{FOLDER}/01 - Salt.flac", f"{FOLDER}/02 - Foam.flac"]
    assert [line.split()[0] for line in house.cycle()] == ["duplicate"]


def test_tracks_with_numbers_of_their_own_are_all_staged_though_they_are_the_same_silence(house: House) -> None:
    house.drop(untagged("Ada - Low Tide", "flac", *(f"0{n} - Silence{copy}" for n in FOUR for copy in ("", " (1)"))))
    house.drop(untagged("Ada - Ebb", "flac", "Rain", "Wind"))
    assert house.cycle() == ["staged Ada / Ebb: 2 tracks", "staged Ada / Low Tide: 4 tracks"]
    assert left(house) == [f"Ada - Low Tide/0{n} - Silence (1).flac" for n in FOUR]


def test_other_bytes_of_one_number_are_no_copy(house: House) -> None:
    other = song(3, artist="Ada", album="Low Tide", comment="live")
    house.drop(songs("a", "flac", FOUR, comment="take") | {"a/03 - Song 3 (1).flac": other})
    assert len({path.stat().st_size for path in (house.inbound / "a").glob("03*")}) == 1
    assert house.cycle() == ["staged Ada / Low Tide: 5 tracks"]
    assert [w["code"] for w in house.items()[KEY]["warnings"]] == ["track_numbers_repeat"]


def test_late_tracks_that_come_twice_join_once(house: House) -> None:
    house.drop(songs("a", "flac", range(1, 3)))
    house.cycle()
    house.drop({"b/03 - Song 3.flac": THIRD, "b/03 - Song 3 (1).flac": THIRD, "b/cover.jpg": JPEG})
    assert house.cycle() == ["staged Ada / Low Tide: 1 track"]
    assert house.items()[KEY]["track_count"] == 3
    assert left(house) == ["b/03 - Song 3 (1).flac"]


def test_a_better_album_with_a_copy_in_it_replaces_the_staged_one(house: House) -> None:
    house.change(replace="better")
    house.drop(songs("a", "mp3", FOUR))
    house.cycle()
    house.drop(ALBUM)
    assert lines(house.run()) == STAGED
    assert [path for path in house.staged() if path.startswith(FOLDER)] == TRACKS


def test_an_album_that_is_taken_back_lies_beside_the_copies_again(house: House) -> None:
    house.drop(ALBUM)
    before = left(house)
    house.cycle()
    run_id = house.report.run_id
    house.cycle()
    assert undo(house.database, run_id or "", dry_run=False, stop=threading.Event()).exit_code == 0
    assert left(house) == before
    assert [line.split()[0] for line in lines(house.run())] == ["needs_review"]


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_two_folders_with_the_same_album_and_copies_one_is_staged(house: House, first: str) -> None:
    house.drop({path.replace("a/", f"{first}/", 1): thing for path, thing in ALBUM.items()})
    house.drop(songs("c", "flac", FOUR))
    assert sorted(line.split()[0] for line in house.cycle()) == ["duplicate", "staged"]
    assert house.staged() == TRACKS


CONFLICTS = [
    "03 - Song 3.sync-conflict-20260101-120000-ABCDEFG.flac",
    "03 - Song 3 (conflicted copy 2026-01-01 120000).flac",
    "03 - Song 3 (Ada's conflicted copy 2026-01-01 (1)).flac",
    "03 - Song 3_conflict-20200101-120000.flac",
    "03 - Song 3 (SFConflict ada@example.org 2026-01-01-12-00-00).flac",
    "03 - Song 3_nas_Jan-01-1200-2026_Conflict.flac",
]


@pytest.mark.parametrize("name", CONFLICTS)
@pytest.mark.parametrize(
    "tags", [{"title": "Song 3, live"}, {"track": 5}, {"album": "Ebb"}], ids=["title", "number", "album"]
)
def test_what_a_sync_program_kept_beside_a_track_is_no_track(house: House, name: str, tags: dict[str, Any]) -> None:
    house.change(replace="better")
    other = song(**{"track": 3, "artist": "Ada", "album": "Low Tide", **tags})
    house.drop(songs("a", "flac", FOUR) | {f"a/{name}": other})
    house.drop({"a/cover.jpg": JPEG, "a/cover.sync-conflict-20260101-120000-ABCDEFG.jpg": JPEG + b" "})
    assert house.run(dry_run=True).ignored[0].code == "conflict_copy"
    report = house.run()
    assert lines(report) == STAGED
    assert [(reason.path, reason.code) for reason in report.ignored] == [(os.fsencode(f"a/{name}"), "conflict_copy")]
    assert [path for path in house.staged() if path.endswith("flac")] == TRACKS
    (line,) = house.cycle()
    assert line.startswith("needs_review")
    (reason,) = (reason for reason in house.albums()[0]["reasons"] if reason["code"] == "conflict_copy")
    assert "kept it beside 03 - Song 3.flac" in reason["message"]
    os.rename(house.inbound / "a" / name, house.inbound / "a" / "03 - Song 3.flac")
    assert not lines(house.run())[0].startswith("needs_review"), "it is music again"


def test_of_an_album_whose_track_is_there_as_a_conflict_copy_alone_that_is_the_track(house: House) -> None:
    drop = songs("a", "flac", FOUR)
    house.drop({path.replace("Song 3", "Song 3_conflict-20200101-120000"): thing for path, thing in drop.items()})
    assert house.cycle() == STAGED


def test_bytes_that_are_staged_are_a_duplicate_under_the_name_of_a_conflict_copy_too(house: House) -> None:
    house.drop(songs("a", "flac", FOUR) | {"a/03 - Song 3_conflict-20200101-120000.flac": THIRD})
    house.run()
    assert house.cycle() == ["duplicate Ada / Low Tide: 1 track"]
