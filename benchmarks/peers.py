"""Other people's programs → callables that do what we do, where they are installed or can be."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from _pytest.outcomes import Skipped

from benchmarks.corpus import home
from tests.databases import PostgresServer, start_postgres

_C_SOURCE = Path(__file__).with_name("pread.c")


def c_limit() -> Path | None:
    """Return the program that opens files and reads 4 KiB at both ends, compiled; None without a compiler."""
    program, compiler = home() / "pread", shutil.which("cc")
    if not program.exists() or program.stat().st_mtime < _C_SOURCE.stat().st_mtime:
        if compiler is None:
            return None
        subprocess.run([compiler, "-O2", "-o", program, _C_SOURCE], check=True)
    return program


def beets() -> Path | None:
    """Return the `beet` program of an environment of its own, made once; None when PyPI does not answer."""
    folder = home() / f"beets-{platform.python_version()}"  # as quick a Python as ours
    program = folder / "bin" / "beet"
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([folder / "bin" / "pip", "install", "-q", "beets"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            return None
    return program


def beet_import(program: Path, inbound: Path, scratch: Path, library: Path | None = None) -> None:
    """Import a folder with a fresh library, in place or, given a library, moving the files; tags are not written."""
    settings = scratch / "beets-home"
    shutil.rmtree(settings, ignore_errors=True)
    settings.mkdir(parents=True)
    how = f"  move: {'yes' if library else 'no'}\n  copy: no\n  write: no\n"
    (settings / "config.yaml").write_text(f"directory: {library or inbound}\nplugins: []\nimport:\n{how}")
    environment = {**os.environ, "BEETSDIR": os.fspath(settings), "HOME": os.fspath(settings)}
    command: list[str | Path] = [program, "import", "-A", "-q", inbound]
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True)


@contextlib.contextmanager
def postgres() -> Iterator[PostgresServer | None]:
    """Give a throw-away PostgreSQL server; None where there are none of its programs."""
    try:
        server = start_postgres()
    except Skipped:
        yield None
        return
    try:
        yield server
    finally:
        server.stop()


class Mpd:
    """A Music Player Daemon over one folder, spoken to by a unix socket."""

    def __init__(self, music: Path, scratch: Path) -> None:
        self._music, self._scratch = music, scratch / "mpd"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_there() -> bool:
        """Whether the daemon and its client are installed."""
        return bool(shutil.which("mpd") and shutil.which("mpc"))

    def forget(self) -> None:
        """Stop, and remove the database."""
        self.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def scan_anew(self, songs: int) -> None:
        """Know nothing, learn everything, and end."""
        self.forget()
        self.scan(songs)
        self.stop()

    def scan(self, songs: int) -> None:
        """Start, and wait until so many songs are known."""
        self._start()
        with self._connected() as ask:
            while True:
                status = ask("status")
                if "updating_db" not in status and int(ask("stats").get("songs", 0)) >= songs:
                    return
                ask("idle update database")

    def rescan(self) -> None:
        """Look for changes, of which there are none."""
        socket_path = os.fspath(self._scratch / "socket")
        subprocess.run(["mpc", "--host", socket_path, "--wait", "update"], check=True, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """End the daemon; its CPU time counts from then on."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        lines = {
            "music_directory": self._music,
            "db_file": self._scratch / "db",
            "bind_to_address": self._scratch / "socket",
            "log_file": self._scratch / "log",
            "pid_file": self._scratch / "pid",
        }
        config = "".join(f'{name} "{value}"\n' for name, value in lines.items())
        (self._scratch / "conf").write_text(config + 'audio_output {\n type "null"\n name "none"\n}\n')
        command: list[str | Path] = ["mpd", "--no-daemon", self._scratch / "conf"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[_Ask]:
        with socket.socket(socket.AF_UNIX) as line:
            for _ in range(5000):
                try:
                    line.connect(os.fspath(self._scratch / "socket"))
                    break
                except OSError:
                    time.sleep(0.001)
            with line.makefile("rw") as file:
                file.readline()
                yield _Ask(file)


class _Ask:
    """One command to MPD → its answer as a dict."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, command: str) -> dict[str, str]:
        file = self._file
        file.write(command + "\n")
        file.flush()
        answer = {}
        for line in iter(file.readline, ""):
            if line.startswith(("OK", "ACK")):
                break
            name, _, value = line.rstrip("\n").partition(": ")
            answer[name] = value
        return answer
