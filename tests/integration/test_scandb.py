"""The scan DB: what goes in comes out exactly, what is no finished scan is refused, and old ones are cleared away."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from config.errors import Misconfigured, Rejected, Retryable
from config.reasons import Reason
from scanner import newscan, scanschema
from scanner.facts import Facts, Picture
from scanner.grouping.groups import Group, GroupTrack, SideRow, TrackRow
from scanner.identity import Identity, identity_columns
from scanner.newscan import NewScan
from scanner.readiness import FolderState
from scanner.rows import FileRecord, FileRow
from scanner.scandb import ScanDb, Vanished
from scanner.scanfiles import new_path, newest, prune
from scanner.tags.columns import blocks_of, columns_of, facts_of
from scanner.tags.read import Reading

ROOT = b"/inbound\xff"
STARTED = dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)
IDENTITY = Identity(1, (1 << 64) - 5, 3, 4, 5)  # an inode number that needs all 64 bits, as mergerfs makes them
FULL = Facts(
    title="T\0itel\n",
    artist="A; B",
    artists=("A", "B"),
    album="L'été",
    album_artist="A",
    album_artists=("A",),
    track=1,
    track_total=2,
    disc=0,
    disc_total=1,
    disc_subtitle="One",
    date="1999-01-02",
    original_date="1970",
    genres=("x", "y"),
    label="L",
    catalog_number="L-1",
    barcode="0123456789012",
    country="XW",
    media="CD",
    compilation=False,
    mb_recording_id="r",
    mb_track_id="t",
    mb_release_id="rel",
    mb_release_group_id="g",
    mb_artist_ids=("a", "b"),
    mb_album_artist_ids=("c",),
    rg_track_gain=-7.25,
    rg_track_peak=0.9,
    rg_album_gain=0.0,
    rg_album_peak=1.0,
    codec="flac",
    duration_ms=1,
    bitrate=2,
    sample_rate=3,
    bits=16,
    channels=2,
    pictures=(Picture(1, 3, "image/jpeg"), Picture(2, 0, None)),
)


def create(
    path: Path, previous: Path | None = None, *, root: bytes = ROOT, boot: str = "boot", options: str = "{}"
) -> NewScan:
    return NewScan.create(path, root=root, started=STARTED, boot=boot, options=options, previous=previous)


def audio(db: NewScan, *names: bytes) -> None:
    folder = db.add_folder(b"album")
    ids = db.file_ids(len(names))
    db.add_files(
        [
            FileRow(file_id, folder, name, "audio", *identity_columns(IDENTITY), 2, 0o100644)
            for file_id, name in zip(ids, names, strict=True)
        ]
    )
    db.drop_folders([])


def add(db: NewScan, readings: list[tuple[object, ...]]) -> None:
    for block in blocks_of(readings):
        db.add_readings(block)


def reading(
    file_id: int, facts: Facts | None, problem: tuple[str, str] | None = None, truncated: bool = False
) -> tuple[object, ...]:
    return columns_of(file_id, True, Reading(facts, problem, truncated, "header"))


def finished(path: Path, previous: Path | None = None, **more: Any) -> Path:
    with create(path, previous, **more) as db:
        db.finish({})
    return path


def test_facts_come_back_exactly(tmp_path: Path) -> None:
    readings: dict[int, tuple[Facts | None, tuple[str, str] | None, bool]] = {
        1: (FULL, None, False),
        2: (Facts(), None, True),
        3: (None, ("unreadable", "Why."), False),
        4: (Facts(codec="flac"), ("no_sound", "Why."), False),
    }
    with create(tmp_path / "x.db") as db:
        audio(db, b"1\xff\n", b"2", b"3", b"4", b"5")
        add(db, [reading(file_id, *read) for file_id, read in readings.items()])
        db.finish({})
    with ScanDb.open(tmp_path / "x.db") as db:
        found = db.files([1, 2, 3, 4, 5])
    assert {n: (found[n].facts, found[n].problem) for n in readings} == {n: read[:2] for n, read in readings.items()}
    assert found[1] == FileRecord(1, b"album/1\xff\n", IDENTITY, "audio", FULL, None)
    assert found[1].facts is not None
    assert found[1].facts.compilation is False
    assert (found[5].facts, found[5].problem) == (None, None)


LISTS = ["no JSON", "{}", "[]", "[[1],[],[],[],[],[]]", '[[],[],[],[],[],[["x",1,null]]]', "[" * 9999]


@pytest.mark.parametrize("text", LISTS, ids=range(len(LISTS)))
def test_lists_that_no_reader_wrote_count_as_nothing(text: str) -> None:
    columns = columns_of(1, True, Reading(Facts(title="T", artists=("A",)), None, False, "header"))[6:]
    assert facts_of([*columns[:-1], text]) == Facts(title="T")


def test_what_only_the_machine_was_to_blame_for_is_read_again(tmp_path: Path) -> None:
    problems = ["unreadable", *newscan.PASSING]
    with create(tmp_path / "x.db") as db:
        audio(db, *(problem.encode() for problem in problems))
        assert list(db.unread()) == []
        add(db, [reading(n, None, (problem, "Why.")) for n, problem in enumerate(problems, 1)])
        db.finish({})
    with create(tmp_path / "y.db", tmp_path / "x.db") as db:
        unread = list(db.unread())
        assert {name.decode() for _, _, name, _ in unread} == set(newscan.PASSING)
        assert {numbers for *_, numbers in unread} == {identity_columns(IDENTITY)}
        add(db, [reading(unread[0][1], Facts())])
        assert list(db.unread()) == unread[1:]


def test_what_is_as_unreadable_as_before_is_nothing_learned(tmp_path: Path) -> None:
    closed = "permission_denied", "."
    with create(tmp_path / "1.db") as db:
        audio(db, b"1", b"2")
        add(db, [reading(1, None, closed), reading(2, None, closed)])
        assert db.learned
        db.finish({})
    with create(tmp_path / "2.db", tmp_path / "1.db") as db:
        add(db, [reading(1, None, closed), reading(2, None, closed)])
        assert not db.learned
        db.finish({})
    with create(tmp_path / "3.db", tmp_path / "2.db") as db:
        add(db, [reading(1, None, closed), reading(2, FULL)])
        assert db.learned


def test_tags_that_no_database_can_hold_are_cut_down_instead_of_stopping_the_scan(tmp_path: Path) -> None:
    with create(tmp_path / "x.db") as db:
        audio(db, b"1", b"2", b"3")
        add(
            db,
            [
                reading(1, Facts(title="fine", track=1)),
                reading(2, Facts(title="half \ud800", track=1 << 80)),
                reading(3, Facts(artists=("\udcff",), rg_track_gain=float("nan"))),
            ],
        )
        found = db.files([1, 2, 3])
    assert [found[number].facts for number in (1, 2, 3)] == [
        Facts(title="fine", track=1),
        Facts(title="half ?"),
        Facts(artists=("\udcff",)),
    ]


def test_rows_for_grouping_have_a_year_and_keep_what_is_unknown_unknown(tmp_path: Path) -> None:
    with create(tmp_path / "x.db") as db:
        audio(db, b"1", b"2", b"3")
        db.add_files([FileRow(4, 1, b"a.jpg", "picture", *identity_columns(IDENTITY), 1, 0)])
        db.flush()
        add(db, [reading(1, FULL), reading(2, Facts(date="soon"))])
        rows = list(db.grouping.tracks())
        assert list(db.sides()) == [SideRow(4, b"album", b"a.jpg", "picture")]
    assert rows[0] == TrackRow(
        1, b"album", b"1", FULL.title, "A; B", "L'été", "A", 1, 2, 0, 1, 1999, "rel", False, None
    )
    assert rows[1] == TrackRow(2, b"album", b"2", *([None] * 12))
    assert rows[2] == TrackRow(3, b"album", b"3", *([None] * 12))


def test_what_was_just_read_is_grouped_as_what_is_read_back_would_be(tmp_path: Path) -> None:
    said: dict[bytes, list[Facts | None]] = {
        b"same": [FULL, FULL._replace(title="x", track=2)],
        b"unread": [None, None],
        b"by year": [Facts(title="x", original_date="1970", compilation=True)],
        b"mixed": [FULL, Facts(title="y"), FULL],
    }
    with create(tmp_path / "x.db") as db:
        readings = []
        for path, facts in said.items():
            folder_id, ids = db.add_folder(path), db.file_ids(len(facts))
            db.just_read.ask(folder_id, path, [(file_id, b"%d" % file_id, None) for file_id in ids])
            numbers = identity_columns(IDENTITY)
            db.add_files([FileRow(file_id, folder_id, b"%d" % file_id, "audio", *numbers, 1, 0) for file_id in ids])
            readings += [reading(one, it, None if it else ("bad", "Bad.")) for one, it in zip(ids, facts, strict=True)]
        db.flush()
        add(db, readings)
        assert [folder.folder for folder in db.just_read.folders.values()] == [b"same", b"unread", b"by year"]
        just_read = sorted(map(repr, db.grouping.tracks()))
        db.known_files(1)  # somebody looks what changed there
        assert 1 not in db.just_read.folders
        assert sorted(map(repr, db.grouping.tracks())) == just_read
        db.finish({})
    with NewScan.open(tmp_path / "x.db") as db:
        assert sorted(map(repr, db.grouping.tracks())) == just_read


def test_groups_come_back_exactly_with_what_they_wait_for(tmp_path: Path) -> None:
    group = Group(
        key="k\udcff",
        kind="music_album",
        album_artist=None,
        album="L",
        year=None,
        discs=2,
        compilation=True,
        release_id=None,
        tracks=(GroupTrack(1, None, 2, "T\ud800", {"title": "tag"}), GroupTrack(2, 1, None, None)),
        sides=(3, 4),
        folders=(b"\xff\n/CD1", b"\xff\n/CD2"),
        home=b"\xff\n",
        verdict="needs_review",
        confidence=0.1 + 0.2,
        evidence=(Reason("e", "E.", b"\xfe"), Reason("f", "F.")),
        warnings=(Reason("w", "W."),),
        sources={"year": "majority"},
    )
    waits, warning = (Reason("still_changing", "S.", b"\xff\n"),), Reason("truncated", "T.", b"x")
    with create(tmp_path / "x.db") as db:
        db.grouping.add([group])
        ((number, _),) = db.grouping.add([group])
        db.grouping.set_waits([(number, waits, [warning])])
        db.finish({})
    with NewScan.open(tmp_path / "x.db") as db:
        ready, waiting = db.groups()
        assert [found for _, found in db.grouping.known(only_waiting=True)] == [group]
        assert [found for _, found in db.grouping.known(only_waiting=False)] == [group, group]
    assert ready == (group, ())
    assert waiting[0].warnings == (*group.warnings, warning)
    assert waiting[1] == waits


def test_a_digest_is_remembered_until_the_file_is_touched_and_in_later_scans_too(tmp_path: Path) -> None:
    asked: list[str] = []

    def digest(db: ScanDb, identity: Identity, algorithm: str = "blake3", path: bytes = b"/a") -> str | None:
        def compute() -> str:
            asked.append(algorithm)
            return f"{algorithm}:00"

        return db.digest(path, identity, algorithm, compute)

    with ScanDb.open(finished(tmp_path / "1.db")) as db:
        assert [digest(db, IDENTITY), digest(db, IDENTITY), digest(db, IDENTITY, "md5")] == [
            "blake3:00",
            "blake3:00",
            "md5:00",
        ]
        assert asked == ["blake3", "md5"]
        assert digest(db, IDENTITY._replace(ctime_ns=6)) == "blake3:00"
        assert asked == ["blake3", "md5", "blake3"]
        assert digest(db, IDENTITY, path=b"/b") == "blake3:00"  # another file may have its numbers after the next mount
    with ScanDb.open(finished(tmp_path / "2.db", tmp_path / "1.db")) as db:
        assert digest(db, IDENTITY) == "blake3:00"
    assert len(asked) == 4


def test_the_next_scan_knows_what_the_last_one_saw(tmp_path: Path) -> None:
    state = FolderState(1, b"digest", 10, 3)
    with create(tmp_path / "1.db") as db:
        audio(db, b"1")
        db.set_folder_states([state])
        db.finish({})
    with create(tmp_path / "2.db", tmp_path / "1.db") as db:
        assert db.folder_states() == {b"album": state}
        assert db.same_options
        assert db.add_folder(b"other") == 2
    with create(tmp_path / "3.db", tmp_path / "1.db", boot="another", options="[]") as db:
        assert db.folder_states() == {b"album": state._replace(samples=0)}
        assert not db.same_options


@pytest.mark.parametrize("how", ["garbage", "interrupted", "other root", "other code", "gone"])
def test_a_file_that_cannot_be_carried_on_from_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    previous = tmp_path / "1.db"
    if how == "garbage":
        previous.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)
    elif how != "gone":
        with create(previous, root=b"/other" if how == "other root" else ROOT) as db:
            audio(db, b"1")
            db.finish({})
    if how == "interrupted":
        with sqlite3.connect(previous) as sql:
            sql.execute("UPDATE scan SET stats = NULL")
        sql.close()
    if how == "other code":
        monkeypatch.setattr(scanschema, "code_version", lambda: "newer")
    with create(tmp_path / "2.db", previous) as db:
        assert db.folder_states() == {}


def test_a_file_damaged_when_the_machine_went_down_is_not_carried_on_from(tmp_path: Path) -> None:
    with create(tmp_path / "1.db") as db:
        audio(db, *(b"%d" % number for number in range(2000)))
        db.finish({})
    size = (tmp_path / "1.db").stat().st_size
    with (tmp_path / "1.db").open("r+b") as file:
        file.seek(size - 2 * 16384)
        file.write(bytes(16384))  # a page that never reached the disk
    with create(tmp_path / "2.db", tmp_path / "1.db", boot="another") as db:
        assert db.folder_states() == {}


_DIE_WRITING = """
import os, sqlite3, sys
sql = sqlite3.connect(sys.argv[1], isolation_level=None)
sql.execute("PRAGMA cache_size = 1")
sql.execute("BEGIN")
for number in range(2000):
    sql.execute("INSERT INTO content_digest (path) VALUES (?)", (os.urandom(99),))
os._exit(1)"""


def test_a_scan_into_which_a_digest_was_being_written_when_its_process_died_is_carried_on_from(tmp_path: Path) -> None:
    with create(tmp_path / "1.db") as db:
        audio(db, b"1")
        db.finish({})
    subprocess.run([sys.executable, "-c", _DIE_WRITING, tmp_path / "1.db"], check=False)
    assert (tmp_path / "1.db-journal").exists()
    with create(tmp_path / "2.db", tmp_path / "1.db") as db:
        assert list(db.folder_states()) == [b"album"]


def test_nobody_writes_into_a_scan_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path / "1.db")

    def write_meanwhile(previous: Path, _: Path) -> None:
        with (
            closing(sqlite3.connect(previous, timeout=0)) as sql,
            pytest.raises(sqlite3.OperationalError, match="lock"),
        ):
            sql.executescript("INSERT INTO content_digest (path) VALUES ('x')")

    monkeypatch.setattr(shutil, "copyfile", write_meanwhile)
    assert scanschema.copy(tmp_path / "1.db", tmp_path / "2.db", "boot")


def test_a_finished_scan_that_turns_out_to_be_damaged_is_removed(tmp_path: Path) -> None:
    with create(tmp_path / "1.db") as db:
        audio(db, *(b"%d" % number for number in range(2000)))
        db.finish({})
    with (tmp_path / "1.db").open("r+b") as file:
        file.seek(2 * 16384)
        file.write(bytes((tmp_path / "1.db").stat().st_size - 2 * 16384))
    with pytest.raises(Retryable, match="is damaged") as told, ScanDb.open(tmp_path / "1.db") as scan:
        scan.files(range(3000))
    assert told.value.reason_code == "scan_db_damaged"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("page", range(16))
def test_whatever_page_of_a_scan_is_damaged_has_a_code(tmp_path: Path, page: int) -> None:
    finished(tmp_path / "1.db")
    with (tmp_path / "1.db").open("r+b") as file:
        file.seek(page * 16384 + (100 if page == 0 else 0))  # behind the header of the file
        file.write(b"\xff" * 8000)
    told = []
    for is_new in (True, False):
        with suppress(Rejected):
            try:
                with create(tmp_path / "2.db", tmp_path / "1.db") if is_new else ScanDb.open(tmp_path / "1.db"):
                    pass
            except Retryable as error:
                told.append(error.reason_code)
    assert {"scan_db_damaged"}.issuperset(told)
    assert [path.name for path in tmp_path.iterdir()] == ["1.db"]


def test_only_a_finished_scan_is_opened(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE scan (stats)").connection.close()
    for name in ("text.db", "other.db", "missing.db"):
        with pytest.raises(Rejected):
            ScanDb.open(tmp_path / name)
    assert not (tmp_path / "missing.db").exists()


def test_an_interrupted_scan_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), create(tmp_path / "x.db"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_reason_to_try_again(tmp_path: Path) -> None:
    scan = create(tmp_path / "s.db")
    scan._sql.execute("PRAGMA max_page_count = 1")
    scan.add_ignored([Reason("ignored", "x" * 1000, b"%d" % n) for n in range(1000)])
    with pytest.raises(Retryable, match="is the disk full") as told, scan:
        scan.flush()
    assert told.value.reason_code == "scan_db_failed"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "mistake",
    [
        lambda scan: scan.strike(("no", "text"), 1),
        lambda scan: scan._sql.execute("SELECT nosuch FROM scan"),
        lambda scan: scan._sql.executemany("INSERT INTO folder VALUES (?, ?, x'', 0, 0)", [(1, b"a"), (1, b"b")]),
    ],
)
def test_a_mistake_of_ours_is_not_told_as_a_full_disk(tmp_path: Path, mistake: Callable[[NewScan], object]) -> None:
    with pytest.raises(sqlite3.Error), create(tmp_path / "s.db") as scan:
        mistake(scan)
    nothing: Any = ("no", "text")
    with pytest.raises(sqlite3.Error):
        create(tmp_path / "s.db", boot=nothing)
    assert not list(tmp_path.iterdir())


def test_a_scan_db_is_ours_alone_and_never_written_over(tmp_path: Path) -> None:
    path = finished(tmp_path / "new" / "folder" / "x.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Misconfigured, match="cannot be made"):
        create(path)


def test_the_newest_finished_scan_of_the_same_root_is_found(tmp_path: Path) -> None:
    assert newest(tmp_path / "missing", ROOT) is None
    paths = [new_path(tmp_path, ROOT, STARTED + dt.timedelta(seconds=n), f"{9 - n}") for n in range(4)]
    for path in paths[:3]:
        finished(path)
    paths[3].write_bytes(b"")
    finished(new_path(tmp_path, b"/other", STARTED + dt.timedelta(days=1), "x"), root=b"/other")
    assert newest(tmp_path, ROOT) == paths[2]
    assert newest(tmp_path, b"/elsewhere") is None


def test_a_scan_is_the_newest_also_after_the_clock_was_set_back(tmp_path: Path) -> None:
    ahead = finished(new_path(tmp_path, ROOT, STARTED + dt.timedelta(days=1000), "x"))
    finished(ahead.with_name(ahead.name.replace("x.db", "a copy.db")))  # a person's
    for n in range(3):
        made = finished(new_path(tmp_path, ROOT, STARTED + dt.timedelta(seconds=n), "x"))
        assert newest(tmp_path, ROOT) == made
    made.with_name(made.name[:15] + "mine.db").write_bytes(b"")
    finished(new_path(tmp_path, ROOT, STARTED, "x"))


def test_pruning_keeps_the_newest_finished_scans_of_each_root(tmp_path: Path) -> None:
    paths = [finished(new_path(tmp_path, ROOT, STARTED + dt.timedelta(seconds=n), "x")) for n in range(4)]
    killed, begun = (paths[0].with_name(paths[place].name.replace("x.db", "z.db")) for place in (1, 3))
    for half in (killed, begun):  # before the newest was finished, and since
        half.write_bytes(b"half")
    other = new_path(tmp_path, b"/other", STARTED, "x")
    other.write_bytes(b"somebody is writing this")
    (tmp_path / "notes.txt").write_text("mine")
    assert prune(tmp_path, ROOT, 2) == 3
    assert sorted(tmp_path.iterdir()) == sorted([*paths[2:], begun, other, tmp_path / "notes.txt"])
    assert prune(tmp_path, ROOT, 2) == 0


def test_pruning_leaves_the_scan_that_somebody_makes_at_the_time(tmp_path: Path) -> None:
    old = finished(new_path(tmp_path, ROOT, STARTED, "x"))
    with create(new_path(tmp_path, ROOT, STARTED, "y"), old) as scan:
        assert prune(tmp_path, ROOT, 0) == 1
        scan.finish({})
    assert list(tmp_path.iterdir()) == [scan.path]


def test_a_file_that_shrank_by_much_is_packed_when_it_is_carried_over(tmp_path: Path) -> None:
    with create(tmp_path / "1.db") as db:
        audio(db, *(os.urandom(200) for _ in range(3000)))
        db.finish({})
    with create(tmp_path / "2.db", tmp_path / "1.db") as db:
        db.drop_folders([1])
        db.forget_vanished()  # as a cycle does that moved them away
        db.finish({})
    finished(tmp_path / "3.db", tmp_path / "2.db")
    assert (tmp_path / "3.db").stat().st_size * 2 < (tmp_path / "1.db").stat().st_size


def test_what_goes_away_while_it_is_scanned_for_the_first_time_is_known_since_never(tmp_path: Path) -> None:
    with create(tmp_path / "1.db") as db:
        audio(db, b"01.mp3", b"02.mp3")
        db.forget_files([1])
        db.finish({})
        assert db.vanished() == Vanished({}, None)  # 02.mp3 has its content
