"""A disk that stops to answer, and answers again: nobody waits for ever, all is told, nothing is lost or done twice."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path

import pytest

from config.answering import ANSWERS
from daemon import service, signals
from tests.faults.cycles import House, converges, encoded, forked, late_tracks, lost, music, wrong_items
from tests.faults.test_cycle_signals import is_scanning
from tests.filesystems.kinds import KINDS, Kind, mounted, tell_driver, upon
from tests.waiting import until

WAIT = 60.0  # seconds until a test that would hang fails instead
SILENT = "has not answered yet"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A file system served by a program that can be stopped."""
    with mounted(next(kind for kind in KINDS if kind.name == "bindfs")) as path:
        yield path
        tell_driver(path, signal.SIGCONT)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here has the patience that a disk deserves."""
    monkeypatch.setattr(ANSWERS, "patience", 1.0)
    monkeypatch.setattr(ANSWERS, "told_after", 0.5)
    monkeypatch.setattr(service, "GLANCE", 0.2)
    monkeypatch.setattr(service, "GIVEN_UP_AFTER", 1.0)
    monkeypatch.setattr(signals, "GIVEN_UP_AFTER", 1.0)
    monkeypatch.setattr(signals, "EVERY", 0.1)


@pytest.fixture(params=["write"])
def slow_disk(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """One of the same kind that takes two seconds for what an album weighs, and answers nobody else meanwhile."""
    monkeypatch.setattr(ANSWERS, "at_work", 5.0)
    slow = upon("bindfs", f"--{request.param}-rate=256k", "{a}", "{at}")
    with mounted(Kind("slow bindfs", slow, {"bindfs": "bindfs"})) as path:
        yield path
        tell_driver(path, signal.SIGCONT)


class Running:
    """A command of a house, in a child, and what it tells systemd."""

    def __init__(self, house: House, *command: str) -> None:
        self._house = house
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{house.folder}")
        self._socket.settimeout(WAIT)
        self._told: list[str] = []
        beats = {"NOTIFY_SOCKET": f"@{house.folder}", "WATCHDOG_USEC": "400000", "GREENROOM_WEB": ""}
        house.environ |= beats
        self.pid = forked(lambda: house.command(*command))

    def hear(self, part: str) -> None:
        """Wait until it tells systemd something with these words."""
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            line = self._socket.recv(4096).decode()
            self._told.append(line)
            if part in line:
                return
        pytest.fail(f"not heard; told {self._told[-10:]}, said {self.said()}")

    def said(self) -> str:
        """What it has written to standard error."""
        return self._house.ended(0).err

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def ends(self) -> int:
        """Wait for its end; return its status."""
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Leave nothing behind."""
        self._socket.close()
        if self.pid:
            self.tell(signal.SIGKILL)
            self.ends()


@contextlib.contextmanager
def running(house: House, disk: Path, *command: str) -> Iterator[Running]:
    """Run a command; whatever comes, its disk answers in the end, or it could not even be killed."""
    child = Running(house, *command)
    try:
        yield child
    finally:
        tell_driver(disk, signal.SIGCONT)
        child.close()


def test_a_daemon_whose_inbound_disk_hangs_lives_says_so_and_takes_the_albums_once_it_answers(
    tmp_path: Path, disk: Path
) -> None:
    house = House(tmp_path, inbound=disk / "inbound", enabled=True, schedule="0 0 1 1 *")
    tell_driver(disk, signal.SIGSTOP)
    with running(house, disk, "run") as daemon:
        daemon.hear(SILENT)
        daemon.hear("READY=1")
        daemon.tell(signal.SIGHUP)
        daemon.hear("RELOADING=1")
        daemon.hear("READY=1")
        house.set(enabled=False)
        daemon.hear("off: staging_scan.enabled is false")
        house.set(enabled=True)
        daemon.hear("next cycle")
        refused = house.run("cycle")
        assert refused.status == 1
        assert SILENT in refused.err
        tell_driver(disk, signal.SIGCONT)
        daemon.hear("last: 3 staged")
        tell_driver(disk, signal.SIGSTOP)
        daemon.tell(signal.SIGTERM)
        assert daemon.ends() == 0
    assert [run["status"] for run in house.runs()] == ["done", "failed"]
    assert [*lost(house), *wrong_items(house)] == []


@pytest.mark.parametrize(("command", "number"), [("cycle", signal.SIGINT), ("run", signal.SIGTERM)])
def test_who_is_asked_to_stop_in_the_middle_of_a_move_gives_a_disk_up_that_hangs(
    tmp_path: Path, disk: Path, command: str, number: signal.Signals
) -> None:
    house = House(tmp_path, disk / "staging", enabled=True, schedule="every 10s", rate_limit=0.01)
    with running(house, disk, command) as child:
        until(lambda: any(path.is_dir() for path in house.staging.glob(".greenroom-tx/*")))
        tell_driver(disk, signal.SIGSTOP)
        child.tell(number)
        if command == "run":
            child.hear("waited for no longer")
        else:
            until(lambda: "waited for no longer" in child.said())
        tell_driver(disk, signal.SIGCONT)  # what was on its way to the disk keeps any process until it answers
        assert child.ends() == 1
    assert [*lost(house), *wrong_items(house)] == []
    house.set(rate_limit=0)
    assert converges(house) == []


def test_a_library_that_hangs_keeps_no_album_out_of_staging_and_is_told(tmp_path: Path, disk: Path) -> None:
    house = House(tmp_path, library=disk / "library")
    house.add_library()
    tell_driver(disk, signal.SIGSTOP)
    assert house.run("cycle").status == 0
    assert len(house.items()) == 3
    for words in ("status", "doctor"):
        said = house.run(words).out
        assert SILENT in said
        assert f"umount -f {disk}" in said


def heavy(house: House) -> int:
    """Stage the albums, one of which has a large file; return the item of that one."""
    house.add_library()
    house.drop({"Nora Vale - Low Tide/booklet.pdf": b"%PDF" + os.urandom(1 << 19)})
    assert house.run("cycle").status == 0
    (item,) = (item["id"] for item in house.items() if item["album"] == "Low Tide")
    return int(item)


def hang_in_the_middle(house: House, disk: Path) -> None:
    """Wait until the album is being copied into the library, and stop its disk."""
    assert house.library is not None
    until(lambda: any(house.library.glob(".greenroom-tx/*/*.pdf")))  # type: ignore[union-attr]
    tell_driver(disk, signal.SIGSTOP)


def is_published(house: House, item: int) -> bool:
    """Whether all of an album is in the library, and its item says so."""
    assert house.library is not None
    status = {one["id"]: one["status"] for one in json.loads(house.run("items", "--json").out)}
    if status[item] != "published":
        return False
    there = set(music(house.library / "Nora Vale").values())  # not below the root, where a transfer is tidied up yet
    return all(data in there for path, data in house.dropped.items() if path.startswith("Nora Vale - Low Tide/0"))


def another_album(house: House) -> None:
    """Drop one, and let a cycle take it into staging."""
    house.drop({"Ebb/01.flac": encoded(artist="Nora Vale", album="Ebb", date="2020", title="Ebb", track="1/1")})
    ended = house.run("cycle")
    assert ended.status == 0, ended.err
    assert len(house.items()) == 4


def test_a_publication_whose_library_hangs_in_the_middle_keeps_no_cycle_and_no_worker_and_is_done_once_it_answers(
    tmp_path: Path, slow_disk: Path
) -> None:
    house = House(tmp_path, library=slow_disk / "library", enabled=True, schedule="0 0 1 1 *")
    item = heavy(house)
    assert house.run("review", "approve", str(item), "--publish").status == 0
    with running(house, slow_disk, "run") as daemon:
        hang_in_the_middle(house, slow_disk)

        def jobs() -> list[dict[str, object]]:
            return [job for job in json.loads(house.run("jobs", "list", "--json").out) if job["phase"] == "publish"]

        until(lambda: SILENT in str(jobs()))
        (job,) = jobs()
        assert job["status"] == "queued"
        another_album(house)
        tell_driver(slow_disk, signal.SIGCONT)
        until(lambda: is_published(house, item))
        daemon.tell(signal.SIGTERM)
        assert daemon.ends() == 0
    assert list(lost(house)) == []


def test_a_command_gives_a_publication_up_that_hangs_in_the_middle_and_ends(tmp_path: Path, slow_disk: Path) -> None:
    house = House(tmp_path, library=slow_disk / "library")
    item = heavy(house)
    assert house.run("review", "approve", str(item)).status == 0
    with running(house, slow_disk, "publish", str(item)) as child:
        hang_in_the_middle(house, slow_disk)
        until(lambda: "refused" in house.ended(0).out)
        tell_driver(slow_disk, signal.SIGCONT)  # what was on its way to the disk keeps any process until it answers
        assert child.ends() == 1
    another_album(house)
    ended = house.run("publish", str(item))
    assert ended.status == 0, ended.err
    assert is_published(house, item)
    assert list(lost(house)) == []


def is_copied(house: House, _pid: int) -> bool:
    """Whether a large file is on its way into staging."""
    return any(house.staging.glob(".greenroom-tx/*/*.pdf"))


def is_read(_house: House, pid: int) -> bool:
    """Whether a process reads a large file."""
    with contextlib.suppress(OSError):  # another one was closed just now
        return any(os.readlink(path).endswith("booklet.pdf") for path in Path(f"/proc/{pid}/fd").iterdir())
    return False


def is_settling(house: House, _pid: int) -> bool:
    """Whether a cycle waits until what is new has been quiet, or is about to."""
    return is_scanning(house)


@pytest.mark.parametrize("slow_disk", ["read"], indirect=True)
@pytest.mark.parametrize(("quiet_seconds", "once"), [(0, is_copied), (0, is_read), (3600, is_settling)])
def test_a_cycle_whose_inbound_hangs_in_the_middle_keeps_no_publication_and_is_done_once_it_answers(
    tmp_path: Path, slow_disk: Path, quiet_seconds: int, once: Callable[[House, int], bool]
) -> None:
    house = House(tmp_path, inbound=slow_disk / "inbound", library=tmp_path / "library")
    house.add_library()
    assert house.run("cycle").status == 0
    item = next(item["id"] for item in house.items() if item["album"] == "Live")
    for path in house.data.glob("scan-db/*"):
        path.unlink()
    booklet = b"%PDF" + os.urandom(1 << 19)
    listed = f"{md5(booklet, usedforsecurity=False).hexdigest()}  booklet.pdf\n".encode()  # so a scan reads it, too
    folder = "Nora Vale - Low Tide, late"
    house.drop({**late_tracks(), f"{folder}/booklet.pdf": booklet, f"{folder}/booklet.md5": listed})
    house.set(quiet_seconds=quiet_seconds, enabled=True, schedule="every 10s")
    with running(house, slow_disk, "run") as daemon:
        until(lambda: once(house, daemon.pid))
        tell_driver(slow_disk, signal.SIGSTOP)
        until(lambda: len(house.runs()) > 2)  # one that was given up, and one for which there was no disk
        (given_up, *refused) = [run for run in reversed(house.runs()) if run["status"] == "failed"]
        assert SILENT in given_up["error"]
        assert f"umount -f {slow_disk}" in given_up["error"]
        assert all(SILENT in run["error"] for run in refused)
        assert house.run("review", "approve", str(item), "--publish").status == 0
        until(lambda: {one["id"]: one["status"] for one in house.items()}[item] == "published")
        house.set(quiet_seconds=0)
        tell_driver(slow_disk, signal.SIGCONT)
        until(lambda: house.runs()[0]["status"] == "done" and not music(house.inbound))
        daemon.tell(signal.SIGTERM)
        assert daemon.ends() == 0
    assert [*lost(house), *wrong_items(house)] == []
