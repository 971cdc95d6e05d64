"""A scan of real files: what is carried over, what is found again, what has to wait; and messy trees do no harm."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from config.errors import Misconfigured, Stopped
from config.reasons import Reason
from scanner import checksums, strikes
from scanner.identity import SECOND_NS
from scanner.newscan import NewScan
from scanner.options import Clock, Progress, ScanOptions, ScanStats, silent
from scanner.readiness import PATIENCE_NS, unfinished_reasons
from scanner.scan import scan_folder, scan_into
from scanner.scandb import ScanDb
from scanner.strikes import count
from scanner.tags import pool
from scanner.walk import Folder, Listed
from tests.music import write_track

ALBUM = "Artist - Album (1999)"


def wav(path: Path, samples: int = 800) -> Path:
    """Write a tenth of a second of silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + samples, b"WAVEfmt ", 16, 1, 1, 8000, 8000, 1, 8, b"data", samples
    )
    path.write_bytes(header + bytes(samples))
    return path


class Time:
    """A clock that only moves when somebody waits; `meanwhile` happens during each wait."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waited: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.boot = "boot-1"

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float, /) -> None:
        self.waited.append(seconds)
        self.seconds += seconds
        self.meanwhile()

    def clock(self) -> Clock:
        return Clock(self.boot, lambda: int(self.seconds * 1_000_000_000))


class Inbound:
    """An inbound folder and the scans made of it, one carrying on from the other."""

    def __init__(self, place: Path) -> None:
        self.root = place / "inbound"
        self.root.mkdir()
        self.dbs = place / "dbs"
        self.time = Time()
        self.last: Path | None = None
        self.progress: Progress = silent
        self.stats: ScanStats

    def scan(
        self, quiet_seconds: float = 0, *, settle: bool = True, workers: int = 1, patterns: tuple[str, ...] = ()
    ) -> ScanStats:
        options = ScanOptions(quiet_seconds, settle, workers, patterns)
        self.last, self.stats = scan_into(
            self.dbs, os.fsencode(self.root), options, self.time, self.progress, self.time.clock()
        )
        return self.stats

    def groups(self) -> dict[bytes, tuple[list[str], list[Reason]]]:
        """Return for each group, by its home, why it waits and what was warned of."""
        assert self.last
        with ScanDb.open(self.last) as db:
            return {group.home: ([w.code for w in waits], list(group.warnings)) for group, waits in db.groups()}

    def waits(self) -> dict[bytes, list[str]]:
        return {home: waits for home, (waits, _) in self.groups().items()}

    def verdicts(self) -> dict[str, tuple[str, int]]:
        """Return for each group, by its key, the verdict and how many tracks it has."""
        assert self.last
        with ScanDb.open(self.last) as db:
            return {group.key: (group.verdict, len(group.tracks)) for group, _ in db.groups()}

    def problems(self) -> list[str | None]:
        """Return what was wrong with each track."""
        assert self.last
        with NewScan.open(self.last) as db:
            return [track.problem for track in db.grouping.tracks()]

    def vanished(self) -> set[bytes]:
        """Return the music that went away."""
        assert self.last
        with ScanDb.open(self.last) as db:
            return set(db.vanished().files)

    def ignored(self) -> dict[bytes | None, str]:
        assert self.last
        with ScanDb.open(self.last) as db:
            return {reason.path: reason.code for reason in db.ignored()}


@pytest.fixture
def inbound(tmp_path: Path) -> Inbound:
    return Inbound(tmp_path)


@pytest.fixture
def no_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make it impossible to read tags from now on."""

    def forbid() -> None:
        monkeypatch.setattr(pool.TagPool, "__enter__", lambda _: pytest.fail("tags are read again"))

    return forbid


def test_an_album_is_found_read_and_ready(inbound: Inbound) -> None:
    for number in (1, 2):
        wav(inbound.root / ALBUM / f"0{number} - Title.wav")
    (inbound.root / ALBUM / "cover.jpg").write_bytes(b"picture")
    stats = inbound.scan()
    assert (stats.files, stats.audio, stats.read, stats.carried, stats.groups, stats.waiting) == (3, 2, 2, 0, 1, 0)
    assert inbound.last
    with ScanDb.open(inbound.last) as db:
        [(group, waits)] = db.groups()
        records = db.files([track.file_id for track in group.tracks] + list(group.sides))
    assert waits == ()
    first = records[group.tracks[0].file_id]
    assert first.path == os.fsencode(f"{ALBUM}/01 - Title.wav")
    assert first.identity.ino == (inbound.root / ALBUM / "01 - Title.wav").stat().st_ino
    assert first.facts is not None
    assert (first.facts.codec, first.facts.duration_ms, first.role) == ("pcm", 100, "audio")
    assert [records[side].role for side in group.sides] == ["picture"]


def test_nothing_is_opened_while_nothing_changes(inbound: Inbound, no_reader: Callable[[], None]) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    wav(inbound.root / "B - Two" / "01.wav")
    inbound.scan()
    no_reader()
    opened: list[object] = []
    watching = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(inbound.root) in str(arguments[0]):
            opened.append(arguments[0])

    sys.addaudithook(note)
    stats = inbound.scan()
    assert (stats.carried, opened) == (2, [])
    with (inbound.root / ALBUM / "01.wav").open("ab") as file:
        file.write(b"x")
    assert len(opened) == 1, "the hook sees what is opened"
    watching = False


def test_facts_of_an_unchanged_tree_are_carried(inbound: Inbound, no_reader: Callable[[], None]) -> None:
    for number in (1, 2):
        wav(inbound.root / ALBUM / f"0{number}.wav")
    inbound.scan()
    before = inbound.groups()
    no_reader()
    stats = inbound.scan()
    assert (stats.read, stats.carried, stats.groups) == (0, 2, 1)
    assert inbound.groups() == before
    assert inbound.scan(quiet_seconds=0).waiting == 0


def test_only_the_file_that_was_touched_is_read_again(inbound: Inbound) -> None:
    kept, edited, gone = (wav(inbound.root / ALBUM / f"0{number}.wav") for number in (1, 2, 3))
    inbound.scan()
    wav(edited, samples=1600)
    gone.unlink()
    wav(inbound.root / ALBUM / "04.wav")
    stats = inbound.scan()
    assert (stats.audio, stats.read, stats.carried) == (3, 2, 1)
    assert inbound.last
    with ScanDb.open(inbound.last) as db:
        [(group, _)] = db.groups()
        found = {
            r.path.rpartition(b"/")[2]: r.facts and r.facts.duration_ms
            for r in db.files(t.file_id for t in group.tracks).values()
        }
    assert found == {b"01.wav": 100, b"02.wav": 200, b"04.wav": 100}
    assert kept.exists()


def test_an_album_that_left_is_forgotten(inbound: Inbound) -> None:
    wav(inbound.root / "A - One" / "01.wav")
    wav(inbound.root / "B - Two" / "01.wav")
    inbound.scan()
    shutil.rmtree(inbound.root / "A - One")
    stats = inbound.scan()
    assert (stats.folders, stats.files, stats.groups) == (2, 1, 1)
    assert set(inbound.groups()) == {b"B - Two"}


def test_what_is_left_behind_does_not_become_another_album_when_its_neighbours_have_gone(inbound: Inbound) -> None:
    folder = inbound.root / "mixed"
    folder.mkdir()
    for n in (1, 2):
        write_track(folder / f"a{n}.flac", title=f"A{n}", artist="Bo", album="First", track=str(n))
        write_track(folder / f"b{n}.flac", title=f"B{n}", artist="Cy", album="Second", track=str(n))
    for n in (1, 2, 3):
        write_track(folder / f"{n} c.flac", title=f"C{n}", album="Third", track=str(n))
    write_track(folder / "4 left.flac", title="Left", artist="Bo", track="4")
    inbound.scan()
    before = inbound.verdicts()
    assert len(before) == 4
    for gone in [*folder.glob("a*"), *folder.glob("b*")]:
        gone.unlink()
    inbound.scan()
    assert inbound.verdicts() == {key: before[key] for key in before if key.split("/")[1] not in ("first", "second")}
    write_track(folder / "5 c.flac", title="C5", album="Third", track="5")  # news: now it is all looked at afresh
    inbound.scan()
    assert inbound.verdicts() == {"album:bo/third": ("take", 5)}


def test_a_copy_that_loses_a_file_does_not_take_the_key_of_the_other_one(inbound: Inbound) -> None:
    for folder, tracks in (("one", 3), ("two", 2)):
        (inbound.root / folder).mkdir()
        for n in range(tracks):
            write_track(
                inbound.root / folder / f"{n}.flac", title=f"A{n}", artist="Bo", album="First", track=str(n + 1)
            )
    inbound.scan()
    assert inbound.verdicts() == {"album:bo/first": ("take", 3), "album:bo/first#two": ("take", 2)}
    (inbound.root / "two" / "1.flac").unlink()
    inbound.scan()
    assert inbound.verdicts() == {"album:bo/first": ("take", 3), "album:bo/first#two": ("take", 1)}


def test_patterns_of_the_admin_take_effect_at_once(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    wav(inbound.root / ALBUM / "sample.wav")
    assert inbound.scan().audio == 2
    stats = inbound.scan(patterns=("sample.*",))
    assert (stats.audio, stats.read) == (1, 0)
    assert inbound.ignored() == {os.fsencode(f"{ALBUM}/sample.wav"): "ignored_by_pattern"}


def test_new_music_is_looked_at_three_times_over_the_quiet_period_and_then_taken(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    assert inbound.scan(60).waiting == 0
    assert inbound.time.waited == [30, 30]
    assert inbound.scan(60).waiting == 0
    assert inbound.time.waited == [30, 30], "nothing is new, so nothing is waited for"


def test_a_long_quiet_period_is_waited_for_by_several_scans_and_not_within_one(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    waiting = []
    for _ in range(4):
        waiting.append(inbound.scan(3600).waiting)
        inbound.time.seconds += 1800
    assert (waiting, inbound.time.waited) == ([1, 1, 0, 0], [])


def test_an_old_modification_time_does_not_make_a_file_quiet(inbound: Inbound) -> None:
    os.utime(wav(inbound.root / ALBUM / "01.wav"), (0, 0))
    inbound.scan(60, settle=False)
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"]}


def test_without_staying_looks_of_several_scans_add_up(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    waiting = []
    for seconds in (0, 40, 19, 1):
        inbound.time.seconds += seconds
        waiting.append(inbound.scan(60, settle=False).waiting)
    assert waiting == [1, 1, 1, 0]
    assert inbound.time.waited == []


def test_what_a_look_takes_after_it_saw_a_folder_is_no_time_in_which_that_was_quiet(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "1.wav")

    def be_slow(stage: str, done: int, _: int | None) -> None:
        inbound.time.seconds += 100 if (stage, done) == ("walk", 2) and inbound.time.seconds >= 1020 else 0

    inbound.progress = be_slow
    for _ in range(3):
        inbound.scan(60, settle=False)
        inbound.time.seconds += 10
    assert inbound.waits() == {ALBUM.encode(): ["still_changing"]}  # seen at 0, 10 and 20 seconds
    inbound.scan(60, settle=False)
    assert inbound.waits() == {ALBUM.encode(): []}


def test_a_folder_is_counted_up_to_the_looks_it_needs_and_then_its_row_stays(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    rows = []
    for _ in range(5):
        inbound.time.seconds += 10
        inbound.scan(60, settle=False)
        assert inbound.last
        with closing(sqlite3.connect(inbound.last)) as sql:
            rows.append(sql.execute("SELECT * FROM folder ORDER BY id").fetchall())
    assert rows[0] != rows[1] != rows[2] == rows[3] == rows[4]
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"]}


@pytest.fixture
def renumber(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let every file have another inode number from now on, as many programs behind a mount do."""
    make, count = Folder.of, 0

    def renumbered(path: bytes, files: list[Listed], devices: list[int], ignored: list[Reason]) -> Folder:
        others = [(name, ino + count, *numbers) for name, ino, *numbers in files]
        return make(path, cast("list[Listed]", others), devices, ignored)

    def other() -> None:
        nonlocal count
        count += 1
        monkeypatch.setattr(Folder, "of", renumbered)

    return other


@pytest.mark.parametrize(("old", "reads"), [(True, [1, 0, 0, 0]), (False, [1, 1, 1, 1])])
def test_a_file_that_is_numbered_anew_is_as_quiet_as_before_and_read_again_only_if_it_may_be_another(
    inbound: Inbound, renumber: Callable[[], None], *, old: bool, reads: list[int]
) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    if old:  # else both of its times are of its writing, and are the same
        os.utime(file, (1, 1))
    waiting, read = [], []
    for seconds in (0, 40, 19, 1):
        inbound.time.seconds += seconds
        renumber()
        stats = inbound.scan(60, settle=False)
        waiting.append(stats.waiting)
        read.append(stats.read)
    assert (waiting, read) == ([1, 1, 1, 0], reads)


def test_a_file_put_in_the_place_of_another_is_read_also_where_numbers_are_others_each_time(
    inbound: Inbound, renumber: Callable[[], None]
) -> None:
    kept, edited, gone = (wav(inbound.root / ALBUM / f"0{number}.wav") for number in (1, 2, 3))
    for file in (kept, edited, gone):
        os.utime(file, (1, 1))
    inbound.scan(60, settle=False)
    renumber()
    os.utime(wav(inbound.root / "new.wav"), (1, 1))
    (inbound.root / "new.wav").rename(edited)
    gone.unlink()
    inbound.time.seconds += 60
    stats = inbound.scan(60, settle=False)
    assert (stats.audio, stats.read, stats.waiting) == (2, 1, 1)
    assert inbound.vanished() == {os.fsencode(gone.relative_to(inbound.root))}


def test_music_that_got_another_name_and_number_has_not_vanished(
    inbound: Inbound, renumber: Callable[[], None]
) -> None:
    for number in (1, 2):
        os.utime(wav(inbound.root / ALBUM / f"{number}.wav"), (number, number))
    inbound.scan()
    (inbound.root / ALBUM).rename(inbound.root / "Artist - Another")
    renumber()
    inbound.scan()
    assert inbound.vanished() == set()
    (inbound.root / "Artist - Another" / "1.wav").unlink()
    inbound.scan()
    assert inbound.vanished() == {f"{ALBUM}/1.wav".encode(), b"Artist - Another/1.wav"}


def test_music_that_gets_another_name_while_its_folder_is_about_to_be_listed_has_not_vanished(inbound: Inbound) -> None:
    wav(inbound.root / "Artist" / ALBUM / "1.wav")
    wav(inbound.root / "Other" / "1.wav")
    inbound.scan()

    def rename(stage: str, done: int, _: int | None) -> None:
        if (stage, done) == ("walk", 1) and (inbound.root / "Artist").exists():
            (inbound.root / "Artist").rename(inbound.root / "An Artist")  # its parent was listed with the old name

    inbound.progress = rename
    assert inbound.scan().audio == 2
    assert inbound.vanished() == set()


def test_a_disc_that_gets_another_name_while_it_is_about_to_be_listed_leaves_no_half_album(inbound: Inbound) -> None:
    for disc in ("CD1", "CD2"):
        wav(inbound.root / ALBUM / disc / "1.wav")
    inbound.scan()

    def rename(stage: str, done: int, _: int | None) -> None:
        if (stage, done) == ("walk", 2) and (inbound.root / ALBUM / "CD2").exists():
            (inbound.root / ALBUM / "CD2").rename(inbound.root / ALBUM / "CD 2")

    inbound.progress = rename
    inbound.scan()
    assert [tracks for _, tracks in inbound.verdicts().values()] == [2]


def test_an_album_that_grows_while_we_wait_is_left_for_later(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    wav(inbound.root / "B - Quiet" / "01.wav")
    inbound.time.meanwhile = lambda: wav(file, 800 + len(inbound.time.waited))
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"], b"B - Quiet": []}


def test_a_second_disc_that_comes_while_we_wait_holds_the_first_one_back(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "CD1" / "01.wav")
    inbound.time.meanwhile = lambda: (
        wav(inbound.root / ALBUM / "CD2" / "01.wav") if len(inbound.time.waited) == 2 else None
    )
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"]}


def test_after_a_restart_of_the_machine_looks_count_from_the_beginning(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    for _ in range(2):
        inbound.scan(60, settle=False)
        inbound.time.seconds += 60
    inbound.time.boot, inbound.time.seconds = "boot-2", 5.0
    stats = inbound.scan(60, settle=False)
    assert (stats.carried, stats.waiting) == (1, 1)
    inbound.time.seconds += 60
    assert [inbound.scan(60, settle=False).waiting for _ in range(2)] == [1, 0]


def test_an_album_that_was_ready_waits_again_when_a_file_of_it_has_gone(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    second = wav(inbound.root / ALBUM / "02.wav")
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): []}
    second.unlink()
    inbound.scan(60, settle=False)
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"]}


def test_an_album_that_was_ready_waits_again_when_a_longer_quiet_period_is_set(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): []}
    inbound.scan(3600, settle=False)
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"]}


def test_an_album_that_lost_a_track_does_not_take_the_pictures_of_another_one_below_it(inbound: Inbound) -> None:
    for number in (1, 2):
        for folder, album in ((inbound.root / "a", "Low"), (inbound.root / "a" / "Scans", "High")):
            folder.mkdir(exist_ok=True)
            write_track(folder / f"{number}.flac", title=f"Song {number}", artist="Ada", album=album)
    (inbound.root / "a" / "Scans" / "cover.jpg").write_bytes(b"x")

    def owners() -> list[str]:
        assert inbound.last
        with ScanDb.open(inbound.last) as db:
            return [group.key for group, _ in db.groups() if group.sides]

    inbound.scan()
    assert owners() == ["album:ada/high"]
    (inbound.root / "a" / "2.flac").unlink()
    inbound.scan()
    assert owners() == ["album:ada/high"]


def test_an_unfinished_download_holds_its_album_up_and_no_other(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    part = wav(inbound.root / ALBUM / "02.wav.part")
    wav(inbound.root / "B - Two" / "01.wav")
    (inbound.root / "B - Two" / "01.wav.aria2").write_bytes(b"")
    wav(inbound.root / "C - Three" / "01.wav")
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): ["partial_download"], b"B - Two": ["temp_sibling"], b"C - Three": []}
    part.rename(part.with_suffix(""))
    inbound.scan()
    assert inbound.waits()[os.fsencode(ALBUM)] == []


def test_an_album_that_was_ready_waits_when_a_download_into_it_begins(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    inbound.scan()
    (inbound.root / ALBUM / "02.wav.part").write_bytes(b"")
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): ["partial_download"]}


def test_a_file_that_is_cut_short_waits_a_day_and_is_then_taken_with_a_warning(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    os.truncate(file, 400)
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["truncated"]}
    inbound.time.seconds += 24 * 3600
    inbound.scan(60)
    [(waits, warnings)] = inbound.groups().values()
    assert waits == []
    assert [w.path for w in warnings if w.code == "truncated"] == [os.fsencode(f"{ALBUM}/01.wav")]


def test_a_file_that_is_cut_short_holds_up_its_own_album_and_no_other_of_its_folder(inbound: Inbound) -> None:
    folder = inbound.root / ALBUM
    folder.mkdir()
    for number, album in enumerate(("Low", "Low", "High", "High")):
        write_track(folder / f"{number}.flac", title=f"Song {number}", artist="Ada", album=album)
    os.truncate(folder / "3.flac", (folder / "3.flac").stat().st_size // 2)
    inbound.scan(60)
    assert inbound.last
    with ScanDb.open(inbound.last) as db:
        waits = {group.key: [why.code for why in found] for group, found in db.groups()}
    assert waits == {"album:ada/high": ["truncated"], "album:ada/low": []}


def test_without_a_quiet_period_a_file_that_is_cut_short_is_taken_at_once_with_a_warning(inbound: Inbound) -> None:
    os.truncate(wav(inbound.root / ALBUM / "01.wav"), 400)
    inbound.scan()
    [(waits, warnings)] = inbound.groups().values()
    assert waits == []
    assert "truncated" in [warning.code for warning in warnings]


def test_an_album_waits_for_all_its_list_of_checksums_names_and_then_says_what_differs(inbound: Inbound) -> None:
    first, second = wav(inbound.root / ALBUM / "01.wav"), inbound.root / ALBUM / "02.wav"
    crc = zlib.crc32(first.read_bytes())
    sfv = inbound.root / ALBUM / "album.sfv"
    sfv.write_text(f"; made elsewhere\n01.WAV {crc:08X}\n02.wav {crc:08X}\ninfo.txt 00000000\n")
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["listed_file_missing"]}
    wav(second, samples=900)
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["checksum_differs"]}
    shutil.copy(first, second)
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): []}


def test_what_is_not_as_listed_for_a_day_is_taken_with_a_warning(inbound: Inbound) -> None:
    os.truncate(wav(inbound.root / ALBUM / "01.wav"), 400)
    (inbound.root / ALBUM / "album.sfv").write_text("01.wav 00000000\n")
    inbound.scan(60)
    assert inbound.waits() == {os.fsencode(ALBUM): ["truncated"]}, "its checksum is asked for once it looks whole"
    inbound.time.seconds += 24 * 3600
    inbound.scan(60)
    [(waits, warnings)] = inbound.groups().values()
    assert waits == []
    assert {"checksum_differs", "truncated"} <= {warning.code for warning in warnings}


def readers_died(inbound: Inbound, name: bytes | None = None) -> None:
    """Let the last scan say that its readers were killed, which the system does when memory runs out."""
    assert inbound.last
    with closing(sqlite3.connect(inbound.last)) as sql, sql:
        killed = "UPDATE reading SET problem = 'reader_killed', message = 'x', title = NULL"
        sql.execute(f"{killed} WHERE file_id IN (SELECT id FROM file WHERE name = coalesce(?, name))", (name,))
    with NewScan.open(inbound.last) as db:
        count(db)


def test_content_on_which_three_readers_died_is_not_read_again_whatever_it_is_called(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    for died in range(3):
        assert inbound.scan().read == 1, f"it was not tried again after {died} deaths"
        readers_died(inbound)
    copy = inbound.root / "Elsewhere" / "copy.wav"
    copy.parent.mkdir()
    shutil.copyfile(file, copy)
    wav(inbound.root / "Other" / "same size.wav").write_bytes(file.read_bytes()[:-1] + b"\x01")
    inbound.scan()
    assert inbound.last
    with NewScan.open(inbound.last) as db:
        problems = {track.name: track.problem for track in db.grouping.tracks()}
    assert problems == {b"01.wav": "reader_gave_up", b"copy.wav": "reader_gave_up", b"same size.wav": None}
    file.write_bytes(file.read_bytes() + b"\0\0")
    inbound.scan()
    with NewScan.open(inbound.last) as db:
        assert {t.name for t in db.grouping.tracks() if t.problem} == {b"copy.wav"}


def test_an_album_waits_for_a_file_on_which_a_reader_died_until_it_is_read(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    inbound.scan()
    readers_died(inbound)
    assert inbound.last
    with NewScan.open(inbound.last) as db:
        files = [*db.grouping.doubtful_files().values()]
    waits, _ = unfinished_reasons(files, 0, SECOND_NS)
    assert [reason.code for reason in waits] == ["reader_killed"]
    assert unfinished_reasons(files, PATIENCE_NS, SECOND_NS) == ((), ()), "for a day"
    inbound.scan(60)
    assert (inbound.problems(), inbound.waits()) == ([None], {os.fsencode(ALBUM): []})


def test_so_do_the_others_of_its_folder_for_nobody_knows_whose_it_is(
    inbound: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound.root / ALBUM).mkdir()
    for number, album in enumerate(("Low", "Low", "Low", "High", "High")):
        write_track(inbound.root / ALBUM / f"{number}.mp3", title=f"Song {number}", artist="Ada", album=album)
    for number in range(2):
        wav(inbound.root / f"loose {number}.wav", number)
    monkeypatch.setattr(strikes, "STRIKES", 1)
    monkeypatch.setattr(strikes, "_GIVEN_UP", ("reader_killed", "x"))  # so each scan meets it
    inbound.scan(60)
    readers_died(inbound, b"4.mp3")
    readers_died(inbound, b"loose 0.wav")
    wav(inbound.root / "elsewhere" / "1.wav")
    inbound.scan(60)
    assert inbound.last
    with ScanDb.open(inbound.last) as db:
        waits = {group.key: [(why.code, why.path) for why in found] for group, found in db.groups()}
    killed = [("reader_killed", os.fsencode(f"{ALBUM}/4.mp3"))]
    assert sorted(waits.values()) == [[], [], killed, killed, [("reader_killed", b"loose 0.wav")]]


@pytest.mark.parametrize("days", [2, -400], ids=["later", "by a clock that was wrong"])
def test_what_was_given_up_is_tried_once_a_day_for_it_may_have_been_the_memory_of_the_machine(
    inbound: Inbound, days: int
) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    for _ in range(3):
        inbound.scan()
        readers_died(inbound)
    for _ in range(2):
        assert inbound.scan().audio == 1
        assert inbound.problems() == ["reader_gave_up"]
    assert inbound.last
    at = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
    with closing(sqlite3.connect(inbound.last)) as sql, sql:
        sql.execute("UPDATE strike SET last = ?", (at,))
    inbound.scan()
    assert inbound.problems() == [None]
    readers_died(inbound)
    inbound.scan()
    assert inbound.problems() == ["reader_gave_up"], "the day begins anew"


WRITER = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"


def test_a_file_that_is_open_for_writing_waits_even_without_a_quiet_period(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    arguments = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()
        for _ in range(2):  # it is looked at again as long as it did not pass
            inbound.scan()
            assert inbound.waits() == {os.fsencode(ALBUM): ["open_for_writing"]}
        writer.communicate()
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): []}


def test_a_file_whose_room_is_only_reserved_waits(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    with (inbound.root / ALBUM / "scans.pdf").open("wb") as reserved:
        reserved.truncate(1 << 20)
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): ["sparse_file"]}


def test_a_file_that_changes_between_walk_and_reading_makes_its_album_wait(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    wav(inbound.root / "B - Two" / "01.wav")  # the walk is here before anything is handed over to be read

    def meddle(stage: str, done: int, _total: int | None) -> None:
        if (stage, done) == ("walk", 3):
            wav(file, 1600)

    inbound.progress = meddle
    inbound.scan()
    assert inbound.waits() == {os.fsencode(ALBUM): ["still_changing"], b"B - Two": []}
    inbound.progress = silent
    assert (inbound.scan().waiting, inbound.stats.read) == (0, 0)


def test_what_is_read_again_while_it_settles_counts_once(inbound: Inbound) -> None:
    file = wav(inbound.root / ALBUM / "01.wav")
    inbound.time.meanwhile = lambda: wav(file, 1600) if len(inbound.time.waited) == 1 else None
    stats = inbound.scan(60)
    assert (stats.audio, stats.read, stats.carried) == (1, 1, 0)


def test_a_messy_tree_is_told_in_full_and_does_no_harm(inbound: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    album = inbound.root / ALBUM
    wav(album / "01.wav")
    wav(album / os.fsdecode(b"02 \xff\n.wav"))
    (album / "03.wav").write_bytes(b"")
    (album / "04.mp3").write_bytes(b"not music at all" * 100)
    (album / "loop").symlink_to(inbound.root)
    (album / "05.flac").symlink_to("/etc/passwd")
    os.mkfifo(album / "06.flac")
    (album / ".DS_Store").write_bytes(b"junk")
    wav(inbound.root / "_UNPACK_Other" / "01.wav")
    wav(inbound.root.joinpath(*["deep"] * 200) / "01.wav")
    monkeypatch.chdir(album)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("07.flac")
        stats = inbound.scan()
    assert (stats.audio, stats.problems) == (5, 2)
    assert inbound.ignored() == {
        os.fsencode(f"{ALBUM}/loop"): "link",
        os.fsencode(f"{ALBUM}/05.flac"): "link",
        os.fsencode(f"{ALBUM}/06.flac"): "not_a_regular_file",
        os.fsencode(f"{ALBUM}/07.flac"): "not_a_regular_file",
        os.fsencode(f"{ALBUM}/.DS_Store"): "junk",
        b"_UNPACK_Other": "partial_folder",
    }
    assert inbound.last
    with ScanDb.open(inbound.last) as db:
        assert sum(len(group.tracks) for group, _ in db.groups()) == 5


def test_a_scan_that_is_stopped_leaves_nothing_behind(inbound: Inbound) -> None:
    wav(inbound.root / ALBUM / "01.wav")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        scan_into(inbound.dbs, os.fsencode(inbound.root), ScanOptions(), stop)
    assert list(inbound.dbs.iterdir()) == []


def test_a_scan_stops_in_the_middle_of_a_large_file_that_a_list_of_checksums_names(
    inbound: Inbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav(inbound.root / ALBUM / "01.wav", 8)
    (inbound.root / ALBUM / "all.sfv").write_text("01.wav 12345678\n")
    stop, read = threading.Event(), list[int]()

    def some(descriptor: int, size: int) -> bytes:
        read.append(size)
        stop.set()
        assert len(read) < 9, "it goes on"
        return b"x"

    monkeypatch.setattr(checksums, "os", SimpleNamespace(**{**vars(os), "read": some}))
    with pytest.raises(Stopped):
        scan_folder(os.fsencode(inbound.root), inbound.dbs, workers=1, stop=stop)
    assert (len(read), list(inbound.dbs.iterdir())) == (1, [])


def test_a_scan_db_that_was_damaged_is_done_without(inbound: Inbound) -> None:
    for number in range(1000):
        wav(inbound.root / ALBUM / f"{number + 1}.wav", 8)
    folder, root, options = inbound.dbs, os.fsencode(inbound.root), ScanOptions(0)
    last, _ = scan_into(folder, root, options, inbound.time)
    with last.open("r+b") as file:
        file.seek(4 * 16384)
        file.write(bytes(last.stat().st_size - 4 * 16384))
    wav(inbound.root / ALBUM / "new.wav")
    again, stats = scan_into(folder, root, options, inbound.time)
    assert (stats.read, stats.carried) == (1001, 0)
    assert sorted(folder.iterdir()) == [last, again]


def test_a_root_that_is_not_mounted_is_told_and_leaves_no_scan_behind(inbound: Inbound) -> None:
    inbound.root.rmdir()
    with pytest.raises(Misconfigured, match=r"^the folder .* cannot be listed"):
        inbound.scan()
    assert list(inbound.dbs.iterdir()) == []


def test_importing_the_scanner_does_not_import_what_only_a_scan_needs() -> None:
    code = "import sys, scanner.scan; print(sorted({'mutagen', 'PIL', 'watchdog', 'sqlalchemy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
