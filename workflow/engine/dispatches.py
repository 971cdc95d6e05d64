"""Queued jobs that are due → handed over to the carrier, and found for whoever has a slot. All SQL of dispatches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, text, update

from config.tables import UtcDateTime
from workflow.engine.failure import NotHere
from workflow.engine.job import Job
from workflow.engine.tables import COLUMNS, JobRow

_UNCARRIED: Final = "NOT carried"
_FREE: Final = "NOT EXISTS (SELECT 1 FROM jobs AS other WHERE other.item_id = due.item_id AND other.status = 'running')"
# Left to itself SQLite searches by status and phase, and sorts the whole backlog for the first few.
_HINTS: Final = {"sqlite": "INDEXED BY ix_jobs_due", "postgresql": ""}
_UNLOCKED: Final = {"sqlite": "", "postgresql": "FOR UPDATE SKIP LOCKED"}  # of those that no other worker is busy with

LONGEST_WAIT: Final = dt.timedelta(days=1)  # of a job before it may start: `phase.sync.delay_seconds` at its most


def is_due(connection: Connection, now: dt.datetime) -> bool:
    """Tell whether a job runs, whoever has it, or is queued and may start."""
    may_start = (JobRow.not_before <= now) | (JobRow.not_before > now + LONGEST_WAIT)  # see `unstrand`
    queued = select(JobRow.id).where(JobRow.status == "queued", may_start).limit(1)
    running = select(JobRow.id).where(JobRow.status == "running").limit(1)
    return any(connection.execute(query).first() for query in (queued, running))


def waiting(connection: Connection, phases: Iterable[str], now: dt.datetime, passed: Collection[int] = ()) -> list[str]:
    """Return those phases that have a job, not one `passed`, to be handed over; of none at all one question tells."""
    due = (JobRow.status == "queued", JobRow.carried.is_(False), JobRow.not_before <= now)
    if connection.execute(select(JobRow.id).where(*due).limit(1)).first() is None:
        return []
    which = _UNCARRIED + _not(passed)
    return [phase for phase in phases if _due(connection, which, phase, now, 1)]


def hand_over(
    connection: Connection, phase: str, now: dt.datetime, limit: int, passed: Collection[int] = ()
) -> list[Job]:
    """Mark the next jobs of a phase that are due as carried, each with a new dispatch number, the most urgent first."""
    which, lock = _UNCARRIED + _not(passed), _UNLOCKED[connection.dialect.name]
    ids = [row.id for row in _due(connection, which, phase, now, limit, lock)]
    query = select(*COLUMNS).where(JobRow.id.in_(ids)).order_by(JobRow.priority, JobRow.not_before, JobRow.id)
    found = [Job(*row) for row in connection.execute(query)] if ids else []
    if found:
        marked = update(JobRow).where(JobRow.id.in_(ids))
        connection.execute(marked.values(carried=True, dispatch=JobRow.dispatch + 1))
    return found


def phase_of(connection: Connection, job_id: int, dispatch: int) -> str | None:
    """Return the phase a dispatch is of; None when it is stale."""
    found: str | None = connection.scalar(select(JobRow.phase).where(JobRow.id == job_id, JobRow.dispatch == dispatch))
    return found


def next_due(connection: Connection, phase: str, now: dt.datetime, passed: Collection[int]) -> int | None:
    """Return the most urgent job of a phase that may start now, carried or not; other workers are given another.

    None of those `passed`, which are for others. A job that somebody hands over or takes in this instant is left out
    only for one as urgent.
    """
    which = _FREE + _not(passed)
    while first := _due(connection, which, phase, now, 1):
        as_urgent = f"{which} AND priority = {int(first[0].priority)}"
        if found := _due(connection, as_urgent, phase, now, 1, _UNLOCKED[connection.dialect.name]):
            return int(found[0].id)
        query = select(JobRow.id).where(JobRow.id == first[0].id, JobRow.status == "queued")
        if connection.scalar(query.with_for_update()):  # waits until whoever is busy with it is done
            return int(first[0].id)
    return None


def _due(
    connection: Connection, which: str, phase: str, now: dt.datetime, limit: int, lock: str = ""
) -> Sequence[Row[Any]]:
    query = text(
        f"SELECT id, priority FROM jobs AS due {_HINTS[connection.dialect.name]}"  # noqa: S608  all of it ours
        f" WHERE phase = :phase AND status = 'queued' AND not_before <= :now AND {which}"
        f" ORDER BY priority, not_before, id LIMIT :limit {lock}"
    ).bindparams(bindparam("now", type_=UtcDateTime()))
    return connection.execute(query, {"phase": phase, "now": now, "limit": limit}).all()


def _not(passed: Collection[int]) -> str:
    return f" AND id NOT IN ({', '.join(str(int(job_id)) for job_id in passed)})" if passed else ""


def uncarry(connection: Connection, dispatches: Iterable[tuple[int, int]]) -> int:
    """Let queued jobs be handed over again whose dispatch was lost: (job, dispatch). Return how many there are."""
    return sum(
        connection.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.dispatch == dispatch, JobRow.status == "queued", JobRow.carried)
            .values(carried=False)
        ).rowcount
        for job_id, dispatch in dispatches
    )


def unstrand(connection: Connection, now: dt.datetime) -> None:
    """Let queued jobs start that would wait for longer than any is made to wait: the clock was set back since."""
    stranded = (JobRow.status == "queued", JobRow.not_before > now + LONGEST_WAIT)
    connection.execute(update(JobRow).where(*stranded).values(not_before=now))


def call_back(connection: Connection, now: dt.datetime) -> None:
    """Let queued jobs start that wait because a root, or a host that can do them, was away; each host may try again."""
    waits = (JobRow.status == "queued", JobRow.code == NotHere.code, JobRow.not_before > now)
    connection.execute(update(JobRow).where(*waits).values(not_before=now, code=None))


def carried(connection: Connection, phases: Collection[str], after: int, limit: int) -> list[tuple[int, int]]:
    """Return queued jobs that DBOS should have, as (job, dispatch), in the order of their ids."""
    waits = (JobRow.status == "queued", JobRow.carried, JobRow.phase.in_(phases), JobRow.id > after)
    rows = connection.execute(select(JobRow.id, JobRow.dispatch).where(*waits).order_by(JobRow.id).limit(limit))
    return [(row.id, row.dispatch) for row in rows]
