"""Workers ↔ rows: who is alive, by the database's clock, and what it carries. All SQL of workers."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, delete, insert, select, update

from config.database import now_ms
from config.tables import Base, column


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
    started_at: dt.datetime


def enlist(connection: Connection, row: dict[str, Any]) -> None:
    """Enter a worker, in place of the one that had its name before."""
    connection.execute(delete(WorkerRow).where(WorkerRow.executor == row["executor"]))
    connection.execute(insert(WorkerRow).values(**row, beat_ms=now_ms(connection)))


def beat(connection: Connection, executor: str) -> float | None:
    """Give a sign of life; return for how many seconds there was none, None when somebody took us for dead."""
    own = WorkerRow.executor == executor
    silent = connection.scalar(select(now_ms(connection) - WorkerRow.beat_ms).where(own).with_for_update())
    connection.execute(update(WorkerRow).where(own).values(beat_ms=now_ms(connection)))
    return None if silent is None else silent / 1000


def bury(connection: Connection, executor: str, timeout: float) -> list[str]:
    """Strike out workers silent for so many seconds when `executor` last was not; return who they are.

    Each is returned to one caller only. Silence is not measured by asking the clock again: it may have jumped since.
    """
    most, now = round(timeout * 1000), now_ms(connection)
    # The clock was set back since, and a dead one would be silent years later only; one that lives is heard again.
    connection.execute(update(WorkerRow).where(WorkerRow.beat_ms > now + most).values(beat_ms=now))
    heard = select(WorkerRow.beat_ms.label("at")).where(WorkerRow.executor == executor).cte()
    silent = WorkerRow.beat_ms < select(heard.c.at - most).scalar_subquery()
    return list(connection.scalars(delete(WorkerRow).where(silent).returning(WorkerRow.executor)))


def leave(connection: Connection, executor: str) -> None:
    """Strike a worker out that ends."""
    connection.execute(delete(WorkerRow).where(WorkerRow.executor == executor))


def seen(connection: Connection) -> list[WorkerSeen]:
    """Return the workers there are, oldest first."""
    silent = (now_ms(connection) - WorkerRow.beat_ms).label("silent")
    query = select(WorkerRow.__table__, silent).order_by(WorkerRow.started_at)
    return [
        WorkerSeen(r.executor, r.host, r.pid, r.phases, r.concurrency, max(0, r.silent) / 1000, r.started_at)
        for r in connection.execute(query)
    ]
