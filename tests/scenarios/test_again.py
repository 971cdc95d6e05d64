"""Albums that come a second time: the same, another one, one more disc, or the same after staging lost it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing

from tests.scenarios.drops import JPEG, Drop, song, songs
from tests.scenarios.house import House
from workflow.operations.undo import release, undo

THREE = range(1, 4)
ALBUM: Drop = songs("drop", "flac", THREE) | {"drop/cover.jpg": JPEG}
STAGED = ["staged Ada / Low Tide: 3 tracks"]
KEY = "album:ada/low tide"


def test_the_same_album_again_is_a_duplicate_and_stays_where_it_is(house: House) -> None:
    house.drop(ALBUM)
    assert house.cycle() == STAGED
    item = house.items()[KEY]
    house.drop({path.replace("drop", "again"): thing for path, thing in ALBUM.items()})
    assert house.cycle() == ["duplicate Ada / Low Tide: 3 tracks"]
    assert house.items() == {KEY: item}
    assert sorted(path.name for path in (house.inbound / "again").iterdir()) == [
        "01 - Song 1.flac",
        "02 - Song 2.flac",
        "03 - Song 3.flac",
        "cover.jpg",
    ]


def test_what_was_scanned_at_an_earlier_mount_is_staged_without_being_read_again(house: House) -> None:
    house.drop(ALBUM)
    house.run(dry_run=True)
    (scan,) = house.data.rglob("scan-*.db")
    with closing(sqlite3.connect(scan)) as sql, sql:  # btrfs, FUSE and the network have another number at each mount
        assert sql.execute("UPDATE file SET dev = dev + 1").rowcount == 4
    report = house.run()
    assert [(album.outcome, album.group.album) for album in report.albums] == [("staged", "Low Tide")]


def test_other_music_under_the_same_names_is_a_conflict(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    house.drop(songs("drop", "mp3", THREE))
    assert house.cycle() == ["conflict Ada / Low Tide: 3 tracks"]
    assert "target_differs" in house.codes()


def test_music_of_the_same_sizes_but_other_bytes_is_a_conflict(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    house.drop(ALBUM)
    last = house.inbound / "drop" / "02 - Song 2.flac"
    last.write_bytes(last.read_bytes()[:-1] + b"!")
    assert house.cycle() == ["conflict Ada / Low Tide: 3 tracks"]


def test_a_folder_that_nobody_registered_is_never_touched(house: House) -> None:
    mine = house.staging / "AD" / "Ada" / "Low Tide" / "01 - Song 1.flac"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"somebody put this here")
    house.drop(ALBUM)
    house.report = house.run()
    assert [album["outcome"] for album in house.albums()] == ["conflict"]
    assert mine.read_bytes() == b"somebody put this here"
    assert house.items() == {}


def test_an_album_that_was_taken_out_of_staging_is_staged_anew_with_the_next_revision(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    before = house.items()[KEY]
    shutil.rmtree(house.staging / "AD")
    house.drop(songs("drop", "flac", range(1, 5)))
    assert house.cycle() == ["staged Ada / Low Tide: 4 tracks"]
    after = house.items()[KEY]
    # one revision for having gone missing, one for the album that came
    assert (after["id"], after["revision"], after["track_count"]) == (before["id"], before["revision"] + 2, 4)


def test_the_very_same_album_staged_anew_keeps_its_revision_unless_something_differs(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    shutil.rmtree(house.staging / "AD")
    house.drop(ALBUM)
    assert house.cycle() == STAGED
    assert len(house.items()) == 1


def test_no_album_moves_into_the_folder_that_another_item_has_lost(house: House) -> None:
    house.drop(songs("drop", "flac", THREE, album="What?"))
    house.cycle()
    shutil.rmtree(house.staging / "AD")
    house.drop(songs("drop", "mp3", THREE, album="What?", mb={"release_id": "12345678-0000-4000-8000-000000000000"}))
    house.report = house.run()
    assert len({item["path"] for item in house.items().values()}) == len(house.items()) == 2
    assert house.codes() >= {"numbered"}


def test_a_second_disc_that_comes_later_joins_the_first(house: House) -> None:
    house.drop(songs("Low Tide/CD1", "flac", THREE, disc="1/2"))
    assert house.cycle() == STAGED
    house.drop(songs("Low Tide/CD2", "flac", THREE, disc="2/2"))
    assert house.cycle() == STAGED


def test_two_identical_copies_at_once_are_one_album_and_a_duplicate(house: House) -> None:
    house.drop(ALBUM | {path.replace("drop", "copy"): thing for path, thing in ALBUM.items()})
    assert house.cycle() == ["duplicate Ada / Low Tide: 3 tracks", *STAGED]


def test_a_copy_of_the_second_of_two_that_came_at_once_is_a_duplicate(house: House) -> None:
    """Its key said which folder it came from; that of a copy that comes alone does not."""
    house.drop(songs("a", "flac", THREE) | songs("b", "mp3", THREE))
    assert house.cycle() == STAGED * 2
    items = house.items()
    house.drop(songs("c", "mp3", THREE))
    assert house.cycle() == ["duplicate Ada / Low Tide: 3 tracks"]
    assert house.items() == items


def test_a_name_that_differs_in_case_alone_goes_beside_and_not_over(house: House) -> None:
    house.drop({"a/1.mp3": song(1, artist="Ada", album="Low?", album_artist="Ada")})
    house.cycle()
    house.drop({"b/1.mp3": song(1, artist="ada", album="LOW!", album_artist="ada")})
    house.cycle()
    assert len({path.casefold() for path in house.staged()}) == len(house.staged())


def test_nothing_is_left_of_the_folders_of_a_staged_album(house: House) -> None:
    house.drop(songs("deep/er/CD1", "mp3", THREE) | songs("deep/er/CD2", "mp3", THREE))
    house.cycle()
    assert [path.name for path in house.inbound.iterdir()] == [".greenroom-root"]


def test_of_what_comes_after_its_album_was_staged_it_is_said_how_both_come_together(house: House) -> None:
    house.drop(songs("drop", "flac", THREE))
    house.cycle()
    transfer = house.items()[KEY]["transfer_id"]
    house.drop({"drop/scans/front.jpg": JPEG, "notes.txt": b"mine", "both/notes.txt": b"whose"})
    house.drop(songs("both/a", "flac", THREE, album="Ebb") | songs("both/b", "flac", THREE, album="Reed"))
    house.run()
    said = {os.fsdecode(reason.path or b""): reason.message for reason in house.run().ignored}
    assert "`greenroom undo` puts it back beside this" in said["drop/scans/front.jpg"]
    assert "undo" not in said["notes.txt"]
    undo(house.database, transfer, dry_run=False, stop=threading.Event())
    assert release(house.database, transfer) == 1
    house.run()
    assert "AD/Ada/Low Tide/scans/front.jpg" in house.staged()
