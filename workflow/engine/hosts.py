"""Workers ↔ rows: who there is, and each one's last sign of life. All SQL of workers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, delete, insert, select, update

from config.database import now_ms
from config.tables import Base, column

DEAD_AFTER: Final = 30.0  # seconds without a sign of life


class WorkerRow(Base):
    """One process that carries jobs; it is alive while `beat_ms` moves."""

    __tablename__ = "workers"

    executor = column(str, primary_key=True)
    host = column(str)
    pid = column(int)
    phases = column(list[Any])
    concurrency = column(int)
    beat_ms = column(int, BigInteger)  # of the last sign of life, by the database's clock
    started_at = column(dt.datetime)


class WorkerSeen(NamedTuple):
    """One worker as people see it."""

    executor: str
    host: str
    pid: int
    phases: list[str]
    concurrency: int
    seconds_silent: float


class Sign(NamedTuple):
    """A worker's sign of life. Another one is another value, whatever becomes of the database's clock."""

    executor: str
    at_ms: int


def enlist(connection: Connection, row: dict[str, Any]) -> None:
    """Enter a worker, in place of the one that had its name before."""
    connection.execute(delete(WorkerRow).where(WorkerRow.executor == row["executor"]))
    connection.execute(insert(WorkerRow).values(**row, beat_ms=now_ms(connection)))


def beat(connection: Connection, executor: str) -> bool:
    """Give a sign of life; False when somebody took us for dead."""
    own = WorkerRow.executor == executor
    return connection.execute(update(WorkerRow).where(own).values(beat_ms=now_ms(connection))).rowcount == 1


def signs(connection: Connection) -> list[Sign]:
    """Return the last sign of life of each worker."""
    return [Sign(*row) for row in connection.execute(select(WorkerRow.executor, WorkerRow.beat_ms))]


def bury(connection: Connection, last: Iterable[Sign]) -> list[str]:
    """Strike out the workers of signs that still are their last; return those that were found, to one caller only."""
    found = (
        delete(WorkerRow).where(WorkerRow.executor == one.executor, WorkerRow.beat_ms == one.at_ms)
        for one in sorted(last)  # in one order, or two that bury the same ones might wait for each other
    )
    return [gone for dead in found for gone in connection.scalars(dead.returning(WorkerRow.executor))]


def leave(connection: Connection, executor: str) -> None:
    """Strike a worker out that ends."""
    connection.execute(delete(WorkerRow).where(WorkerRow.executor == executor))


def seen(connection: Connection) -> list[WorkerSeen]:
    """Return the workers that live, oldest first; a dead one stays entered until a living one strikes it out."""
    silent = (now_ms(connection) - WorkerRow.beat_ms).label("silent")
    lives = now_ms(connection) - WorkerRow.beat_ms < DEAD_AFTER * 1000
    query = select(WorkerRow.__table__, silent).where(lives).order_by(WorkerRow.started_at)
    return [
        WorkerSeen(r.executor, r.host, r.pid, r.phases, r.concurrency, max(0, r.silent) / 1000)
        for r in connection.execute(query)
    ]


def carrying(connection: Connection, phase: str) -> set[str]:
    """Return the names of the hosts on which somebody carries jobs of a phase."""
    return {one.host for one in seen(connection) if phase in one.phases}
