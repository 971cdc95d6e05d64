"""Jobs that somebody wants → rows, unless there is an open one of the same, which is hastened then."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, false, func, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from config.batches import batched
from config.database import insert_into
from workflow.engine.job import OPEN, Job, NewJob, Status
from workflow.engine.tables import COLUMNS, IS_OPEN, JobRow, one


def submit(connection: Connection, wanted: Iterable[NewJob], now: dt.datetime) -> None:
    """Write down jobs. If phase and subject have an open one, none is made; a queued one is hastened."""
    new = list(wanted)
    rows = [_new_row(job, now) for job in new]
    if rows:
        insert = insert_into(connection, JobRow).on_conflict_do_nothing()
        # Without the option nobody counts rows of PostgreSQL (-1), and new jobs would be hastened, too.
        if connection.execute(insert, rows, execution_options={"preserve_rowcount": True}).rowcount != len(rows):
            alike: defaultdict[Any, list[NewJob]] = defaultdict(list)  # but for their subjects
            for job in new:
                alike[job.phase, job.payload.model_dump_json(), *job[4:]].append(job)
            for same in alike.values():
                for some in batched(same):
                    _hasten(connection, some, now)


def submit_one(connection: Connection, wanted: NewJob, now: dt.datetime) -> tuple[Job, bool]:
    """Write down one job; return it, or the open one there is, and whether it is new."""
    row = _new_row(wanted, now)
    insert = insert_into(connection, JobRow).values(row).on_conflict_do_nothing().returning(JobRow.id)
    there = select(*COLUMNS).where(JobRow.phase == wanted.phase, JobRow.subject == wanted.subject, IS_OPEN)
    while (made := connection.execute(insert).scalar()) is None:
        _hasten(connection, [wanted], now)
        if found := connection.execute(there).first():  # else it has ended since, and the wish is one of its own
            return Job(*found), False
    return one(connection, JobRow.id == made), True


def _new_row(job: NewJob, now: dt.datetime) -> dict[str, Any]:
    return {
        "phase": job.phase, "subject": job.subject, "item_id": job.item_id, "status": "queued",
        "priority": job.priority, "payload": job.payload.model_dump(mode="json"),
        "payload_version": job.payload.version, "actor": job.actor, "manual": job.manual,
        "attempt": 0, "deaths": 0, "dispatch": 0, "carried": False, "fence": 0, "executor": None,
        "cancel_requested": False, "not_before": now + dt.timedelta(seconds=job.delay), "created_at": now,
        "started_at": None, "finished_at": None, "code": None, "error": None, "failures": [],
    }  # fmt: skip


def _hasten(connection: Connection, alike: Sequence[NewJob], now: dt.datetime) -> None:
    """Give queued jobs that are wanted again the priority of the new wish, if that is more urgent.

    A person's wish also ends the wait after a failure and, where it has a payload of its own, replaces the old one,
    that of a running job, too, which has read its own by now and begins again with this one; see `finish`. It comes
    after a cancellation that has yet to reach a running job, too, which begins again if it does; see `fail`.
    """
    job, row = alike[0], _new_row(alike[0], now)
    statuses: Sequence[Status] = ("queued",)
    waiting = JobRow.created_at != now  # not what was written just now; the clock may have been set back
    sooner = JobRow.priority > job.priority
    least = func.least if connection.dialect.name == "postgresql" else func.min
    values: dict[str, Any] = {"priority": least(JobRow.priority, job.priority)}
    revoked: ColumnElement[bool] = false()
    if job.manual:
        revoked = JobRow.cancel_requested & JobRow.status.in_(OPEN)
        sooner = sooner | (JobRow.not_before > row["not_before"]) | JobRow.manual.is_(False) | revoked
        values |= {"manual": True, "actor": job.actor, "not_before": row["not_before"], "cancel_requested": False}
        if job.payload.model_dump(exclude_defaults=True):
            sooner, statuses = true(), OPEN
            values |= {name: row[name] for name in ("payload", "payload_version")}
    subjects = JobRow.subject.in_([one.subject for one in alike])
    same = (JobRow.phase == job.phase, subjects, IS_OPEN, JobRow.status.in_(statuses) | revoked)
    connection.execute(update(JobRow).where(*same, waiting, sooner).values(values))
