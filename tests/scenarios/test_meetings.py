"""Albums that meet a staged one of their name: late tracks, another disc, better or worse or simply other music."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from config.errors import LeaseLost, Retryable
from processor.metadata import rows
from processor.moves.album import as_mounted
from processor.moves.move import Performance
from processor.staging import mover
from processor.tables import StagingItem
from processor.transfers import sidecar
from processor.transfers.transfer import Transfer
from processor.transfers.trash import TRASH
from scanner.options import silent
from tests.scenarios.drops import JPEG, Drop, song, songs
from tests.scenarios.house import NOW, House, lines, seen
from workflow.operations.fsck import fsck
from workflow.operations.undo import undo

KEY = "album:ada/low tide"
ONE, TWO, THREE = range(1, 2), range(1, 3), range(1, 4)
FOLDER = "AD/Ada/Low Tide"
GO = "this copy was left where it is and can be removed"
STAY = "this copy was left where it is. Its music can be removed, but"


def warnings(item: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in item["warnings"]}


def told(house: House) -> str:
    """What is said of the one duplicate in the last report."""
    found = [reason["message"] for album in house.albums() for reason in album["reasons"]]
    (message,) = (one for one in found if one.startswith("The same music"))
    return str(message)


def album_sidecar(house: House, folder: str = FOLDER) -> sidecar.Sidecar:
    return sidecar.decode((house.staging / folder / sidecar.NAME.decode()).read_bytes())


def trashed(house: House) -> list[str]:
    """The files in the trash, relative to the album that was put there."""
    trash = house.staging / TRASH.decode()
    return sorted("/".join(path.relative_to(trash).parts[1:]) for path in trash.glob("*/**/*") if path.is_file())


def test_a_disc_that_comes_a_day_later_joins_the_album(any_house: House) -> None:
    house = any_house
    house.drop(songs("Low Tide/CD1", "flac", THREE, disc="1/2") | {"Low Tide/CD1/cover.jpg": JPEG})
    house.cycle()
    before = house.items()[KEY]
    assert "tracks_missing" in warnings(before)
    staged = house.staged()

    house.drop(songs("Low Tide/CD2", "flac", THREE, disc="2/2") | {"Low Tide/CD2/booklet.pdf": b"pages"})
    assert house.cycle() == ["staged Ada / Low Tide: 3 tracks"]
    assert "merged" in house.codes()
    assert "tracks_missing" not in house.codes()
    new = ["2-01 - Song 1.flac", "2-02 - Song 2.flac", "2-03 - Song 3.flac", "CD2/booklet.pdf"]
    assert house.staged() == sorted([*staged, *(f"{FOLDER}/{name}" for name in new)])

    item = house.items()[KEY]
    assert (item["id"], item["revision"], item["status"]) == (before["id"], before["revision"] + 1, "pending_review")
    assert (item["discs"], item["track_count"], len(item["files"])) == (2, 6, 8)
    assert item["duration_ms"] == sum(f["facts"]["duration_ms"] for f in item["files"] if f["role"] == "audio")
    assert item["size"] == sum(file["size"] for file in item["files"])
    assert warnings(item) >= {"merged"}
    assert "tracks_missing" not in warnings(item)
    written = album_sidecar(house)
    assert written.transfer_id == item["transfer_id"]
    assert {file.target for file in written.files} == {file["path"] for file in item["files"]}


@pytest.mark.parametrize("error", [LeaseLost("taken over"), Retryable("away", code="database_unavailable")])
def test_nothing_more_is_tried_once_the_roots_or_the_database_are_not_ours(
    house: House, error: Retryable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a late disc was written down is not known then: recovery reads it, and the next cycle goes on."""
    tried = []

    def lost(*what: Any) -> None:
        tried.append(what)
        raise error

    for album in ("Low Tide", "High Tide"):
        house.drop(songs(album, "flac", ONE, album=album))
    house.cycle()
    for album in ("Low Tide", "High Tide"):
        house.drop(songs(f"{album} more", "flac", range(2, 4), album=album))
    with monkeypatch.context() as away:
        away.setattr(mover, "change", lost)
        report = house.run()
    assert (report.status, report.error and report.error.code, len(tried)) == ("failed", error.reason_code, 1)
    assert len(house.cycle()) == 2
    assert "merged" in house.codes()


def test_a_late_track_that_somebody_opened_since_the_scan_joins_once_that_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes to a linked file would go on writing into staging."""
    house.drop(songs("a", "flac", TWO))
    house.cycle()
    house.drop(songs("b", "flac", range(3, 4)))
    (late,) = house.inbound.rglob("*.flac")
    before = house.staged()
    with monkeypatch.context() as meanwhile, ExitStack() as writing:

        def opened(transfer: Transfer) -> Transfer:
            writing.enter_context(late.open("ab"))
            return as_mounted(transfer)

        meanwhile.setattr(mover, "as_mounted", opened)
        assert lines(house.run()) == ["waiting Ada / Low Tide: 1 track"]
        assert (house.staged(), late.exists()) == (before, True)
    assert house.cycle() == ["staged Ada / Low Tide: 1 track"]


def test_tracks_that_could_not_join_are_not_said_to_be_staged_and_no_others_are_tried(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(*what: Any) -> None:
        tried.append(what)
        raise Retryable("the disk is full", code="disk_full")

    for album in ("Low Tide", "High Tide"):
        house.drop(songs(album, "flac", ONE, album=album))
    house.cycle()
    for album in ("Low Tide", "High Tide"):
        house.drop(songs(f"{album} more", "flac", range(2, 4), album=album))
    before = house.items()
    with monkeypatch.context() as away:
        away.setattr(Performance, "published", full)
        report = house.run()
    assert (lines(report), len(tried)) == ([f"failed Ada / {album} Tide: 2 tracks" for album in ("High", "Low")], 1)
    assert house.items() == before
    assert house.run().status == "done"
    assert [item["track_count"] for item in house.items().values()] == [3, 3]


def test_late_tracks_join_under_the_numbers_nobody_has(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    house.cycle()
    house.drop(songs("b", "flac", range(3, 5)))
    assert house.cycle() == ["staged Ada / Low Tide: 2 tracks"]
    assert house.staged() == [f"{FOLDER}/{n:02} - Song {n}.flac" for n in range(1, 5)]
    assert house.items()[KEY]["track_count"] == 4


def test_late_tracks_of_an_album_with_discs_say_their_disc(house: House) -> None:
    house.drop(songs("a/CD1", "flac", TWO, disc="1/2") | songs("a/CD2", "flac", TWO, disc="2/2"))
    house.cycle()
    house.drop(songs("late", "flac", range(3, 4), disc="1/2"))
    house.cycle()
    assert f"{FOLDER}/1-03 - Song 3.flac" in house.staged()


def test_files_that_are_there_already_stay_in_inbound_and_are_told(house: House) -> None:
    house.drop(songs("a", "flac", TWO) | {"a/cover.jpg": JPEG})
    house.cycle()
    house.drop(songs("a", "flac", THREE) | {"a/cover.jpg": JPEG})
    assert house.cycle() == ["staged Ada / Low Tide: 3 tracks"]
    assert sorted(path.name for path in (house.inbound / "a").iterdir()) == [
        "01 - Song 1.flac",
        "02 - Song 2.flac",
        "cover.jpg",
    ]
    assert "already_there" in house.codes()
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]


def test_of_a_copy_with_files_that_are_nowhere_else_only_the_music_is_said_to_be_superfluous(house: House) -> None:
    """Some file names it has are taken by others there; the picture is the same."""
    house.drop(songs("a", "flac", TWO) | {"a/cover.jpg": JPEG, "a/notes.txt": b"theirs"})
    house.cycle()
    house.drop(songs("b", "flac", TWO) | {"b/cover.jpg": JPEG})
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    assert told(house) == f"The same music is in staging already, in {FOLDER}; {GO}."
    house.drop({"b/notes.txt": b"mine", "b/scans/1.jpg": JPEG})
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    assert told(house).endswith(f"{STAY} 2 files beside it may be nowhere else, such as b/notes.txt.")


def test_of_two_copies_that_come_together_the_second_may_have_files_of_its_own(house: House) -> None:
    house.drop(songs("a", "flac", TWO) | songs("b", "flac", TWO) | {"a/cover.jpg": JPEG, "b/cover.jpg": JPEG})
    house.drop({"b/notes.txt": b"mine"})
    assert sorted(house.cycle()) == ["duplicate Ada / Low Tide: 2 tracks", "staged Ada / Low Tide: 2 tracks"]
    assert told(house).endswith(f"{STAY} 1 file beside it may be nowhere else, such as b/notes.txt.")
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    (house.inbound / "b/notes.txt").unlink()
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    assert told(house).endswith(GO + ".")


def test_a_part_of_a_staged_album_is_a_duplicate(house: House) -> None:
    house.drop(songs("a", "flac", THREE))
    house.cycle()
    house.drop(songs("b", "flac", TWO))
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]


def test_another_picture_of_the_same_name_goes_beside(house: House) -> None:
    house.drop(songs("a", "flac", TWO) | {"a/cover.jpg": JPEG})
    house.cycle()
    house.drop(songs("a", "flac", range(3, 4)) | {"a/cover.jpg": JPEG + b"other"})
    house.cycle()
    assert {f"{FOLDER}/cover.jpg", f"{FOLDER}/cover [2].jpg"} <= set(house.staged())


def test_a_decision_about_the_album_is_not_lost_silently(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    house.cycle()
    with house.database.begin() as connection:
        connection.execute(update(StagingItem).values(status="approved"))
    house.drop(songs("b", "flac", range(3, 4)))
    house.cycle()
    item = house.items()[KEY]
    assert item["status"] == "pending_review"
    (told,) = [warning["message"] for warning in item["warnings"] if warning["code"] == "merged"]
    assert "approved before" in told


def test_a_track_that_is_there_under_another_number_is_a_conflict(house: House) -> None:
    house.drop(songs("a", "flac", TWO))
    house.cycle()
    house.drop({"b/09.mp3": song(9, "Song 2", artist="Ada", album="Low Tide")})
    assert house.cycle() == ["conflict Ada / Low Tide: 1 track"]
    assert "same_recording" in house.codes()


def test_an_album_whose_folder_was_changed_by_hand_is_left_alone(house: House) -> None:
    house.drop(songs("a", "flac", THREE))
    house.cycle()
    (house.staging / FOLDER / "02 - Song 2.flac").unlink()
    house.drop(songs("b", "flac", range(4, 6)))
    house.report = house.run()
    assert lines(house.report) == ["conflict Ada / Low Tide: 2 tracks"]
    assert "not_as_recorded" in house.codes()


def mp3_then_flac(house: House, **settings: str) -> None:
    """Stage two mp3 files and a picture, drop the same album as FLAC with a bonus track, and run a cycle."""
    house.change(**settings)
    extras: Drop = {
        "old/cover.jpg": JPEG, "old/rip.log": b"log", "old/01 - Song 1.lrc": b"words", "old/notes.txt": b"old notes",
    }  # fmt: skip
    house.drop(songs("old", "mp3", TWO) | extras)
    house.cycle()
    house.drop(songs("new", "flac", THREE) | {"new/notes.txt": b"new notes"})
    told = house.run(dry_run=True)
    house.report = house.run()
    assert lines(house.report) == lines(told)


def test_better_quality_takes_the_place_and_the_old_album_goes_to_the_trash(any_house: House) -> None:
    house = any_house
    mp3_then_flac(house, replace="better")
    assert lines(house.report) == ["staged Ada / Low Tide: 3 tracks"]
    assert {"replaced", "trashed"} <= house.codes()
    told = next(r["message"] for r in house.albums()[0]["reasons"] if r["code"] == "replaced")
    assert "flac 16/44.1 instead of mp3" in told
    folder = house.staging / FOLDER
    assert sorted(path.name for path in folder.iterdir() if path.name != sidecar.NAME.decode()) == [
        "01 - Song 1.flac",
        "01 - Song 1.lrc",
        "02 - Song 2.flac",
        "03 - Song 3.flac",
        "cover.jpg",
        "notes.txt",
    ]
    assert (folder / "notes.txt").read_bytes() == b"new notes"
    assert trashed(house) == [
        "01 - Song 1.lrc",
        "01 - Song 1.mp3",
        "02 - Song 2.mp3",
        "album.greenroom.json",
        "cover.jpg",
        "notes.txt",
        "rip.log",
    ]
    item = house.items()[KEY]
    assert (item["revision"], item["track_count"], warnings(item)) == (2, 3, {"replaced"})
    assert {file["path"].decode() for file in item["files"]} == {
        path.name for path in folder.iterdir() if path.name != sidecar.NAME.decode()
    }
    assert {file.target for file in album_sidecar(house).files} == {file["path"] for file in item["files"]}
    assert [path.name for path in house.inbound.iterdir()] == [".greenroom-root"]


def test_what_people_said_of_tracks_goes_with_them_to_the_better_album_and_back(any_house: House) -> None:
    """The better files have other names: flac for mp3."""
    house = any_house
    house.change(replace="better")
    house.drop(songs("old", "mp3", TWO))
    house.cycle()
    ((key, item),) = house.items().items()
    with house.database.begin() as connection:
        for part, title in (("", "Low Tide!"), ("02 - Song 2.mp3", "Salt")):
            rows.say(connection, item["id"], part, "title", title, NOW)

    def known() -> tuple[str | None, list[str | None]]:
        with house.database.read() as connection:
            album = rows.album(connection, house.items()[key]["id"])
        return album.title, [track.title for track in album.tracks]

    house.drop(songs("new", "flac", THREE))
    report = house.run()
    assert lines(report) == ["staged Ada / Low Tide: 3 tracks"]
    assert known() == ("Low Tide!", ["Song 1", "Salt", "Song 3"])
    assert undo(house.database, report.run_id or "", dry_run=False, stop=threading.Event()).exit_code == 0
    assert known() == ("Low Tide!", ["Song 1", "Salt"])


def test_without_the_setting_better_quality_is_a_conflict_that_says_so(house: House) -> None:
    mp3_then_flac(house)
    assert lines(house.report) == ["conflict Ada / Low Tide: 3 tracks"]
    told = next(r["message"] for r in house.albums()[0]["reasons"] if r["code"] == "quality_better")
    assert "staging_scan.replace" in told


@pytest.mark.parametrize(
    ("staged", "dropped", "code"),
    [
        (songs("a", "flac", THREE), songs("b", "mp3", THREE), "quality_worse"),
        (songs("a", "mp3", THREE), songs("b", "flac", TWO), "partial_cover"),
        (songs("a", "mp3", THREE), songs("b", "ogg", THREE), "quality_unlike"),
        (songs("a", "flac", ONE, genre="x"), songs("b", "flac", ONE, genre="y"), "quality_same"),
        (
            songs("a", "mp3", ONE),
            {"b/1.flac": song(1, "Another One", artist="Ada", album="Low Tide")},
            "other_recording",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_better_in_every_track_replaces_nothing(
    house: House, staged: Drop, dropped: Drop, code: str
) -> None:
    house.change(replace="better")
    house.drop(staged)
    house.cycle()
    before = seen(house.staging)
    house.drop(dropped)
    assert [line.split()[0] for line in house.cycle()] == ["conflict"]
    assert {"target_differs", code} <= house.codes()
    assert seen(house.staging) == before


@pytest.mark.parametrize("file", ["mine.txt", "01 - Song 1.mp3"])
def test_a_folder_with_files_of_somebody_else_is_never_replaced(house: House, file: str) -> None:
    """Nor one in which somebody wrote tags, into the room of the old ones."""
    house.change(replace="better")
    house.drop(songs("a", "mp3", TWO))
    house.cycle()
    theirs = house.staging / FOLDER / file
    theirs.write_bytes(b"TAG".join(theirs.read_bytes().split(b"ID3")) if theirs.exists() else b"my notes")
    house.drop(songs("b", "flac", TWO))
    house.report = house.run()
    assert lines(house.report) == ["conflict Ada / Low Tide: 2 tracks"]
    assert "strangers" in house.codes()
    assert theirs.exists()


def test_albums_of_one_name_and_other_years_stand_beside_each_other(house: House) -> None:
    for year, titles in (("1994", ("Undone", "Holiday")), ("2001", ("Photograph", "Simple"))):
        house.drop(
            {
                f"{year}/{n}.flac": song(n, title, artist="Ada", album="Ada", date=year)
                for n, title in enumerate(titles, 1)
            }
        )
        assert house.cycle() == [f"staged Ada / Ada ({year}): 2 tracks"]
    assert set(house.items()) == {"album:ada/ada", "album:ada/ada/2001"}
    assert "other_release" in house.codes()
    house.drop({"again/1.flac": song(1, "Photograph", artist="Ada", album="Ada", date="2001")})
    assert house.cycle() == ["duplicate Ada / Ada (2001): 1 track"]


def test_a_seeding_twin_of_any_file_never_changes(house: House, tmp_path: Path) -> None:
    house.change(replace="better")
    seeds = tmp_path / "torrents"

    def seed(folder: str) -> None:
        (seeds / folder).mkdir(parents=True)
        for path in (house.inbound / folder).iterdir():
            os.link(path, seeds / folder / path.name)

    def state() -> dict[str, tuple[int, int, int, bytes]]:
        files = (path for path in seeds.rglob("*") if path.is_file())
        return {
            str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
            for path in files
        }

    for folder, drop in (
        ("one", songs("one", "mp3", TWO) | {"one/cover.jpg": JPEG}),
        ("late", songs("late", "mp3", range(3, 4))),
        ("better", songs("better", "flac", range(1, 5))),
    ):
        house.drop(drop)
        seed(folder)
        before = state()
        assert [album.outcome for album in house.run().albums] == ["staged"]
        assert state() == before


def test_a_plan_names_the_files_that_will_move(house: House) -> None:
    from workflow.report import plan_json

    house.drop(songs("a", "flac", TWO))
    house.cycle()
    house.drop(songs("a", "flac", THREE))
    (planned,) = plan_json(house.run(dry_run=True))["albums"]
    assert planned["kind"] == "merge"
    assert [file["target"] for file in planned["files"]] == ["03 - Song 3.flac"]
    assert json.dumps(planned)


def fsck_findings(house: House) -> list[str]:
    report = fsck(house.database, verify=True, adopt=False, stop=threading.Event(), progress=silent)
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize("kind", ["merge", "replace"])
def test_fsck_finds_the_changed_album_to_be_what_its_rows_say(house: House, kind: str) -> None:
    if kind == "merge":
        house.drop(songs("a", "flac", TWO) | {"a/cover.jpg": JPEG})
        house.cycle()
        house.drop(songs("b", "flac", range(3, 4)) | {"b/booklet.pdf": b"pages"})
        house.cycle()
    else:
        mp3_then_flac(house, replace="better")
    assert "staged" in lines(house.report)[0]
    assert fsck_findings(house) == []
