"""Jobs' rows → one of them, some of them newest first, how many there are, since when they wait: what is only asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, asc, desc, func, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from workflow.engine.job import STATUSES, Job
from workflow.engine.tables import COLUMNS, JobRow


def find(connection: Connection, job_id: int) -> Job | None:
    """Return one job."""
    row = connection.execute(select(*COLUMNS).where(JobRow.id == job_id)).first()
    return Job(*row) if row else None


def page(
    connection: Connection,
    *,
    statuses: Collection[str] = (),
    phase: str | None = None,
    item_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> list[Job]:
    """Return jobs, newest first, or the other way around; `before` is the id the page before ended with."""
    place = [] if before is None else [JobRow.id > before if oldest_first else JobRow.id < before]
    sort = asc if oldest_first else desc

    def first(*where: ColumnElement[bool]) -> Select[Any]:
        return select(JobRow.id).where(*where, *place).order_by(sort(JobRow.id)).limit(limit)

    ids: Select[Any] | CompoundSelect[Any]
    if item_id is not None:  # has few jobs
        asked = {JobRow.phase: phase, JobRow.status: statuses or None}
        narrower = [column.in_([of] if isinstance(of, str) else of) for column, of in asked.items() if of is not None]
        ids = first(JobRow.item_id == item_id, *narrower)
    elif phase is None and not statuses:
        ids = first()
    else:  # one status after the other: each list stands in an index in its order, and all of them in none
        of_phase = [JobRow.phase == phase] if phase is not None else []
        each = (first(JobRow.status == one, *of_phase).subquery() for one in dict.fromkeys(statuses or STATUSES))
        ids = union_all(*(select(found.c.id) for found in each)).order_by(sort("id")).limit(limit)
    found = list(connection.scalars(ids))
    rows = connection.execute(select(*COLUMNS).where(JobRow.id.in_(found)).order_by(sort(JobRow.id)))
    return [Job(*row) for row in rows]


def oldest_queued(connection: Connection) -> dt.datetime | None:
    """Return since when the job waits that was queued first; None if none does."""
    found: dt.datetime | None = connection.scalar(
        select(JobRow.created_at).where(JobRow.status == "queued").order_by(JobRow.id).limit(1)
    )
    return found


def failed_before(connection: Connection) -> tuple[int, Job | None]:
    """Return how many queued jobs could not be done yet, and the one of them that is tried again first."""
    these = (JobRow.status == "queued", JobRow.error.is_not(None))
    count = connection.scalar(select(func.count()).where(*these)) or 0
    row = connection.execute(select(*COLUMNS).where(*these).order_by(JobRow.not_before, JobRow.id).limit(1)).first()
    return count, Job(*row) if row else None


def newest(connection: Connection, phase: str) -> dt.datetime | None:
    """Return when the newest job of a phase was wanted; None if none is known."""
    mine = select(func.max(JobRow.id)).where(JobRow.phase == phase, JobRow.status.in_(STATUSES))
    return connection.scalar(select(JobRow.created_at).where(JobRow.id == mine.scalar_subquery()))


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return how many jobs of each phase have each status that any has."""
    found: dict[str, dict[str, int]] = {}
    query = select(JobRow.phase, JobRow.status, func.count()).group_by(JobRow.phase, JobRow.status)
    for phase, status, count in connection.execute(query.order_by(JobRow.phase, JobRow.status)):
        found.setdefault(phase, {})[status] = count
    return found


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[int]:
    """Return closed jobs that ended before a time; what failed stays until a person has dealt with it."""
    closed = JobRow.status.in_(("done", "cancelled", "discarded"))
    return connection.scalars(select(JobRow.id).where(closed, JobRow.finished_at < before).limit(limit)).all()
