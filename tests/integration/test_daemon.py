"""`greenroom run` as a real process: obeying a changed table, signals, systemd's socket, and one daemon per folder."""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from sqlalchemy import text

from config import admin
from config.boot import read_boot_settings
from config.database import Database
from config.errors import Busy
from config.libraries import add_library
from config.reasons import Reason
from daemon.service import _read_log_settings_again
from daemon.sole import LOCK_NAME, running_daemon, sole_daemon, trouble_of_daemon
from tests.music import write_album
from tests.waiting import until
from workflow import runs
from workflow.record import record_skip

pytestmark = pytest.mark.sqlite
HOUSE = Path(__file__).parents[2]
WAIT = 60.0  # seconds until a test that would hang fails instead
YEARLY = "0 0 1 1 *"


class Installation:
    """A data folder, two roots and a notification socket; `told` is what the daemon has sent there."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database, self.data_dir, self.config = database, folder / "data", folder / "greenroom.toml"
        self.inbound, self.staging = folder / "inbound", folder / "staging"
        for path in (self.data_dir, self.inbound, self.staging):
            path.mkdir()
        with database.begin() as connection:
            for role, path in (("inbound", self.inbound), ("staging", self.staging)):
                add_library(connection, role, os.fsencode(path), now=dt.datetime.now(dt.UTC))
        self.config.write_text("")
        self.told: list[str] = []
        self.errors = folder / "stderr"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{folder}")
        self.socket.settimeout(WAIT)
        self.environ = {
            **os.environ,
            "GREENROOM_DATA_DIR": str(self.data_dir),
            "GREENROOM_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "GREENROOM_CONFIG_FILE": str(self.config),
            "NOTIFY_SOCKET": f"@{folder}",
            "WATCHDOG_USEC": "1000000",  # beats twice a second
        }

    def customise(self, code: str) -> None:
        """Let every process that is started from now on run this first."""
        lib = self.data_dir.with_name("lib")
        lib.mkdir()
        (lib / "sitecustomize.py").write_text(code)
        self.environ["PYTHONPATH"] = str(lib)

    def set(self, **values: object) -> None:
        """Change settings of the staging cycle in the table."""
        with self.database.begin() as connection:
            for name, value in values.items():
                admin.put(connection, f"staging_scan.{name}", value, actor="test", now=dt.datetime.now(dt.UTC))

    def runs(self) -> list[Mapping[str, Any]]:
        """The run rows, newest first."""
        with self.database.read() as connection:
            return list(runs.recent(connection))

    @contextlib.contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """A running daemon that has said it is ready."""
        with (
            self.errors.open("ab") as errors,
            subprocess.Popen(
                [sys.executable, "-m", "daemon.cli", "run"], cwd=HOUSE, env=self.environ, stderr=errors
            ) as process,
        ):
            try:
                self.hear(lambda line: line == "READY=1")
                yield process
            finally:
                process.kill()

    def hear(self, wanted: Callable[[str], bool]) -> None:
        """Wait until the daemon sends a line like this."""
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:  # the watchdog's lines keep coming, so the socket's own timeout is not enough
            lines = self.socket.recv(4096).decode().split("\n")
            self.told += lines
            if any(map(wanted, lines)):
                return
        pytest.fail(f"not heard; the daemon said {self.told[-10:]} and {self.errors.read_text()[-3000:]}")

    def hear_status(self, part: str) -> None:
        """Wait until the status line has these words; it may have them already."""
        statuses = [line for line in self.told if line.startswith("STATUS=")]
        if not statuses or part not in statuses[-1]:
            self.hear(lambda line: line.startswith("STATUS=") and part in line)


@pytest.fixture
def installation(tmp_path: Path, database: Database) -> Iterator[Installation]:
    made = Installation(tmp_path, database)
    yield made
    made.socket.close()


def test_a_schedule_changed_while_the_daemon_runs_is_obeyed(installation: Installation) -> None:
    with installation.daemon():
        installation.hear_status("off: staging_scan.enabled is false")
        installation.set(schedule=YEARLY, enabled=True, watch=False)
        installation.hear_status("last: nothing yet")
        assert installation.runs() == []
        installation.set(schedule="every 10s")
        installation.hear_status("last: nothing to do")
    assert {(row["trigger"], row["status"]) for row in installation.runs()} == {("schedule", "done")}
    assert all(row["fire_time"].second % 10 == 0 for row in installation.runs())


def test_a_change_in_the_folder_asks_for_a_cycle(installation: Installation) -> None:
    installation.set(schedule=YEARLY, enabled=True, quiet_seconds=0)
    with installation.daemon():
        installation.hear_status("last: nothing yet")
        (installation.inbound / "notes.txt").write_text("not an album")
        installation.hear_status("last: nothing to do")
    assert {(row["trigger"], row["fire_time"]) for row in installation.runs()} == {("watch", None)}


def test_what_was_dropped_while_no_daemon_ran_is_taken_when_one_starts_and_a_restart_alone_begins_nothing(
    installation: Installation,
) -> None:
    def staged() -> list[str]:
        return [row["trigger"] for row in installation.runs() if row["counts"].get("staged")]

    installation.set(schedule=YEARLY, enabled=True, quiet_seconds=2, reserve_mib=0)
    write_album(installation.inbound / "Early", artist="Artist", album="Early", tracks=1)
    with installation.daemon():
        installation.hear_status("last: nothing yet")
        (installation.inbound / "Early").rename(installation.inbound / "Artist - Early")
        until(lambda: staged() == ["watch"])
    write_album(installation.inbound / "Late", artist="Artist", album="Late", tracks=1)
    with installation.daemon():
        until(lambda: staged() == ["watch"] * 2)
    before = len(installation.runs())
    with installation.daemon():
        time.sleep(5)  # more than the quiet seconds, after which what it began to listen with would be a cycle
    assert len(installation.runs()) == before


def test_what_came_while_the_last_cycle_ran_is_taken_when_a_daemon_starts_and_so_after_the_clock_was_set_back(
    installation: Installation,
) -> None:
    installation.set(schedule=YEARLY, enabled=True, quiet_seconds=0, reserve_mib=0)
    began = dt.datetime.now(dt.UTC)
    write_album(installation.inbound / "Late", artist="Artist", album="Late", tracks=1)
    row = {"status": "done", "trigger": "command", "dry_run": False, "host": "h", "pid": 7, "settings": {}}
    for hours in (-1, 5):  # that before, and one of a clock that was wrong
        when = began + dt.timedelta(hours=hours)
        with installation.database.begin() as connection:
            runs.start(connection, {**row, "id": runs.new_run_id(when), "fire_time": None, "started_at": when})
            connection.execute(text("UPDATE runs SET finished_at = started_at"))
    with installation.daemon():
        until(lambda: any(run["counts"].get("staged") for run in installation.runs()))


def test_sigterm_ends_a_cycle_that_waits_and_leaves_the_files_where_they_are(installation: Installation) -> None:
    installation.set(schedule="every 10s", enabled=True, quiet_seconds=300)
    album = installation.inbound / "Artist - Album (1999)"
    album.mkdir()
    (album / "01 - One.flac").write_bytes(b"fLaC, still being copied")
    with installation.daemon() as process:
        installation.hear_status("cycle running since")
        process.terminate()
        process.terminate()
        installation.hear(lambda line: line == "STOPPING=1")
        process.terminate()
        assert process.wait(WAIT) == 0
    assert [row["status"] for row in installation.runs() if row["finished_at"] is None] == []
    assert (album / "01 - One.flac").read_bytes() == b"fLaC, still being copied"
    assert [path.name for path in installation.staging.iterdir()] == [".greenroom-root"]


def test_sigterm_while_files_move_loses_none_and_the_next_cycle_finishes(installation: Installation) -> None:
    tracks = write_album(installation.inbound / "Album", artist="Artist", album="Album", tracks=6)
    before = sorted(path.read_bytes() for path in tracks)
    installation.set(schedule="every 10s", enabled=True, quiet_seconds=0, rate_limit=1, reserve_mib=0)
    with installation.daemon() as process:
        installation.hear_status("cycle running since")
        until(lambda: any(installation.staging.rglob("*.flac")))
        process.terminate()
        assert process.wait(WAIT) == 0
    assert [row["finished_at"] for row in installation.runs() if row["finished_at"] is None] == []
    assert set(before) <= {
        path.read_bytes() for root in (installation.inbound, installation.staging) for path in root.rglob("*.flac")
    }
    installation.set(rate_limit=0)
    with installation.daemon():
        until(lambda: not any(installation.inbound.rglob("*.flac")))
    assert sorted(path.read_bytes() for path in installation.staging.rglob("*.flac")) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_ends_with_success(installation: Installation, number: signal.Signals) -> None:
    with installation.daemon() as process:
        process.send_signal(number)
        assert process.wait(WAIT) == 0
        installation.hear(lambda line: line == "STOPPING=1")
    assert running_daemon(installation.data_dir) is None


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has one heap")
def test_a_daemon_that_cannot_begin_to_beat_ends_with_all_it_began(installation: Installation) -> None:
    """As where the limit of threads is reached: a cycle and jobs would go on, and nobody would hear SIGTERM."""
    installation.customise(
        "import threading\n"
        "begin = threading.Thread.start\n"
        "def start(self):\n"
        "    if self.name == 'APScheduler':\n"
        '        raise RuntimeError("can\'t start new thread")\n'
        "    begin(self)\n"
        "threading.Thread.start = start\n"
    )
    write_album(installation.inbound / "a", artist="Ada", album="Tide", tracks=1, ext="mp3")
    installation.set(schedule="every 10s", enabled=True, quiet_seconds=290)
    with installation.database.read() as connection:
        settings, _ = admin.staging_scan(connection)
    missed = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)  # so the first beat begins a cycle
    record_skip(installation.database, settings, missed, Reason("busy", "It was busy."))
    ended = subprocess.run(
        [sys.executable, "-m", "daemon.cli", "run"],
        cwd=HOUSE, env=installation.environ, timeout=WAIT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode, "can't start new thread" in ended.stderr) == (1, True)
    assert [run["finished_at"] is None for run in installation.runs()] == [False, False]


def test_a_page_whose_address_is_taken_at_the_start_is_there_once_it_is_free(installation: Installation) -> None:
    """So is one whose address the machine gets only after it: a boot waits for no lease of DHCP."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        installation.environ["GREENROOM_WEB"] = f"127.0.0.1:{port}"
        with installation.daemon():
            installation.hear(lambda line: line == "WATCHDOG=1")
            taken.close()
            until(lambda: "the page is there" in installation.errors.read_text())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200
    assert installation.errors.read_text().count("there is no page; it is tried again") == 1


def test_a_page_whose_name_no_server_resolves_holds_up_no_beat(installation: Installation) -> None:
    installation.customise(
        "import socket, time\n"
        "def create_server(*address, **how):\n"
        "    time.sleep(3600)\n"
        "socket.create_server = create_server\n"
    )
    installation.environ["GREENROOM_WEB"] = "music.example:7788"
    with installation.daemon() as process:
        installation.told.clear()
        for _ in range(3):
            installation.hear(lambda line: line == "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
    assert installation.errors.read_text().count("there is no page; it is tried again") == 1


def test_a_page_that_no_thread_can_be_had_for_is_there_once_one_can(installation: Installation) -> None:
    """Neither for who looks its address up nor for who answers: albums are staged meanwhile, and beats told."""
    installation.customise(
        "import threading\n"
        "begin, full = threading.Thread.start, ['web', 'work']\n"
        "def start(self):\n"
        "    if self.name in full:\n"
        "        full.remove(self.name)\n"
        '        raise RuntimeError("can\'t start new thread")\n'
        "    begin(self)\n"
        "threading.Thread.start = start\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    installation.environ["GREENROOM_WEB"] = f"127.0.0.1:{port}"
    with installation.daemon():
        until(lambda: "the page is there" in installation.errors.read_text())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
    assert "can't start new thread" in installation.errors.read_text()


def test_threads_of_the_daemon_share_two_heaps(installation: Installation) -> None:
    installation.set(enabled=True, schedule=YEARLY, quiet_seconds=0)
    with installation.daemon() as process:
        write_album(installation.inbound / "album", artist="Artist", album="Album", tracks=1)
        until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 9)  # those that carry the album's jobs are many
        assert len(heaps(process.pid)) == 1  # and the main one


def heaps(pid: int) -> list[int]:
    """Return where the heaps of threads begin: glibc reserves 64 MiB for each, and uses the first of them."""
    found: list[int] = []
    size, before = 64 << 20, (0, 0)
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        begin, end = (int(number, 16) for number in line.split()[0].split("-"))
        is_rest = line.split()[1] == "---p" and before[1] == begin
        found += [before[0]] if is_rest and before[0] % size == 0 and end == before[0] + size else []
        before = (begin, end)
    return found


def test_a_daemon_whose_database_was_migrated_under_it_ends_and_says_what_to_do(installation: Installation) -> None:
    with installation.daemon() as process:
        with installation.database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(text("ALTER TABLE settings RENAME TO otherwise"))
        assert process.wait(WAIT) == 1, "so that systemd starts what is installed by now"
    (told,) = [line for line in installation.errors.read_text().splitlines() if "the schema of the database" in line]
    assert "at revision 9999 now, and this process knows 00" in told
    assert "start it again, and install the newer version first" in told
    assert "tries again" not in installation.errors.read_text()


def test_a_page_alone_whose_database_was_migrated_under_it_ends_as_a_daemon_does(installation: Installation) -> None:
    environ = {**installation.environ, "GREENROOM_WEB": "127.0.0.1:0"}
    command = [sys.executable, "-m", "daemon.cli", "web"]
    with (
        installation.errors.open("ab") as errors,
        subprocess.Popen(command, cwd=HOUSE, env=environ, stderr=errors) as web,
    ):
        try:
            until(lambda: "the page is there" in installation.errors.read_text())
            with installation.database.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            assert web.wait(WAIT) == 1
        finally:
            web.kill()
    told = installation.errors.read_text().splitlines()[-1]
    assert "at revision 9999 now, and this process knows 00" in told
    assert "Traceback" not in installation.errors.read_text()


def test_systemd_hears_of_life_and_of_a_reload(installation: Installation) -> None:
    installation.config.write_text('log_level = "ERROR"\n')
    with installation.daemon() as process:
        installation.hear(lambda line: line == "WATCHDOG=1")
        assert installation.errors.read_text() == ""
        installation.config.write_text('log_level = "INFO"\n')
        process.send_signal(signal.SIGHUP)
        installation.hear(lambda line: line == "RELOADING=1")
        installation.hear(lambda line: line == "READY=1")
        installation.config.write_text('log_level = "LOUD"\n')
        process.send_signal(signal.SIGHUP)
        installation.hear(lambda line: line == "READY=1")
        installation.hear(lambda line: line == "WATCHDOG=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in installation.told)
    assert "settings read again" in installation.errors.read_text()
    assert "GREENROOM_LOG_LEVEL" in installation.errors.read_text()


def test_a_reload_obeys_what_is_said_of_the_log_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "greenroom.toml"
    monkeypatch.setenv("GREENROOM_CONFIG_FILE", str(file))
    monkeypatch.delenv("GREENROOM_DATABASE_URL", raising=False)
    monkeypatch.delenv("GREENROOM_DATA_DIR", raising=False)
    said = 'log_level = "{}"\ndata_dir = "{}"\ndatabase_url = "postgresql+psycopg://u:{}@h/d"\n'
    file.write_text(said.format("WARNING", tmp_path / "data", "of-before"))
    before = read_boot_settings()
    file.write_text(said.format("INFO", tmp_path / "elsewhere", "of-now"))
    _read_log_settings_again(before)
    logger.info("now of-now, in use of-before")
    assert [path.name for path in tmp_path.iterdir()] == ["greenroom.toml"]
    assert "now •••, in use •••" in capsys.readouterr().err


def test_who_has_a_setting_that_cannot_be_read_is_not_told_to_switch_on_what_is_on(installation: Installation) -> None:
    installation.set(schedule=YEARLY, enabled=True)
    with installation.database.begin() as connection:
        connection.execute(text("UPDATE settings SET value = '\"no schedule\"' WHERE key = 'staging_scan.schedule'"))
    with installation.daemon():
        pass
    assert "nothing runs until it is put right" in installation.errors.read_text()
    assert "nothing will run: " not in installation.errors.read_text()


def test_a_second_daemon_on_the_same_folder_names_the_first(installation: Installation) -> None:
    with installation.daemon() as first:
        second = subprocess.run(
            [sys.executable, "-m", "daemon.cli", "run"], cwd=HOUSE, env=installation.environ,
            check=False, capture_output=True, text=True, timeout=WAIT,
        )  # fmt: skip
        assert second.returncode == 75
        assert f"pid {first.pid}," in second.stderr
        assert f"pid {first.pid}," in str(running_daemon(installation.data_dir))
    assert running_daemon(installation.data_dir) is None  # it was killed; the kernel has freed the lock
    with sole_daemon(installation.data_dir):
        assert f"pid {os.getpid()}," in str(running_daemon(installation.data_dir))


def test_what_the_database_always_refuses_is_told_by_who_is_asked_until_it_does_not(installation: Installation) -> None:
    """A cycle that cannot be recorded is in no row, and was in the log alone."""
    data_dir = installation.data_dir
    refuse = "CREATE TRIGGER no_runs BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    with installation.database.begin() as connection:
        connection.execute(text(refuse))
    installation.set(schedule="every 10s", enabled=True)
    with installation.daemon():
        until(lambda: "cycle failed" in str(trouble_of_daemon(data_dir)))
        assert "failed" not in str(running_daemon(data_dir))
        shown = subprocess.run(
            [sys.executable, "-m", "daemon.cli", "status"], cwd=HOUSE, env=installation.environ,
            check=True, capture_output=True, text=True, timeout=WAIT,
        ).stdout  # fmt: skip
        assert "problem    the daemon tries again and again: cycle failed: " in shown
        with installation.database.begin() as connection:
            connection.execute(text("DROP TRIGGER no_runs"))
        until(lambda: trouble_of_daemon(data_dir) is None)
    assert trouble_of_daemon(data_dir) is None, "it does nothing any more"


def test_where_no_daemon_ever_ran_none_is_found_and_nothing_written(tmp_path: Path) -> None:
    assert running_daemon(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_lock_file_stays_and_holds_the_newest_daemon_only(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("a much longer text than the one that is going to be written here " * 5)
    with sole_daemon(tmp_path):
        with pytest.raises(Busy, match=rf"pid {os.getpid()}, since"), sole_daemon(tmp_path):
            pytest.fail("two daemons")
        written = (tmp_path / LOCK_NAME).read_text()
    assert written.count("\n") == 1
    assert (tmp_path / LOCK_NAME).read_text() == written
