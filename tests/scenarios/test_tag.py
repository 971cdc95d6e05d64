"""Tags written into staged files: what is known is in them, the rest is as it was, and all of it can be taken back."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mutagen
import pytest
from sqlalchemy import select, update

from config.errors import Misconfigured, Rejected, Retryable, Unmoved
from processor.metadata import rows
from processor.metadata.documents import ITSELF
from processor.moves.move import Performance
from processor.retag import WORK, Retagged
from processor.tables import StagingItem
from processor.tagging.essence import essence
from processor.transfers.trash import TRASH
from scanner.options import silent
from scanner.tags.signature import candidates
from tests.scenarios.drops import JPEG, Drop, songs
from tests.scenarios.house import House
from workflow import plans
from workflow.events import EventRow
from workflow.operations import deciding
from workflow.operations.fsck import fsck
from workflow.operations.tagging import tag_item
from workflow.operations.undo import undo

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ALBUM: Drop = songs("Low Tide", "flac", range(1, 3)) | songs("Low Tide", "mp3", range(3, 4)) | {
    "Low Tide/cover.jpg": JPEG, "Low Tide/notes.txt": b"mine",
}  # fmt: skip
STOP = threading.Event()
ADA = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(params=["house", pytest.param("postgres_house", marks=pytest.mark.postgres)])
def any_house(request: pytest.FixtureRequest) -> House:
    """A house on each database."""
    made = request.getfixturevalue(request.param)
    assert isinstance(made, House)
    return made


def staged(house: House, *, mode: int = 0o644) -> int:
    """Drop the album, its tracks with these rights, stage it, and say something new of it."""
    house.drop(ALBUM)
    for track in (*house.inbound.rglob("*.flac"), *house.inbound.rglob("*.mp3")):
        track.chmod(mode)
    house.cycle()
    (item,) = house.items().values()
    with house.database.begin() as connection:
        rows.write(
            connection, item["id"], "musicbrainz", {ITSELF: {"title": "Low Tide (Live)", "date": "1999-05-01"}}, NOW
        )
        rows.say(connection, item["id"], "02 - Song 2.flac", "title", "Second", NOW)
    return int(item["id"])


def album(house: House) -> Path:
    """Return the album's folder."""
    (item,) = house.items().values()
    return Path(os.fsdecode(os.path.join(os.fsencode(house.staging), item["path"])))


def sounds(folder: Path) -> dict[str, str]:
    """Digest the sound of each file."""
    found = {}
    for path in folder.iterdir():
        if path.suffix in (".flac", ".mp3"):
            with path.open("rb") as file:
                found[path.name] = essence(file, candidates(file.read(64), path.suffix[1:])[0])
    return found


def complaints(house: House) -> list[str]:
    """Return what fsck finds when it reads every byte."""
    report = fsck(house.database, verify=True, adopt=False, stop=STOP, progress=silent)
    return [f"{finding.code}: {finding.message}" for finding in report.findings]


def test_what_is_known_is_in_the_files_and_nothing_else_changed(any_house: House) -> None:
    item = staged(any_house)
    before, listed = sounds(album(any_house)), any_house.items()
    done = tag_item(any_house.database, item, STOP)
    folder = album(any_house)
    assert (done.outcome, sorted(done.files)) == (
        "retagged", [b"01 - Song 1.flac", b"02 - Song 2.flac", b"03 - Song 3.mp3"],
    )  # fmt: skip
    opened = mutagen.File(folder / "02 - Song 2.flac")
    assert (opened["title"], opened["album"], opened["date"]) == (["Second"], ["Low Tide (Live)"], ["1999-05-01"])
    assert sounds(folder) == before
    assert (folder / "notes.txt").read_bytes() == b"mine"
    (old,), (new,) = listed.values(), any_house.items().values()
    same = ("id", "key", "status", "revision", "path", "album", "track_count", "duration_ms")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert complaints(any_house) == []


def test_a_second_time_there_is_nothing_to_write(any_house: House) -> None:
    item = staged(any_house)
    tag_item(any_house.database, item, STOP)
    before = any_house.look()
    assert tag_item(any_house.database, item, STOP).outcome == "same"
    assert any_house.look() == before
    assert list((any_house.staging / os.fsdecode(WORK)).glob("*-*")) == []


def test_undoing_it_brings_the_very_files_back(any_house: House) -> None:
    item = staged(any_house)
    deciding.decide(any_house.database, item, "approved", actor="eva", why="heard it")
    before = {path.name: path.read_bytes() for path in album(any_house).iterdir()}
    tag_item(any_house.database, item, STOP)
    (row,) = any_house.items().values()
    report = undo(any_house.database, row["transfer_id"], dry_run=False, stop=STOP)
    assert [(one.outcome, one.reasons) for one in report.albums] == [("undone", ())]
    (after,) = any_house.items().values()
    assert (after["status"], after["revision"]) == ("approved", row["revision"])
    with any_house.database.read() as connection:
        told = connection.execute(select(EventRow.subject).where(EventRow.kind == "undone"))
        assert len([*told]) == 1
    assert {path.name: path.read_bytes() for path in album(any_house).iterdir()} == before
    assert complaints(any_house) == []
    assert any_house.run().status == "done"
    assert tag_item(any_house.database, item, STOP).outcome == "retagged"


def test_a_file_whose_tags_cannot_be_written_goes_on_as_it_is(house: House) -> None:
    house.drop(
        songs("Low Tide", "flac", range(1, 3)) | {"Low Tide/03 - Song 3.aac": b"\xff\xf1\x50\x80\x01\x1f\xfc" * 2000}
    )
    house.cycle()
    (item,) = house.items().values()
    with house.database.begin() as connection:
        rows.say(connection, item["id"], ITSELF, "title", "Mine", NOW)
    done = tag_item(house.database, item["id"], STOP)
    assert done.outcome == "retagged"
    assert len(done.files) == 2
    assert complaints(house) == []


@contextmanager
def ended(order: str, by: int) -> Iterator[None]:
    """Let each process that is asked for this end by a signal before it answers."""

    def begun(command: list[str], **given: object) -> subprocess.Popen[bytes]:
        if order in command:
            command = ["/bin/sh", "-c", f"kill -{by} $$"]
        return begin(command, **given)  # type: ignore[call-overload, no-any-return]

    begin = subprocess.Popen
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subprocess, "Popen", begun)
        yield


@pytest.mark.parametrize("order", ["look", "write"])
def test_tags_whose_writer_the_system_killed_are_written_by_the_next_try(house: House, order: str) -> None:
    item = staged(house)
    before = {path.name: path.read_bytes() for path in album(house).iterdir()}
    with ended(order, signal.SIGKILL), pytest.raises(Retryable, match="want of memory") as refused:
        tag_item(house.database, item, STOP)
    assert refused.value.reason_code == "tagger_killed"
    assert {path.name: path.read_bytes() for path in album(house).iterdir()} == before
    assert len(tag_item(house.database, item, STOP).files) == 3
    assert complaints(house) == []


def test_tags_that_ended_the_process_which_looks_at_them_are_told_or_written(house: House) -> None:
    item = staged(house)
    with ended("look", signal.SIGSEGV), ended("write", signal.SIGSEGV):
        done = tag_item(house.database, item, STOP)
    assert (done.outcome, [reason.code for reason in done.reasons]) == ("same", ["tagger_died"] * 3)
    with ended("look", signal.SIGSEGV):
        assert len(tag_item(house.database, item, STOP).files) == 3
        assert tag_item(house.database, item, STOP) == Retagged("same")


def test_copies_leave_the_disk_the_free_space_it_shall_keep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    item = staged(house)
    before = house.look()
    size, kept = sum(path.stat().st_size for path in album(house).iterdir()), 1 << 20  # a fiftieth of the disk
    left = os.statvfs_result((1, 1, 50 * kept, kept + size // 2, kept + size // 2, 9, 9, 9, 0, 255))
    with monkeypatch.context() as patched:
        patched.setattr(os, "statvfs", lambda _: left)
        with pytest.raises(Retryable, match="stay in reserve"):
            tag_item(house.database, item, STOP)
    assert house.look() == before
    assert tag_item(house.database, item, STOP).outcome == "retagged"


def test_an_album_somebody_changed_is_left_alone(house: House) -> None:
    item = staged(house)
    (album(house) / "01 - Song 1.flac").write_bytes(b"edited")
    with pytest.raises(Exception, match="is not what was put there"):
        tag_item(house.database, item, STOP)
    assert (album(house) / "01 - Song 1.flac").read_bytes() == b"edited"
    with house.database.begin() as connection:
        connection.execute(update(StagingItem).values(root_uuid="a library"))
    with pytest.raises(Rejected, match="is not in staging any more"):
        tag_item(house.database, item, STOP)
    with pytest.raises(Misconfigured, match="no item 99"):
        tag_item(house.database, 99, STOP)


def test_an_album_that_tracks_are_about_to_join_gets_its_tags_after_that(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Retryable("the database is gone", code="database_unavailable")

    item = staged(house)
    house.drop(songs("late", "mp3", range(4, 5)))
    with monkeypatch.context() as gone:
        gone.setattr(Performance, "published", away)
        assert house.run().status == "failed"
    before = {path.name: path.read_bytes() for path in album(house).iterdir()}
    with pytest.raises(Unmoved, match="a move of this album is not finished"):
        tag_item(house.database, item, STOP)
    assert {path.name: path.read_bytes() for path in album(house).iterdir()} == before
    assert house.run().status == "done"
    assert tag_item(house.database, item, STOP).outcome == "retagged"
    assert sorted(sounds(album(house))) == [
        f"0{n} - Song {n}.{kind}" for n, kind in enumerate(("flac", "flac", "mp3", "mp3"), 1)
    ]
    assert complaints(house) == []


def test_what_a_crash_left_of_copies_goes_with_the_next_try(house: House) -> None:
    item = staged(house)
    left = house.staging / os.fsdecode(WORK) / "0123" / "sub"
    left.mkdir(parents=True)
    (left / "copy.flac").write_bytes(b"half")
    assert tag_item(house.database, item, STOP).outcome == "retagged"
    assert not left.exists()


def test_the_files_before_wait_in_the_trash(house: House) -> None:
    item = staged(house)
    tag_item(house.database, item, STOP)
    (kept,) = (path for path in (house.staging / os.fsdecode(TRASH)).iterdir() if path.is_dir())
    assert (kept / "01 - Song 1.flac").exists()
    shutil.rmtree(kept)
    (row,) = house.items().values()
    report = undo(house.database, row["transfer_id"], dry_run=False, stop=STOP)
    assert [one.reasons[0].code for one in report.albums] == ["trash_gone"]


def test_a_plan_to_replace_an_album_is_refused_once_that_one_is_another(house: House) -> None:
    """The approval was given when the album had other tags: what would go to the trash is not what was looked at."""
    house.change(replace="better")
    house.drop(songs("old", "mp3", range(1, 3)))
    house.cycle()
    house.drop(songs("new", "flac", range(1, 3)))
    dry = house.run(dry_run=True)
    assert dry.run_id is not None
    with house.database.begin() as connection:
        plan = plans.read(connection, dry.run_id)
        (item,) = house.items().values()
        rows.say(connection, item["id"], ITSELF, "genres", ["Folk"], NOW)
    assert plan is not None
    assert [album["kind"] for album in plan.albums] == ["replace"]
    assert tag_item(house.database, item["id"], STOP).outcome == "retagged"
    report = house.run(dry_run=False, settle=False, approves=dry.run_id, approved=plan.approved)
    assert report.error is not None
    assert report.error.code == "plan_changed"
    assert "the staged album it changes is another one by now" in report.error.message
    again = house.run(dry_run=True)
    assert again.run_id is not None
    with house.database.read() as connection:
        now = plans.read(connection, again.run_id)
    assert now is not None
    assert house.run(dry_run=False, settle=False, approves=again.run_id, approved=now.approved).status == "done"
    assert album(house).joinpath("01 - Song 1.flac").exists()


def test_an_album_of_more_files_than_a_process_may_have_open_is_tagged(house: House) -> None:
    house.drop(songs("Low Tide", "mp3", range(1, 91)))
    house.cycle()
    (item,) = (item["id"] for item in house.items().values())
    with house.database.begin() as connection:
        rows.say(connection, item, ITSELF, "title", "High Tide", NOW)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 80, limits[1]))
    try:
        assert len(tag_item(house.database, item, STOP).files) == 90
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_new_name_of_the_artist_does_not_keep_the_id_of_the_old_one(house: House) -> None:
    house.drop(songs("Low Tide", "mp3", range(1, 3), album_artist="Ada", mb={"album_artist_ids": [ADA]}))
    house.cycle()
    (item,) = house.items().values()
    with house.database.begin() as connection:
        rows.say(connection, item["id"], ITSELF, "credits", [["Bo"]], NOW)
    assert tag_item(house.database, item["id"], STOP).outcome == "retagged"
    for path in album(house).glob("*.mp3"):
        said = mutagen.File(path).tags
        assert (said["TPE2"].text, said["TXXX:ALBUMARTISTS"].text) == (["Bo"], ["Bo"])
        assert ADA not in said.pprint()
    assert complaints(house) == []


@contextmanager
def rights_that_bind() -> Iterator[None]:
    """Let rights of files hold for root, too, as for the user the daemon runs as."""
    libc, header, had = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # capget(2)
    assert not libc.capget(header, had)
    less = (ctypes.c_uint32 * 6)(had[0] & ~0b110, *had[1:])  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert not libc.capset(header, less)
    try:
        yield
    finally:
        assert not libc.capset(header, had)


def test_files_that_nobody_may_write_to_are_retagged_and_stay_so(house: House) -> None:
    item_id = staged(house, mode=0o444)
    with rights_that_bind():
        done = tag_item(house.database, item_id, STOP)
    assert (done.outcome, done.reasons) == ("retagged", ())
    assert len(done.files) == 3
    assert {path.stat().st_mode & 0o777 for path in album(house).glob("0*")} == {0o444}
