"""A root → the guard of the one process that may write below it.

Three layers, because none is enough alone: flock on the root's sentinel file (one machine, freed by the kernel with the
process), an advisory lock of PostgreSQL (many machines, best effort), and a lease row with a fence (correct: a holder
that slept past its lease finds every journal write refused).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import socket
import threading
import zlib
from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    cast,
    create_engine,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement

from config.database import Database
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured, Stopped
from config.libraries import Library
from config.machine import boot_id, boottime
from config.reasons import show_path
from config.tables import LeaseRow

LEASE_SECONDS = 60  # by the database's clock
RENEW_SECONDS = 15
# We stop earlier than the lease ends, by our own clock, since the last renewal that is known to have worked.
LOCAL_DEADLINE_SECONDS = 45
ADVISORY_CLASS = 0x67726E  # namespace of our advisory locks
# A dead connection must be noticed in a minute, not in the two hours of the defaults.
KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
# Behind a transaction pooler the next statement may run in another session, which holds nothing.
_ADVISORY_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = :class"
)


class Guard:
    """Held while writing below roots. check() stands before every step; renewal runs beside it.

    `fence` is the number every journal write carries; it belongs to the first root that was asked for.
    """

    def __init__(self, database: Database, roots: Sequence[str], fences: dict[str, int], stop: threading.Event) -> None:
        self.fence = fences[roots[0]]
        self._database = database
        self._fences = fences
        self._stop = stop
        self._renewed = boottime()
        self._lost: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_ended, name="lease", daemon=True)
        self._thread.start()

    def check(self, label: str) -> None:
        """Raise LeaseLost when our time is up; `label` names the step that is about to be taken."""
        if self._lost is not None:
            raise LeaseLost(f"stopped before “{label}”: {self._lost}")
        if boottime() - self._renewed > LOCAL_DEADLINE_SECONDS:
            raise LeaseLost(f"stopped before “{label}”: the lease was not renewed for {LOCAL_DEADLINE_SECONDS} s")

    def check_stop(self) -> None:
        """Raise Stopped when somebody asked us to; call it only where nothing is half done."""
        if self._stop.is_set():
            raise Stopped("stopped on request; what was begun is finished, the rest waits for the next cycle")

    def end(self) -> None:
        """Stop renewing; the lease is given back by whoever made this guard."""
        self._ended.set()
        self._thread.join()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            before = boottime()
            try:
                with self._database.begin() as connection:
                    kept = all(_renew(connection, root, fence) for root, fence in self._fences.items())
            except GreenroomError:
                continue  # the deadline counts on; check() stops the work when it is reached
            if not kept:
                self._lost = "another process took the lease over"
                return
            self._renewed = before


@contextlib.contextmanager
def hold(database: Database, libraries: Sequence[Library], what: str, stop: threading.Event) -> Iterator[Guard]:
    """Hold all three layers for every library given, first the one whose fence the journal carries.

    Raises Busy, naming the holder, when somebody else has one of them.
    """
    with contextlib.ExitStack() as stack:
        for library in sorted(
            libraries, key=lambda lib: lib.root_uuid
        ):  # one order for all, so that none wait in a ring
            stack.enter_context(_flock(database, library))
        if not database.is_sqlite:
            stack.enter_context(_advisory(database, libraries))
        fences = {lib.root_uuid: _take_lease(database, lib, what) for lib in libraries}
        stack.callback(_give_back, database, fences)
        guard = Guard(database, [lib.root_uuid for lib in libraries], fences, stop)
        stack.callback(guard.end)
        yield guard


def holder(connection: Connection, root_uuid: str) -> str | None:
    """Return who holds a root's lease, as text for people, or None."""
    alive = select(LeaseRow).where(LeaseRow.root_uuid == root_uuid, LeaseRow.expires_at > _now(connection))
    row = connection.execute(alive).first()
    return f"{row.holder}, since {row.since:%Y-%m-%d %H:%M:%S} UTC" if row else None


@contextlib.contextmanager
def _flock(database: Database, library: Library) -> Iterator[None]:
    fd = os.open(library.sentinel, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(database, library) from None
        # Somebody may have replaced the file between our open and our lock; then ours locks nothing.
        if os.fstat(fd).st_ino != os.stat(library.sentinel).st_ino:
            raise Busy(f"the mark of {show_path(library.path)} was replaced just now; try again")
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _advisory(database: Database, libraries: Sequence[Library]) -> Iterator[None]:
    # A connection of its own, outside any pool: the lock lives exactly as long as the session.
    engine: Engine = create_engine(
        database.url, poolclass=NullPool, connect_args=KEEPALIVES, isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            for library in libraries:
                key = (ADVISORY_CLASS, zlib.crc32(library.root_uuid.encode()) & 0x7FFFFFFF)
                if not connection.execute(select(func.pg_try_advisory_lock(*key))).scalar():
                    raise _busy(database, library)
            if connection.execute(_ADVISORY_HELD, {"class": ADVISORY_CLASS}).scalar_one() < len(libraries):
                raise Misconfigured(
                    "the database is reached through a pooler that changes sessions between statements; "
                    "use session pooling, or a direct connection"
                )
            yield
    finally:
        engine.dispose()


def _busy(database: Database, library: Library) -> Busy:
    with database.read() as connection:
        who = holder(connection, library.root_uuid)
    return Busy(
        f"{show_path(library.path)} is being worked on by {who or 'another process'}; try again when it is done"
    )


def _now(connection: Connection) -> ColumnElement[int]:
    """The database's own clock in seconds: the only clock all holders share."""
    if connection.dialect.name == "sqlite":
        return literal_column("CAST(strftime('%s', 'now') AS INTEGER)", BigInteger)
    return cast(func.floor(func.extract("epoch", func.clock_timestamp())), BigInteger)


def _take_lease(database: Database, library: Library, what: str) -> int:
    """Take over a free or expired lease, or that of a dead process of this machine; return the new fence."""
    with database.begin() as connection:
        now = _now(connection)
        values = {
            "holder": f"{socket.gethostname()} pid {os.getpid()} ({what})",
            "boot_id": boot_id(),
            "expires_at": now + LEASE_SECONDS,
            "since": dt.datetime.now(dt.UTC),
        }
        mine = LeaseRow.root_uuid == library.root_uuid
        row = connection.execute(select(LeaseRow, (LeaseRow.expires_at > now).label("alive")).where(mine)).first()
        if row is None:
            connection.execute(insert(LeaseRow).values(root_uuid=library.root_uuid, fence=1, **values))
            return 1
        # We hold the flock, so a holder on this machine is dead; SQLite is never shared between machines.
        dead = database.is_sqlite or row.boot_id == boot_id()
        if row.alive and not dead:
            raise Busy(f"{show_path(library.path)} is held by {row.holder}; its lease ends within {LEASE_SECONDS} s")
        taken = update(LeaseRow).where(mine, LeaseRow.fence == row.fence).values(fence=row.fence + 1, **values)
        if connection.execute(taken).rowcount != 1:
            raise Busy(f"{show_path(library.path)} was taken by another process just now")
        return int(row.fence) + 1


def _renew(connection: Connection, root_uuid: str, fence: int) -> bool:
    mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
    return (
        connection.execute(update(LeaseRow).where(*mine).values(expires_at=_now(connection) + LEASE_SECONDS)).rowcount
        == 1
    )


def _give_back(database: Database, fences: dict[str, int]) -> None:
    # Failing here costs nothing: the lease runs out by itself.
    with contextlib.suppress(GreenroomError), database.begin() as connection:
        for root_uuid, fence in fences.items():
            mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
            connection.execute(update(LeaseRow).where(*mine).values(expires_at=0))
