"""A root → the guard of the one process that may write below it.

Three layers, because none is enough alone: flock on the root's sentinel file (one machine, freed by the kernel with the
process), an advisory lock of PostgreSQL (many machines, best effort), and a lease row with a fence (correct: a holder
that slept past its lease finds every journal write refused).
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextvars import Context

from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from config import alone
from config import lease as leases
from config.database import POOLED, Database, keepalives, may_stand_still
from config.driver_errors import answering
from config.errors import Misconfigured, RootBusy
from config.lease import STANDARD_LEASE, Guard, Lease, busy
from config.leave import LEAVE, ROWS, StopSignal, changing
from config.libraries import Library
from config.machine import boottime
from config.plain import open_plain
from config.reasons import show_path
from config.sentinel import unseen

ADVISORY_CLASS = 0x67726E  # namespace of our advisory locks
# The server, too, must notice a dead holder in a minute: it frees the lock only then. Ignored on a unix socket.
_SERVER_KEEPALIVES = text(
    "SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false)"
)


@contextlib.contextmanager
def hold(
    database: Database, libraries: Sequence[Library], what: str, stop: StopSignal, lease: Lease = STANDARD_LEASE
) -> Iterator[Guard]:
    """Hold all three layers for every library given, first the one whose fence the journal carries.

    Raises Busy, naming the holder, when somebody else has one of them; Misconfigured when a root is not there;
    Retryable when the database does not answer, or no file can be opened. Of work that nobody waits for any more some
    roots may be let go before it ends (config.leave); the others are held until its thread comes out of here.
    """
    held = {library.path: contextlib.ExitStack() for library in libraries}

    def let_go(roots: Iterable[bytes]) -> None:
        for root in roots:
            if layers := held.pop(root, None):  # whoever takes it out closes it: this thread, or one that waited for it
                layers.close()

    roots = [*held]
    with contextlib.ExitStack() as stack:
        stack.callback(let_go, roots)
        if (work := LEAVE.get()) is not None:
            work.holding(roots, let_go)
        marks: dict[str, tuple[bytes, int]] = {}
        for library in libraries:
            with changing(library.path):
                device = held[library.path].enter_context(_flock(database, library))
            marks[library.root_uuid] = library.sentinel, device
        with changing(ROWS):  # asks no disk
            if not database.is_sqlite:
                for library in libraries:
                    held[library.path].enter_context(_advisory(database, library))
            fences: dict[str, int] = {}
            taken = boottime()  # before the first lease begins, so that our deadline is never later than its end
            for library in libraries:
                fences[library.root_uuid] = leases.take(database, library, what, lease)
                held[library.path].callback(_give_back, database, library, fences[library.root_uuid])
            guard = Guard(database, fences, stop, lease, taken, marks)
            stack.callback(guard.end)
            for library in libraries:
                held[library.path].callback(guard.let_go, library.root_uuid)
        yield guard


def _give_back(database: Database, library: Library, fence: int) -> None:
    """Give a lease back, which is no change that needs anybody's leave."""
    Context().run(leases.give_back, database, {library.root_uuid: fence})


@contextlib.contextmanager
def _flock(database: Database, library: Library) -> Iterator[int]:
    """Hold the lock of a root's sentinel, and give the device that is on."""
    shown = show_path(library.path)
    try:
        fd = open_plain(library.sentinel)
    except OSError as error:
        raise unseen(library.called, library.path, error) from error
    try:
        try:
            alone.lock(fd, library.sentinel)
        except BlockingIOError:
            raise busy(database, library) from None
        except OSError as error:  # ENOLCK on a network share without a lock service
            message = f"the mark of the {library.called} {shown} cannot be locked ({error.strerror}); "
            raise Misconfigured(message + "use a file system that can lock files", code="cannot_lock") from error
        # Somebody may have replaced the file between our open and our lock; then ours locks nothing.
        if (device := _device(fd, library.sentinel)) is None:
            raise RootBusy(f"the mark of {shown} was replaced just now; try again")
        yield device
    finally:
        alone.unlock(fd)
        with contextlib.suppress(OSError):  # the disk was pulled out, and whatever we are told by now says so
            os.close(fd)


def _device(fd: int, path: bytes) -> int | None:
    """Return the device of an open file; None if it is not what is at its path any more."""
    try:
        found = os.fstat(fd)
        return found.st_dev if os.path.samestat(found, os.lstat(path)) else None
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _advisory(database: Database, library: Library) -> Iterator[None]:
    """Hold the advisory lock of a root. May be left by any thread."""
    # A connection of its own, outside any pool: the lock lives exactly as long as the session.
    engine = create_engine(
        database.url, poolclass=NullPool, connect_args=keepalives(database.url), isolation_level="AUTOCOMMIT"
    )
    with contextlib.closing(_connected(database, engine)) as connection:
        lock = func.pg_try_advisory_lock
        with answering(database.url):
            if connection.info[POOLED]:  # a session may be another one's by the next transaction, so it is all in one
                connection.execution_options(isolation_level="READ COMMITTED")
                may_stand_still(connection)
                lock = func.pg_try_advisory_xact_lock
            else:
                connection.execute(_SERVER_KEEPALIVES)
            if not connection.execute(select(lock(*_key(library)))).scalar():
                raise busy(database, library)
        yield
        # The server would free it too, but only once it has noticed that we are gone: later than the next cycle.
        with contextlib.suppress(SQLAlchemyError):
            if connection.info[POOLED]:
                connection.rollback()
            else:
                connection.execute(select(func.pg_advisory_unlock(*_key(library))))


def _key(library: Library) -> tuple[int, int]:
    return ADVISORY_CLASS, zlib.crc32(library.root_uuid.encode()) & 0x7FFFFFFF


def _connected(database: Database, engine: Engine) -> Connection:
    with answering(database.url):
        return engine.connect()
