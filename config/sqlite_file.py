"""SQLite's one file → an engine whose writers take turns, in this process and among others."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from config import sqlite_sides
from config.errors import Misconfigured, Retryable
from config.machine import NETWORK_FILESYSTEMS, boottime, filesystem_type, no_room_by_trying

# f_type of statfs(2) of those that give a page of mapped memory a new block when it is written, and end the process
# (SIGBUS) where there is none: SQLite's -shm is such memory.
NEEDS_ROOM: Final = {0x9123683E: "btrfs"}
ROOM: Final = 16 << 20  # bytes; more than a transaction takes, and what it may move from -wal into the file
BUSY_MS = 10_000  # how long a writer waits for another one before it gives up
KNOWS_MILLISECONDS = (3, 42)  # the first SQLite whose unixepoch() does
_DECODE: Final = json.JSONDecoder().decode
_TURNS: dict[str, threading.Lock] = {}  # by SQLite file: who may write, of this process


def check_file(url: URL, on_network: bool) -> None:
    """Raise Misconfigured for a path that is relative or no file, or whose folder is missing or on a network share."""
    file = url.database or ""
    if not file.startswith("/"):  # in memory the journal would not survive; a relative one depends on who starts us
        raise Misconfigured(f"SQLite needs an absolute path (sqlite:////path), not {file or 'memory'}")
    if os.path.exists(file) and not os.path.isfile(file):  # SQLite waits for ever for the lock of a device
        raise Misconfigured(f"the database {file} is no file; name one that is, or is not there yet")
    folder = os.path.dirname(os.fsencode(file))
    try:
        kind = NETWORK_FILESYSTEMS.get(filesystem_type(folder))
    except OSError as error:
        raise Misconfigured(f"the folder of the database {file} cannot be used: {error.strerror}") from None
    if kind and not on_network:
        raise Misconfigured(
            f"the database {file} is on a network filesystem ({kind}), where SQLite's locks cannot be trusted; put it "
            "on a local disk, use PostgreSQL, or set GREENROOM_SQLITE_ON_NETWORK=true if only this machine uses it",
            code="network_filesystem",
        )


def file_identity(url: URL) -> tuple[int, int] | None:
    """Return what tells SQLite's file from another one under its name; None if there is none."""
    return sqlite_sides.identity(url.database or "")


def _from_json(kept: str) -> Any:
    """Return what a JSON column holds. SQLite takes any text there, from whoever edits a database by hand."""
    try:
        return _DECODE(kept)
    except (TypeError, ValueError):
        message = f"the database holds {str(kept)[:40]!r} where JSON belongs; `greenroom doctor` says in which row"
        raise Misconfigured(message, code="no_json") from None


def engine_of(url: URL) -> Engine:
    """Return an engine for the file, which is made if it is not there."""
    refuse = _refuse_without_room(url)
    waits = {"timeout": BUSY_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, connect_args=waits, json_deserializer=_from_json)

    @event.listens_for(engine, "do_connect")
    def _make(*_: Any) -> None:
        refuse()
        # SQLite would let everybody read it, password hashes and all. Made without opening it: closing it would end the
        # locks of our other connections. -wal and -shm take their rights from it.
        with contextlib.suppress(OSError):  # it is there, or SQLite says why it cannot be
            os.mknod(url.database or "", 0o660)

    @event.listens_for(engine, "connect")
    def _prepare(dbapi: Any, record: Any) -> None:
        record.info["file"] = file_identity(url)
        dbapi.isolation_level = None  # the driver must not open transactions of its own; _begin does
        _use_wal(dbapi)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", f"busy_timeout={BUSY_MS}"):
            dbapi.execute(f"PRAGMA {pragma}")
        if sqlite3.sqlite_version_info < KNOWS_MILLISECONDS:
            dbapi.create_function("unixepoch", 1, _unixepoch)
        dbapi.execute("PRAGMA schema_version").fetchone()  # which opens -wal and -shm
        sqlite_sides.remember(url.database or "", record)

    event.listen(engine, "checkout", lambda _dbapi, record, _proxy: _refuse_other_files(engine, url, record))
    _take_turns(engine, _TURNS.setdefault(os.path.realpath(url.database or ""), threading.Lock()), refuse)
    return engine


def _refuse_without_room(url: URL) -> Callable[[], None]:
    """Return what raises Retryable where SQLite's shared memory may end the process, for want of room on its disk."""
    folder = os.path.dirname(os.fsencode(url.database or ""))
    try:
        is_at_risk = filesystem_type(folder) in NEEDS_ROOM
    except OSError:  # connecting says what is wrong
        is_at_risk = False

    def refuse() -> None:
        with contextlib.suppress(OSError):
            if is_at_risk and (why := no_room_by_trying(folder, ROOM)):
                message = f"the database {url.render_as_string()} cannot be used: {why}"
                raise Retryable(message, code="database_unavailable")

    return refuse


def _take_turns(engine: Engine, turn: threading.Lock, refuse: Callable[[], None]) -> None:
    """Let those who write wait for the one that does, from the begin of a transaction to its connection's return."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the write lock at once: a read that later upgrades would fail instead of waiting.
        reads = connection.get_execution_options().get("greenroom_read", False)
        if reads:
            connection.exec_driver_sql("BEGIN")
            return
        refuse()
        # Threads of one process take turns here: SQLite's own way to wait is to sleep, longer and longer.
        if "turn" not in connection.info and turn.acquire(timeout=BUSY_MS / 1000):
            connection.info["turn"] = turn
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    @event.listens_for(engine, "invalidate")
    def _end_turn(_dbapi: Any, record: Any, _error: BaseException | None = None) -> None:
        if "turn" in record.info:
            record.info.pop("turn").release()


def _refuse_other_files(engine: Engine, url: URL, record: Any) -> None:
    """Have a connection to another file than is there now replaced, before it is used; see also sqlite_sides.

    DBOS asks its engine and no Database: it would keep to the file of a disk that failed and was mounted again.
    """
    if file_identity(url) not in (None, record.info["file"]):  # where there is none, connecting would make an empty one
        raise DisconnectionError
    try:
        sqlite_sides.check(url.database or "", record.info)
    except Retryable:
        engine.dispose()  # this one is closed by who wanted it
        raise


def _unixepoch(modifier: str) -> float | None:
    # What carries jobs asks a Python of 3.12 or newer for 'subsec', be its SQLite as old as that of Debian 12 (3.40),
    # which answers NULL.
    return round(time.time(), 3) if modifier == "subsec" else None


def _use_wal(dbapi: sqlite3.Connection) -> None:
    # The busy timeout does not help two processes that turn a new file to WAL at once: one fails without waiting.
    gives_up = boottime() + BUSY_MS / 1000
    while True:
        try:
            dbapi.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or boottime() > gives_up:
                raise
            time.sleep(0.01)
