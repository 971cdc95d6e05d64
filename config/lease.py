"""A lease row ↔ who may write below a root, until when, and under which fence. All SQL of leases."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import threading
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Row, cast, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from config import leave
from config.database import Database
from config.errors import GreenroomError, LeaseLost, RootBusy
from config.leave import StopSignal
from config.libraries import Library
from config.machine import boot_id, boottime
from config.reasons import show_path, show_time
from config.tables import LeaseRow


class Lease(NamedTuple):
    """How long a lease lasts, in seconds."""

    seconds: int = 60  # by the database's clock
    renew: float = 15
    # We stop earlier than the lease ends, by our own clock, since the last renewal that is known to have worked.
    deadline: float = 45


STANDARD_LEASE = Lease()
# Words with which steps begin that take something away, let it be seen, or write down that it is there.
DECISIVE = frozenset({"commit", "exchange", "hide", "rename", "rmdir", "switch", "take", "trash", "unlink"})
_PID = " pid "  # what stands between the two in `holder`


class Guard:
    """Held while writing below roots. check() stands before every step; renewal runs beside it.

    `fence` is the number every journal write carries; it belongs to the first root that was asked for. `marks` are the
    sentinels that are locked, by the uuids of their roots, each with the device it is on.
    """

    def __init__(
        self,
        database: Database,
        fences: dict[str, int],
        stop: StopSignal,
        lease: Lease,
        taken: float,
        marks: dict[str, tuple[bytes, int]],
    ) -> None:
        self.fence = next(iter(fences.values()))
        self._marks = marks
        self._database = database
        self._fences = fences
        self._stop = stop
        self._lease = lease
        self._renewed = taken
        self._lost: str | None = None
        self._renewing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_ended, name="lease", daemon=True)
        self._thread.start()

    def check(self, label: str) -> None:
        """Raise LeaseLost when our time is up, or a root is not there any more; `label` names the step to be taken."""
        leave.check()
        if self._lost is not None:
            raise LeaseLost(f"stopped before “{label}”: {self._lost}")
        if boottime() - self._renewed > self._lease.deadline:
            raise LeaseLost(f"stopped before “{label}”: the lease was not renewed for {self._lease.deadline} s")
        if label.split(" ", 1)[0] in DECISIVE:
            self._check_marks(label)

    def _check_marks(self, label: str) -> None:
        """Raise LeaseLost where a root was unmounted, or something was mounted over it, since we locked it.

        Its path leads to another disk then, where an album would be for nobody, and its sources gone.
        """
        for mark, device in (*self._marks.values(),):
            try:
                is_there = os.lstat(mark).st_dev == device
            except (FileNotFoundError, NotADirectoryError):
                is_there = False
            except OSError:  # of a disk that fails; the step meets it
                continue
            if not is_there:
                root = show_path(os.path.dirname(mark))
                message = (
                    f"stopped before “{label}”: {root} is not what it was when this began: it was unmounted or moved, "
                    "or something was mounted over it. What was begun is settled when it is there again"
                )
                raise LeaseLost(message, code="root_not_mounted", path=os.path.dirname(mark))

    def check_stop(self) -> None:
        """Raise Stopped when somebody asked us to; call it only where nothing is half done."""
        leave.check_signal(self._stop)

    def confirm(self, connection: Connection) -> None:
        """Raise LeaseLost unless the leases are still ours, and keep them so until the transaction ends.

        For writes without a journal row, whose fence would be checked instead.
        """
        mine = select(LeaseRow.root_uuid, LeaseRow.fence).where(LeaseRow.root_uuid.in_(list(self._fences)))
        held = {root: fence for root, fence in connection.execute(mine.with_for_update(read=True))}
        if held != self._fences:
            raise LeaseLost("another process took the lease over; what was about to be written is its to decide")

    def let_go(self, root_uuid: str) -> None:
        """Renew the lease of one root no longer."""
        with self._renewing:
            del self._fences[root_uuid]
        self._marks.pop(root_uuid, None)

    def end(self) -> None:
        """Stop renewing; the lease is given back by whoever made this guard."""
        self._ended.set()
        self._thread.join()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(self._lease.renew):
            before = boottime()
            try:
                with self._renewing, self._database.begin() as connection:
                    kept = all(_renew(connection, root, fence, self._lease) for root, fence in self._fences.items())
            except GreenroomError:
                continue  # the deadline counts on; check() stops the work when it is reached
            if not kept:
                self._lost = "another process took the lease over"
                return
            self._renewed = before


def holder(connection: Connection, root_uuid: str) -> str | None:
    """Return who holds a root's lease, as text for people, or None."""
    row = connection.execute(select(LeaseRow).where(LeaseRow.root_uuid == root_uuid, *_held(connection))).first()
    return _shown(row) if row else None


def holders(connection: Connection) -> list[str]:
    """Return who holds any lease, each with what for."""
    return list(connection.scalars(select(LeaseRow.holder).where(*_held(connection))))


def _held(connection: Connection) -> tuple[ColumnElement[bool], ...]:
    """Not by a lease longer than any: the clock was set back since, and who holds it will renew it."""
    now = _now(connection)
    return LeaseRow.expires_at > now, LeaseRow.expires_at <= now + STANDARD_LEASE.seconds


def last_host(connection: Connection, root_uuid: str) -> str | None:
    """Return the name of the host that worked on a root last; None if nobody ever did."""
    told = connection.scalar(select(LeaseRow.holder).where(LeaseRow.root_uuid == root_uuid))
    return None if told is None else told.split(_PID)[0]


def _shown(row: Row[Any]) -> str:
    return f"{row.holder}, since {show_time(row.since)}"


def busy(database: Database, library: Library) -> RootBusy:
    """Return the error that names who works on a root."""
    with database.read() as connection:
        # Whoever has the lock wrote this row last. A frozen process does not renew it, and has the lock all the same.
        row = connection.execute(select(LeaseRow).where(LeaseRow.root_uuid == library.root_uuid)).first()
    who = _shown(row) if row and row.expires_at else "another process"
    return RootBusy(f"{show_path(library.path)} is being worked on by {who}; try again when it is done")


def _now(connection: Connection) -> ColumnElement[int]:
    """The database's own clock in seconds: the only clock all holders share."""
    if connection.dialect.name == "sqlite":
        return literal_column("CAST(strftime('%s', 'now') AS INTEGER)", BigInteger)
    return cast(func.floor(func.extract("epoch", func.clock_timestamp())), BigInteger)


def take(database: Database, library: Library, what: str, lease: Lease) -> int:
    """Take over a free or expired lease, or that of a dead process of this machine; return the new fence."""
    with database.begin() as connection:
        now = _now(connection)
        values = {
            "holder": f"{socket.gethostname()}{_PID}{os.getpid()} ({what})",
            "boot_id": boot_id(),
            "expires_at": now + lease.seconds,
            "since": dt.datetime.now(dt.UTC),
        }
        mine = LeaseRow.root_uuid == library.root_uuid
        row = connection.execute(select(LeaseRow, (LeaseRow.expires_at > now).label("alive")).where(mine)).first()
        if row is None:
            # A new disk in the place of one that died goes on with what was begun there, so it comes after all holders.
            fence = (connection.scalar(select(func.max(LeaseRow.fence))) or 0) + 1
            try:
                connection.execute(insert(LeaseRow).values(root_uuid=library.root_uuid, fence=fence, **values))
            except IntegrityError:
                raise RootBusy(f"{show_path(library.path)} was taken by another process just now") from None
            return fence
        # We hold the flock, so a holder on this machine is dead; SQLite is never shared between machines.
        dead = database.is_sqlite or row.boot_id == boot_id()
        if dead or not row.alive:
            taken = update(LeaseRow).where(mine, LeaseRow.fence == row.fence).values(fence=row.fence + 1, **values)
            if connection.execute(taken).rowcount != 1:
                raise RootBusy(f"{show_path(library.path)} was taken by another process just now")
            return int(row.fence) + 1
        # Renewed before the clock was set back it would outlive a dead holder by as much; one that lives renews it.
        too_long = update(LeaseRow).where(mine, LeaseRow.expires_at > now + lease.seconds)
        connection.execute(too_long.values(expires_at=now + lease.seconds))
    raise RootBusy(f"{show_path(library.path)} is held by {row.holder}; its lease ends within {lease.seconds} s")


def _renew(connection: Connection, root_uuid: str, fence: int, lease: Lease) -> bool:
    mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
    longer = update(LeaseRow).where(*mine).values(expires_at=_now(connection) + lease.seconds)
    return connection.execute(longer).rowcount == 1


def give_back(database: Database, fences: dict[str, int]) -> None:
    """End leases at once; failing costs nothing, because a lease runs out by itself."""
    with contextlib.suppress(GreenroomError), database.begin() as connection:
        for root_uuid, fence in fences.items():
            mine = (LeaseRow.root_uuid == root_uuid, LeaseRow.fence == fence)
            connection.execute(update(LeaseRow).where(*mine).values(expires_at=0))
