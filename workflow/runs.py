"""Cycles ↔ run rows: what ran, when, with which settings, and what came of it. All SQL of runs."""

from __future__ import annotations

import datetime as dt
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, Index, Row, Text, cast, delete, false, func, insert, select, true, update

from config.lease import holders
from config.machine import utc_now
from config.tables import Base, column, optional

BEFORE_ALL: Final = dt.datetime.fromtimestamp(0, dt.UTC)
SKEW: Final = dt.timedelta(minutes=1)  # by which the clocks of hosts may differ
NEWEST_KEPT: Final = 50  # however old they are
DRY_RUN: Final = dt.timedelta(days=1)  # none lasts longer
INTERRUPTED: Final = "no end of it was written down: its process was killed, or the database was away"
RunStatus = Literal["running", "done", "failed", "skipped", "interrupted"]


class RunRow(Base):
    """One cycle, or one tick that found a cycle running."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_status", "status", "dry_run", "finished_at"),)

    id = column(str, primary_key=True)  # UTC start to the microsecond, eight random digits: sorts by time
    status = column(str)
    trigger = column(str)  # schedule, watch, command, request
    dry_run = column(bool)
    fire_time = optional(dt.datetime)  # of the schedule; None for the other triggers
    started_at = column(dt.datetime, index=True)
    finished_at = optional(dt.datetime)
    host = column(str)
    pid = column(int)
    settings = column(dict[str, Any])  # the snapshot the run used
    counts = column(dict[str, Any])
    reasons = column(list[Any])  # [{code, message, path}], of albums that were not staged, bounded
    error = optional(str)
    scan_db = optional(str)
    asked_by = optional(str)  # the person or key that asked for it
    approves = optional(str, index=True)  # the dry run whose plan it was to carry out


def new_run_id(now: dt.datetime) -> str:
    """Return an id that sorts by time, to the microsecond, and that a person can read."""
    return f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{now.microsecond:05x}{secrets.token_hex(4)}"


def start(connection: Connection, row: Mapping[str, Any]) -> None:
    """Insert a run row; `row` holds every column but those known at the end.

    Safe to repeat: the answer to an earlier commit may have got lost.
    """
    if connection.scalar(select(RunRow.id).where(RunRow.id == row["id"])) is not None:
        return
    empty: dict[str, Any] = {"finished_at": None, "counts": {}, "reasons": [], "error": None, "scan_db": None}
    empty |= {"asked_by": None, "approves": None}
    connection.execute(insert(RunRow).values({**empty, **row}))


def finish(connection: Connection, run_id: str, **columns: Any) -> None:
    """Write how a run ended."""
    connection.execute(update(RunRow).where(RunRow.id == run_id).values(**columns))


def mark_interrupted(connection: Connection, now: dt.datetime) -> dict[str, bool]:
    """Mark runs that never finished; call it holding the lock, when none of them can be alive.

    Return their ids, oldest first, each with whether it was a dry run.

    A dry run takes no lock: it is marked once its process is gone from this host, or after a day.
    """
    columns = (RunRow.id, RunRow.dry_run, RunRow.started_at, RunRow.host, RunRow.pid)
    running = connection.execute(select(*columns).where(RunRow.status == "running").order_by(RunRow.id)).all()
    left = {run.id: run.dry_run for run in running if not (run.dry_run and _may_dry_run(run._mapping, now))}
    ended = {"status": "interrupted", "finished_at": now, "error": INTERRUPTED}
    if left:
        connection.execute(update(RunRow).where(RunRow.id.in_(left)).values(ended))
    return left


def _may_dry_run(run: Mapping[Any, Any], now: dt.datetime) -> bool:
    return now - run["started_at"] < DRY_RUN and _may_be_alive(run)


def _may_be_alive(run: Mapping[Any, Any]) -> bool:
    return run["host"] != socket.gethostname() or Path(f"/proc/{run['pid']}").exists()


def _as_they_are(connection: Connection, rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Return runs as plain values; one nobody is at any more is interrupted, though only the next cycle writes that."""
    found = [dict(row._mapping) for row in rows]
    if running := [run for run in found if run["status"] == "running"]:
        now, held = utc_now(), holders(connection)
        for run in running:
            is_held = _may_be_alive(run) and any(run["id"] in holder for holder in held)
            if not (_may_dry_run(run, now) if run["dry_run"] else is_held):
                run |= {"status": "interrupted", "error": INTERRUPTED}
    return found


def recent(connection: Connection, limit: int = 20, trigger: str | None = None) -> Sequence[dict[str, Any]]:
    """Return the newest runs, newest first, as plain values."""
    query = select(RunRow.__table__).order_by(RunRow.id.desc()).limit(limit)
    if trigger is not None:
        query = query.where(RunRow.trigger == trigger)
    return _as_they_are(connection, connection.execute(query))


def last(connection: Connection, now: dt.datetime) -> dict[str, Any] | None:
    """Return the run that began last by now; where all began later, as the clock was set back since, the newest."""
    newest = select(RunRow.__table__).order_by(RunRow.id.desc()).limit(1)
    begun = RunRow.id < new_run_id(now + SKEW)
    found = connection.execute(newest.where(begun)).all() or connection.execute(newest).all()
    return next(iter(_as_they_are(connection, found)), None)


def page(
    connection: Connection, before: str | None = None, limit: int = 50, *, oldest_first: bool = False
) -> list[dict[str, Any]]:
    """Return runs without their settings and reasons, newest first, or the other way around.

    `before` is the id the page before ended with.
    """
    query = select(*(column for column in RunRow.__table__.columns if column.name not in ("settings", "reasons")))
    if before is not None:
        query = query.where(RunRow.id > before if oldest_first else RunRow.id < before)
    in_order = query.order_by(RunRow.id.asc() if oldest_first else RunRow.id.desc())
    return _as_they_are(connection, connection.execute(in_order.limit(limit)))


def one(connection: Connection, run_id: str) -> dict[str, Any] | None:
    """Return a whole run; None if nobody knows it."""
    found = connection.execute(select(RunRow.__table__).where(RunRow.id == run_id))
    return next(iter(_as_they_are(connection, found)), None)


def by_album(reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return stored reasons by album: where it lies or else its key, its outcome and why, in the order they came."""
    grouped = groupby(reasons, key=lambda reason: (reason["album"], reason["outcome"]))
    each = [(key, outcome, list(why)) for (key, outcome), why in grouped]
    return [{"name": why[0]["path"] or key, "outcome": outcome, "reasons": why} for key, outcome, why in each]


def approving(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """Return the runs that were to carry out the plan of a dry run, newest first."""
    query = select(RunRow.__table__).where(RunRow.approves == run_id).order_by(RunRow.id.desc()).limit(10)
    return _as_they_are(connection, connection.execute(query))


def count_by_status(connection: Connection) -> dict[str, int]:
    """Return how many runs ended each way."""
    query = select(RunRow.status, func.count()).group_by(RunRow.status).order_by(RunRow.status)
    return {status: count for status, count in connection.execute(query)}


def last_success(connection: Connection) -> dt.datetime | None:
    """Return when a run that was not dry was last done; None if none ever was."""
    query = select(func.max(RunRow.finished_at)).where(RunRow.status == "done", RunRow.dry_run == false())
    return connection.execute(query).scalar_one()


def last_look(connection: Connection, now: dt.datetime, *, dry_run: bool = False) -> dt.datetime | None:
    """Return when the run, or dry one, that was last done by now began: what came later it may not have seen.

    None if none ever was done; a time before all where each was in the future, as the clock was set back since.
    """
    kind = RunRow.dry_run == (true() if dry_run else false())  # IS false is no condition of an index in PostgreSQL
    done, by_now = (RunRow.status == "done", kind), (RunRow.finished_at <= now, RunRow.started_at <= now)
    query = select(RunRow.started_at).where(*done).order_by(RunRow.finished_at.desc()).limit(1)
    if (began := connection.scalar(query.where(*by_now))) is not None:
        return began
    return None if connection.scalar(query) is None else BEFORE_ALL


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[str]:
    """Return runs that ended before a time; the newest stay, for the schedule goes on from them."""
    newest = select(RunRow.id).order_by(RunRow.id.desc()).limit(NEWEST_KEPT).scalar_subquery()
    ended = (RunRow.finished_at < before, RunRow.id.not_in(newest))
    return connection.scalars(select(RunRow.id).where(*ended).limit(limit)).all()


def telling(connection: Connection, before: dt.datetime, limit: int) -> Sequence[str]:
    """Return runs that ended before a time and still tell why albums stayed; the newest may.

    Of an inbound folder that nobody clears up each run tells the same, up to 100 kB of it.
    """
    newest = select(RunRow.id).order_by(RunRow.id.desc()).limit(NEWEST_KEPT).scalar_subquery()
    tells = (RunRow.finished_at < before, cast(RunRow.reasons, Text) != "[]", RunRow.id.not_in(newest))
    return connection.scalars(select(RunRow.id).where(*tells).limit(limit)).all()


def forget_reasons(connection: Connection, ids: Sequence[str]) -> None:
    """Forget why albums stayed where they were; the counts stay."""
    connection.execute(update(RunRow).where(RunRow.id.in_(ids)).values(reasons=[]))


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Remove runs, and with them the plans of dry ones."""
    connection.execute(delete(RunRow).where(RunRow.id.in_(ids)))
