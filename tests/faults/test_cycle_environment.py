"""The world around a cycle misbehaves: it says so in one sentence, nothing is lost, and all is done once it is over."""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import config.sqlite_file
from processor.transfers.hidden import TX
from tests.faults import ALL
from tests.faults.cycles import Ended, House, converges, forked, lost, music, wrong_items
from tests.faults.libraries import to_publish
from tests.faults.steps import labels, run_until
from tests.faults.trials import Trial, must
from tests.waiting import until

TELLING = ("commit", "link", "switch", "unlink")
CYCLE = ("cycle", "--json")
HELD: list[sqlite3.Connection] = []


def told(ended: Ended) -> dict[str, Any]:
    """The report of a cycle that ended as it should: done, or failed with a reason, and without a traceback."""
    assert "Traceback" not in ended.err, ended.err
    report: dict[str, Any] = json.loads(ended.out)
    assert (ended.status, report["status"]) in ((0, "done"), (1, "failed")), ended
    return report


@contextmanager
def small_disk(place: Path, options: str = "size=8m") -> Iterator[Path]:
    """A file system of its own in memory; skips where none can be mounted."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"it takes the right to mount a file system: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def first_reasons(report: dict[str, Any]) -> list[list[dict[str, str]]]:
    """The reasons of every album."""
    return [album["reasons"] for album in report["albums"]]


def every_kind(steps: list[str], *but: str) -> list[int]:
    """The number of the first step of each kind, without some; of the telling kinds, unless all are asked for."""
    first = {label.split()[0]: n for n, label in reversed([*enumerate(steps, 1)])}
    numbers = sorted(n for kind, n in first.items() if kind not in but and (ALL or kind in TELLING))
    assert numbers, "nothing would be tried"
    return numbers


def test_a_root_that_goes_read_only_at_any_step_is_told_and_then_gone_on_with(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        for n in every_kind(labels(House(disk / "count", workers=1), *CYCLE)):
            house = House(tmp_path / f"{n}", disk / f"{n}", inbound=disk / f"in {n}", workers=1)

            def read_only(_label: str) -> None:
                subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

            status = run_until(house, n, read_only, *CYCLE)
            report = told(house.ended(status))
            assert [*lost(house), *wrong_items(house)] == []
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            if report["status"] == "done":  # then each album says what is left to do, or why it was not tried
                assert all(
                    reasons[0]["code"] in ("read_only", "permission_denied") for reasons in first_reasons(report)
                ), n
            assert converges(house) == [], n


@pytest.mark.parametrize("role", ["inbound", "staging", "library"])
def test_a_disk_that_is_mounted_over_a_root_meanwhile_gets_no_album(tmp_path: Path, role: str) -> None:
    def made(name: str) -> tuple[House, Trial]:
        house = House(tmp_path / name, workers=1)
        if role != "library":
            return house, Trial(CYCLE, converges)
        house.add_library()
        must(house, *CYCLE)
        return house, to_publish(house)

    house, trial = made("count")
    said = ""
    for n in every_kind(labels(house, *trial.command)):
        house, trial = made(f"{n}")
        root = {"inbound": house.inbound, "staging": house.staging, "library": house.library}[role]
        assert root is not None

        def mount(_label: str, place: Path = root) -> None:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)

        with small_disk(tmp_path / f"{n} may be mounted"):
            status = run_until(house, n, mount, *trial.command)
        ended, seen = house.ended(status), music(root)
        subprocess.run(["umount", str(root)], check=True)
        assert "Traceback" not in ended.err, ended.err
        said += ended.out + ended.err
        assert not [path for path in seen if not path.startswith(TX)], n
        assert [*lost(house), *wrong_items(house)] == [], n
        assert trial.converges(house) == [], n
    assert "something was mounted over it" in said


def with_free(count: int) -> int:
    """Return the limit of descriptors that leaves this process so many, whatever holes are among its open ones."""
    used = set(map(int, os.listdir("/proc/self/fd")))
    free = (fd for fd in itertools.count() if fd not in used)
    return next(itertools.islice(free, count - 1, None)) + 1


def test_too_few_descriptors_are_told_and_cost_nothing(quick_path: Path) -> None:
    ends = set()
    for more in range(2, 42) if ALL else (2, 4, 8, 12, 20, 40):
        house = House(quick_path / f"{more}")

        def work(house: House = house, more: int = more) -> None:
            limit = with_free(more)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            house.command(*CYCLE)

        _, status = os.waitpid(forked(work), 0)
        ended = house.ended(os.waitstatus_to_exitcode(status))
        assert "Traceback" not in ended.err
        assert "root_not_mounted" not in ended.out
        assert ended.status in (0, 1)
        ends.add(ended.status)
        assert [*lost(house), *wrong_items(house)] == []
        assert converges(house) == [], more
    assert ends == {0, 1}


@pytest.mark.parametrize("gone", ["folder", "file in its place"])
def test_a_scan_folder_that_goes_away_in_the_cycle_costs_nothing(quick_path: Path, gone: str) -> None:
    for n in every_kind(labels(House(quick_path / "count", workers=1), *CYCLE)):
        house = House(quick_path / f"{n}", workers=1)

        def remove(_label: str, folder: Path = house.data / "scan-db") -> None:
            shutil.rmtree(folder, ignore_errors=True)
            if gone != "folder":
                folder.touch()

        status = run_until(house, n, remove, *CYCLE)
        told(house.ended(status))
        assert [*lost(house), *wrong_items(house)] == []
        if gone != "folder":
            (house.data / "scan-db").unlink(missing_ok=True)
        assert converges(house) == [], n


def test_a_scan_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    with small_disk(tmp_path / "disk", "size=1m,ro") as disk:
        house.set(scan_db_data_path=str(disk / "scans"))
        ended = house.run(*CYCLE)
        report = told(ended)
        assert report["status"] == "failed"
        assert str(disk) in report["error"]["message"]
    house.set(scan_db_data_path="")
    assert converges(house) == []


def test_a_full_disk_under_the_database_is_told_and_costs_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=3m") as disk:
        count = House(tmp_path / "count", workers=1)
        for n in every_kind(labels(count, *CYCLE)):
            house = House(tmp_path / f"{n}", data=disk / f"{n}", workers=1)

            def fill(_label: str) -> None:
                with (disk / "filler").open("wb", buffering=0) as filler:
                    try:
                        while True:
                            filler.write(bytes(512))
                    except OSError:
                        return

            status = run_until(house, n, fill, *CYCLE)
            ended = house.ended(status)
            assert "Traceback" not in ended.err, ended.err
            (disk / "filler").unlink(missing_ok=True)
            assert [*lost(house), *wrong_items(house)] == []
            assert converges(house) == [], n
            shutil.rmtree(disk / f"{n}")


LOCKING = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The database, while another process writes to it."""
    command = [sys.executable, "-c", LOCKING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        yield
        other.kill()  # a forked child has its input, too, so closing that would not end it


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    house = House(tmp_path)
    with locked(house.data / "greenroom.db"):
        child = forked(lambda: house.command(*CYCLE))
        until(lambda: waits_for_a_lock(child))
    _, status = os.waitpid(child, 0)
    ended = house.ended(os.waitstatus_to_exitcode(status))
    assert told(ended)["status"] == "done", ended
    assert converges(house) == []


def waits_for_a_lock(process: int) -> bool:
    """Whether a process sleeps between two looks at a lock."""
    return any("nanosleep" in path.read_text() for path in Path(f"/proc/{process}/task").glob("*/wchan"))


def test_a_database_that_stays_locked_is_told_at_any_step(tmp_path: Path) -> None:
    for n in every_kind(labels(House(tmp_path / "count", workers=1), *CYCLE), "commit"):
        house = House(tmp_path / f"{n}", workers=1)

        def lock(_label: str, path: Path = house.data / "greenroom.db") -> None:
            HELD.append(sqlite3.connect(path, isolation_level=None))  # to the end of the process, which is a child
            HELD[-1].execute("BEGIN IMMEDIATE")

        def impatient() -> None:
            config.sqlite_file.BUSY_MS = 50

        status = run_until(house, n, lock, *CYCLE, before=impatient)
        ended = house.ended(status)
        assert "Traceback" not in ended.err, ended.err
        assert ended.status == 1
        assert [*lost(house), *wrong_items(house)] == []
        assert converges(house) == [], n


@pytest.mark.parametrize("way", ["removed", "replaced", "without its index"])
def test_a_database_file_that_is_not_the_one_any_more_stops_the_cycle(tmp_path: Path, way: str) -> None:
    for n in every_kind(labels(House(tmp_path / "count", workers=1), *CYCLE)):
        house = House(tmp_path / f"{n}", workers=1)
        file, older = house.data / "greenroom.db", house.data / "older.db"
        with closing(sqlite3.connect(file)) as now, closing(sqlite3.connect(older)) as copy:
            now.backup(copy)

        def swap(_label: str, file: Path = file, older: Path = older) -> None:
            for name in ("greenroom.db", "greenroom.db-wal", "greenroom.db-shm")[2 * (way == "without its index") :]:
                (file.parent / name).unlink(missing_ok=True)
            if way == "replaced":
                shutil.copy(older, file)

        status = run_until(house, n, swap, *CYCLE)
        ended = house.ended(status)
        assert "Traceback" not in ended.err, ended.err
        if n > 1:  # the very first commit is the cycle's run row, which nobody misses
            assert ended.status == 1
            assert str(file) in ended.err + ended.out
        if way == "removed":
            assert not file.exists()  # no empty one was made, as if nothing had been there
            shutil.copy(older, file)
        assert list(lost(house)) == []
        assert house.run("recover").status == 0
        assert list(lost(house)) == []
        assert list(wrong_items(house)) == []
