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
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Row,
    cast,
    create_engine,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement

from config.database import Database, answering, keepalives
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured, Stopped
from config.libraries import Library
from config.machine import boot_id, boottime
from config.reasons import show_path
from config.tables import LeaseRow

ADVISORY_CLASS = 0x67726E  # namespace of our advisory locks
# The server, too, must notice a dead holder in a minute: it frees the lock only then. Ignored on a unix socket.
_SERVER_KEEPALIVES = text(
    "SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false)"
)
# Behind a transaction pooler the next statement may run in another session, which holds nothing.
_ADVISORY_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = :class"
)


class Lease(NamedTuple):
    """How long a lease lasts, in seconds."""

    seconds: int = 60  # by the database's clock
    renew: float = 15
    # We stop earlier than the lease ends, by our own clock, since the last renewal that is known to have worked.
    deadline: float = 45


STANDARD_LEASE = Lease()


class StopSignal(Protocol):
    """What tells that somebody wants us to stop; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether to stop at the next safe place."""


class Guard:
    """Held while writing below roots. check() stands before every step; renewal runs beside it.

    `fence` is the number every journal write carries; it belongs to the first root that was asked for.
    """

    def __init__(
        self, database: Database, fences: dict[str, int], stop: StopSignal, lease: Lease, taken: float
    ) -> None:
        self.fence = next(iter(fences.values()))
        self._database = database
        self._fences = fences
        self._stop = stop
        self._lease = lease
        self._renewed = taken
        self._lost: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_ended, name="lease", daemon=True)
        self._thread.start()

    def check(self, label: str) -> None:
        """Raise LeaseLost when our time is up; `label` names the step that is about to be taken."""
        if self._lost is not None:
            raise LeaseLost(f"stopped before “{label}”: {self._lost}")
        if boottime() - self._renewed > self._lease.deadline:
            raise LeaseLost(f"stopped before “{label}”: the lease was not renewed for {self._lease.deadline} s")

    def check_stop(self) -> None:
        """Raise Stopped when somebody asked us to; call it only where nothing is half done."""
        if self._stop.is_set():
            raise Stopped("stopped on request; what was begun is finished, the rest waits for the next cycle")

    def end(self) -> None:
        """Stop renewing; the lease is given back by whoever made this guard."""
        self._ended.set()
        self._thread.join()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(self._lease.renew):
            before = boottime()
            try:
                with self._database.begin() as connection:
                    kept = all(_renew(connection, root, fence, self._lease) for root, fence in self._fences.items())
            except GreenroomError:
                continue  # the deadline counts on; check() stops the work when it is reached
            if not kept:
                self._lost = "another process took the lease over"
                return
            self._renewed = before


@contextlib.contextmanager
def hold(
    database: Database, libraries: Sequence[Library], what: str, stop: StopSignal, lease: Lease = STANDARD_LEASE
) -> Iterator[Guard]:
    """Hold all three layers for every library given, first the one whose fence the journal carries.

    Raises Busy, naming the holder, when somebody else has one of them; Misconfigured when a root is not there;
    Retryable when the database does not answer.
    """
    with contextlib.ExitStack() as stack:
        for library in libraries:
            stack.enter_context(_flock(database, library))
        if not database.is_sqlite:
            stack.enter_context(_advisory(database, libraries))
        fences: dict[str, int] = {}
        stack.callback(_give_back, database, fences)
        taken = boottime()  # before the first lease begins, so that our deadline is never later than its end
        for library in libraries:
            fences[library.root_uuid] = _take_lease(database, library, what, lease)
        guard = Guard(database, fences, stop, lease, taken)
        stack.callback(guard.end)
        yield guard


def holder(connection: Connection, root_uuid: str) -> str | None:
    """Return who holds a root's lease, as text for people, or None."""
    alive = select(LeaseRow).where(LeaseRow.root_uuid == root_uuid, LeaseRow.expires_at > _now(connection))
    row = connection.execute(alive).first()
    return _shown(row) if row else None


def _shown(row: Row[Any]) -> str:
    return f"{row.holder}, since {row.since:%Y-%m-%d %H:%M:%S} UTC"


@contextlib.contextmanager
def _flock(database: Database, library: Library) -> Iterator[None]:
    shown = show_path(library.path)
    try:
        fd = os.open(library.sentinel, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        message = f"the mark of the {library.role} library {shown} cannot be opened ({error.strerror}); is it mounted?"
        raise Misconfigured(message, code="root_not_mounted") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(database, library) from None
        # Somebody may have replaced the file between our open and our lock; then ours locks nothing.
        if not _still_there(fd, library.sentinel):
            raise Busy(f"the mark of {shown} was replaced just now; try again")
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)  # closing would not do while a forked child still has it
        os.close(fd)


def _still_there(fd: int, path: bytes) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _advisory(database: Database, libraries: Sequence[Library]) -> Iterator[None]:
    # A connection of its own, outside any pool: the lock lives exactly as long as the session.
    engine = create_engine(
        database.url, poolclass=NullPool, connect_args=keepalives(database.url), isolation_level="AUTOCOMMIT"
    )
    with contextlib.closing(_connected(database, engine)) as connection:
        with answering(database):
            connection.execute(_SERVER_KEEPALIVES)
            for library in libraries:
                key = (ADVISORY_CLASS, zlib.crc32(library.root_uuid.encode()) & 0x7FFFFFFF)
                if not connection.execute(select(func.pg_try_advisory_lock(*key))).scalar():
                    raise _busy(database, library)
            held = connection.execute(_ADVISORY_HELD, {"class": ADVISORY_CLASS}).scalar_one()
        if held < len(libraries):
            raise Misconfigured(
                "the database is reached through a pooler that changes sessions between statements; "
                "use session pooling, or a direct connection"
            )
        yield


def _connected(database: Database, engine: Engine) -> Connection:
    with answering(database):
        return engine.connect()


def _busy(database: Database, library: Library) -> Busy:
    with database.read() as connection:
        # Whoever has the lock wrote this row last. It may have stopped renewing, being frozen; the lock is its still.
        row = connection.execute(select(LeaseRow).where(LeaseRow.root_uuid == library.root_uuid)).first()
    who = _shown(row) if row and row.expires_at else "another process"
    return Busy(f"{show_path(library.path)} is being worked on by {who}; try again when it is done")


def _now(connection: Connection) -> ColumnElement[int]:
    """The database's own clock in seconds: the only clock all holders share."""
    if connection.dialect.name == "sqlite":
        return literal_column("CAST(strftime('%s', 'now') AS INTEGER)", BigInteger)
    return cast(func.floor(func.extract("epoch", func.clock_timestamp())), BigInteger)


def _take_lease(database: Database, library: Library, what: str, lease: Lease) -> int:
    """Take over a free or expired lease, or that of a dead process of this machine; return the new fence."""
    with database.begin() as connection:
        now = _now(connection)
        values = {
            "holder": f"{socket.gethostname()} pid {os.getpid()} ({what})",
            "boot_id": boot_id(),
            "expires_at": now + lease.seconds,
            "since": dt.datetime.now(dt.UTC),
        }
        mine = LeaseRow.root_uuid == library.root_uuid
        row = connection.execute(select(LeaseRow, (LeaseRow.expires_at > now).label("alive")).where(mine)).first()
        if row is None:
            try:
                connection.execute(insert(LeaseRow).values(root_uuid=library.root_uuid, fence=1, **values))
            except IntegrityError:
                raise Busy(f"{show_path(library.path)} was taken by another process just now") from None
            return 1
        # We hold the flock, so a holder on this machine is dead; SQLite is never shared between machines.
        dead = database.is_sqlite or row.boot_id == boot_id()
        if row.alive and not dead:
            raise Busy(f"{show_path(library.path)} is held by {row.holder}; its lease ends within {lease.seconds} s")
        taken = update(LeaseRow).where(mine, LeaseRow.fence == row.fence).values(fence=row.fence + 1, **values)
        if connection.execute(taken).rowcount != 1:
            raise Busy(f"{show_path(library.path)} was taken by another process just now")
        return int(row.fence) + 1


def _renew(connection: Connection, root_uuid: str, fence: int, lease: Lease) -> bool:
    mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
    longer = update(LeaseRow).where(*mine).values(expires_at=_now(connection) + lease.seconds)
    return connection.execute(longer).rowcount == 1


def _give_back(database: Database, fences: dict[str, int]) -> None:
    # Failing here costs nothing: the lease runs out by itself.
    with contextlib.suppress(GreenroomError), database.begin() as connection:
        for root_uuid, fence in fences.items():
            mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
            connection.execute(update(LeaseRow).where(*mine).values(expires_at=0))
