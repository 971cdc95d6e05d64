"""Nothing → a real PostgreSQL server for one test session, as an ordinary user, gone when the session is."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import schema
from config.database import Database

START_SECONDS = 120  # far more than a loaded machine needs
TEMPLATE = "greenroom_template"
MISSING = "PostgreSQL's initdb is neither on PATH nor below /usr/lib/postgresql; install it: apt-get install postgresql"


_OPENED: list[Database] = []


def opened(url: str) -> Database:
    """Return a database that is closed when the test ends, whatever becomes of who uses it."""
    _OPENED.append(database := Database(url))
    return database


def close_opened() -> None:
    """Close them, also connections of those who were killed in the middle and gave none back."""
    if not _OPENED:
        return
    gc.collect()
    while _OPENED:
        _OPENED.pop().close()


class PostgresServer:
    """One throw-away server below its own temporary folder, reached by a unix socket only, so no port can clash."""

    def __init__(self, programs: Path) -> None:
        self._ordinary = _ordinary_user()
        # Not below pytest's folder: that one is closed to other users, and its path is too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-pg-", dir="/tmp"))
        if self._ordinary is not None:
            os.chown(self.folder, self._ordinary.pw_uid, self._ordinary.pw_gid)
        self._numbers = itertools.count(1)
        data = str(self.folder / "data")
        quick = [
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "dynamic_shared_memory_type=mmap",  # files of its own folder: /dev/shm is small in containers, and shared
            "-c",
            "max_connections=60",
            "-c",
            "shared_buffers=32MB",
        ]
        self._command = [
            str(programs / "postgres"),
            "-D",
            data,
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=",
            *quick,
        ]
        initdb = [
            str(programs / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        try:
            subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **self._as_ordinary())
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start the server, for the first time or after a crash, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  no other thread runs yet
                **self._as_ordinary(),
            )
        self._wait()

    def crash(self) -> None:
        """Stop the server at once and cut every connection off; it has to recover at its next start."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server with all its processes stopped; it goes on at the end."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        processes = [pid, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def url(self, name: str) -> str:
        """Return the URL of one database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement of the kind that cannot be inside a transaction."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Make a database of its own for one test; give its URL; drop it, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def pooled(self, name: str) -> Iterator[str]:
        """Put PgBouncer before one database, which changes sessions between transactions; give the URL through it."""
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("pgbouncer is not installed: a pooler was NOT tested")
        folder = Path(tempfile.mkdtemp(prefix="pooler-", dir=self.folder))
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n{name} = host={self.folder} user=postgres\n[pgbouncer]\npool_mode = transaction\n"
            f"auth_type = any\nlisten_addr =\nunix_socket_dir = {folder}\n",
            encoding="ascii",
        )
        if self._ordinary is not None:
            os.chown(folder, self._ordinary.pw_uid, self._ordinary.pw_gid)
        with (folder / "log").open("ab") as log:
            pooler = subprocess.Popen([program, str(config)], stdout=log, stderr=log, **self._as_ordinary())
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (folder / ".s.PGSQL.6432").exists():
                if pooler.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PgBouncer did not start:\n" + (folder / "log").read_text())
                time.sleep(0.02)
            yield f"postgresql+psycopg://postgres@:6432/{name}?host={folder}"
        finally:
            pooler.kill()
            pooler.wait()

    def stop(self) -> None:
        """Stop the server at once, by its own process, and remove all of it."""
        if hasattr(self, "_process"):
            self.crash()  # nothing in it is worth a checkpoint
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_ordinary(self) -> dict[str, Any]:
        # PostgreSQL refuses to run as root. The folder of a checkout may be closed to that user, hence cwd.
        user = self._ordinary
        ids = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return {"cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **ids}

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL did not start:\n" + (self.folder / "log").read_text()) from None
                time.sleep(0.02)


def start_postgres(kind: type[PostgresServer] = PostgresServer) -> PostgresServer:
    """Start a server, with a migrated database to clone; skip where PostgreSQL is missing, but fail where CI=true."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    server = kind(programs)
    try:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(server.url(TEMPLATE))
    except BaseException:
        server.stop()
        raise
    return server


def migrate(url: str) -> None:
    """Bring a database up to date and let go of it."""
    database = Database(url)
    try:
        schema.migrate(database)
    finally:
        database.close()


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: [len(p.parts[4]), p.parts[4]])
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _ordinary_user() -> pwd.struct_passwd | None:
    """Return who the server runs as instead of root; None when we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _die_with_parent() -> None:
    """Let the kernel stop the server when the test process is killed. Set after the change of user, which resets it."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG of prctl(2)
