"""Jobs ↔ rows: wanted, started, ended, given back, listed, each only where the row allows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Identity,
    Index,
    delete,
    false,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from config.database import insert_into
from config.errors import Busy, LeaseLost
from config.tables import Base, BigId, column, optional
from workflow import events
from workflow.engine.failure import POISON_DEATHS, Verdict
from workflow.engine.job import FAILED, OPEN, Job, NewJob, Status

# As text, because SQLite uses an index of some rows only where it sees their statuses in the statement.
_OPEN: Final = text("status IN ('queued', 'running')")
_RUNNING: Final = text("status = 'running'")
_QUEUED: Final = text("status = 'queued'")
BUSY_ITEM_SECONDS: Final = 0.5  # before a job looks again whether another one has left its item
MAX_FAILURES: Final = 20  # kept of one job, the newest


class JobRow(Base):
    """One job; the meaning of each column is in workflow.engine.job.Job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_open", "phase", "subject", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("uq_jobs_running_item", "item_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("ix_jobs_due", "phase", "priority", "not_before", "id", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_jobs_status_phase_id", "status", "phase", "id"),
        Index("ix_jobs_status_id", "status", "id"),
        Index("ix_jobs_item_id", "item_id"),
    )

    id = column(int, BigId, Identity(), primary_key=True)
    phase = column(str)
    subject = column(str)
    item_id = optional(int, BigId)
    status = column(str)
    priority = column(int)
    payload = column(dict[str, Any])
    payload_version = column(int)
    actor = column(str)
    manual = column(bool)
    attempt = column(int)
    deaths = column(int)
    dispatch = column(int)
    carried = column(bool)
    fence = column(int, BigInteger)
    executor = optional(str)
    cancel_requested = column(bool)
    not_before = column(dt.datetime)
    created_at = column(dt.datetime)
    started_at = optional(dt.datetime)
    finished_at = optional(dt.datetime)
    code = optional(str)
    error = optional(str)
    failures = column(list[Any])


COLUMNS: Final = [getattr(JobRow, name) for name in Job.__dataclass_fields__]


def submit(connection: Connection, wanted: Iterable[NewJob], now: dt.datetime) -> None:
    """Write down jobs. If phase and subject have an open one, none is made; a queued one is hastened."""
    new = list(wanted)
    rows = [_new_row(job, now) for job in new]
    if rows:
        insert = insert_into(connection, JobRow).on_conflict_do_nothing()
        # Without the option nobody counts rows of PostgreSQL (-1), and each job would be hastened by a statement.
        if connection.execute(insert, rows, execution_options={"preserve_rowcount": True}).rowcount != len(rows):
            for job, row in zip(new, rows, strict=True):
                _hasten(connection, job, row)


def submit_one(connection: Connection, wanted: NewJob, now: dt.datetime) -> tuple[Job, bool]:
    """Write down one job; return it, or the open one there is, and whether it is new."""
    row = _new_row(wanted, now)
    insert = insert_into(connection, JobRow).values(row).on_conflict_do_nothing().returning(JobRow.id)
    there = select(*COLUMNS).where(JobRow.phase == wanted.phase, JobRow.subject == wanted.subject, _OPEN)
    while (made := connection.execute(insert).scalar()) is None:
        _hasten(connection, wanted, row)
        if found := connection.execute(there).first():  # else it has ended since, and the wish is one of its own
            return Job(*found), False
    return _one(connection, JobRow.id == made), True


def _new_row(job: NewJob, now: dt.datetime) -> dict[str, Any]:
    return {
        "phase": job.phase, "subject": job.subject, "item_id": job.item_id, "status": "queued",
        "priority": job.priority, "payload": job.payload.model_dump(mode="json"),
        "payload_version": job.payload.version, "actor": job.actor, "manual": job.manual,
        "attempt": 0, "deaths": 0, "dispatch": 0, "carried": False, "fence": 0, "executor": None,
        "cancel_requested": False, "not_before": now + dt.timedelta(seconds=job.delay), "created_at": now,
        "started_at": None, "finished_at": None, "code": None, "error": None, "failures": [],
    }  # fmt: skip


def _hasten(connection: Connection, job: NewJob, row: dict[str, Any]) -> None:
    """Give a queued job that is wanted again the priority of the new wish, if that is more urgent.

    A person's wish also ends the wait after a failure and, where it has a payload of its own, replaces the old one,
    that of a running job, too, which has read its own by now and begins again with this one; see `finish`. It comes
    after a cancellation that has yet to reach a running job, too, which begins again if it does; see `fail`.
    """
    statuses: Sequence[Status] = ("queued",)
    waiting = JobRow.created_at != row["created_at"]  # not what was written just now; the clock may have been set back
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
    same = (JobRow.phase == job.phase, JobRow.subject == job.subject, _OPEN, JobRow.status.in_(statuses) | revoked)
    connection.execute(update(JobRow).where(*same, waiting, sooner).values(values))


def start(connection: Connection, job_id: int, executor: str, now: dt.datetime) -> Job | None:
    """Give a queued job to a worker; None when it is not queued any more.

    Raises Busy when another job has the item; then nothing was written.
    """
    found = connection.execute(select(*COLUMNS).where(JobRow.id == job_id).with_for_update()).first()
    job = Job(*found) if found else None
    if job is None or (job.status == "running" and job.executor == executor):
        return job  # started before, but the answer to that commit got lost
    if job.status != "queued":
        return None
    began = {"status": "running", "executor": executor, "started_at": now}
    counted = {"attempt": JobRow.attempt + 1, "fence": JobRow.fence + 1}
    try:
        connection.execute(update(JobRow).where(JobRow.id == job_id).values(**began, **counted))
    except IntegrityError:
        raise Busy(f"another job of item {job.item_id} runs") from None
    return _one(connection, JobRow.id == job_id)


def postpone(connection: Connection, job_id: int, now: dt.datetime) -> None:
    """Let a queued job wait for a moment: its item is busy, or this worker has yet to notice that it lost the job."""
    later = now + dt.timedelta(seconds=BUSY_ITEM_SECONDS)
    waiting = update(JobRow).where(JobRow.id == job_id, JobRow.status == "queued")
    connection.execute(waiting.values(carried=False, not_before=later))


def finish(connection: Connection, job: Job, now: dt.datetime) -> bool:
    """Mark a job done, if its start is the newest; False if an earlier try did that and only its answer got lost.

    One that a person wanted otherwise while it ran is queued again. Raises LeaseLost when another worker has it: then
    nothing of what it did may be committed.
    """
    done = {"status": "done", "finished_at": now, "code": None, "error": None, "carried": False}
    ended = update(JobRow).where(*_held(job)).values(done).returning(JobRow.payload, JobRow.cancel_requested)
    if found := connection.execute(ended).first():
        if found.payload != job.payload and not found.cancel_requested:
            connection.execute(update(JobRow).where(JobRow.id == job.id).values(_again(now)))
        return True
    over = (JobRow.id == job.id, JobRow.fence == job.fence, JobRow.status.in_(("done", "queued")))
    if connection.execute(select(JobRow.id).where(*over)).first():
        return False
    raise LeaseLost(f"job {job.id} was given to another worker; what this one did is not recorded")


def fail(
    connection: Connection, job: Job, verdict: Verdict, failure: dict[str, Any], now: dt.datetime, *, asked: bool
) -> bool:
    """Write down how a job failed and what becomes of it; False, with nothing written, if it is no longer ours.

    `asked`: somebody cancelled it. If a person wanted it again since, but too late for it, it is queued again. One that
    failed before it learned that it was cancelled is so, unless there is something for a person to look at.
    """
    is_cancelled = connection.scalar(select(JobRow.cancel_requested).where(*_held(job)).with_for_update())
    if asked and verdict.status == "cancelled" and is_cancelled is False:
        return connection.execute(update(JobRow).where(*_held(job)).values(_again(now))).rowcount == 1
    if is_cancelled and verdict.status != "parked":
        verdict, failure = verdict._replace(status="cancelled"), {**failure, "code": "cancelled"}
    closed = verdict.status not in OPEN
    values: dict[str, Any] = {
        "status": verdict.status,
        "carried": False,
        "attempt": job.attempt if verdict.counts else job.attempt - 1,
        "not_before": now + dt.timedelta(seconds=verdict.delay),
        "finished_at": now if closed else None,
        "code": failure["code"],
        "error": failure["message"],
        "failures": [*job.failures, failure][-MAX_FAILURES:] if verdict.counts else job.failures,
    }
    ours = connection.execute(update(JobRow).where(*_held(job)).values(values)).rowcount == 1
    if ours and verdict.status in FAILED:
        _tell(connection, job, verdict.status, failure["message"], now)
    return ours


def _again(now: dt.datetime) -> dict[str, Any]:
    return {"status": "queued", "finished_at": None, "carried": False, "attempt": 0, "not_before": now}


def _tell(connection: Connection, job: Job, status: str, why: str, now: dt.datetime) -> None:
    """Tell subscribers of a job that waits for a person now."""
    subject = f"{job.phase} of {job.subject}" if job.item_id else job.subject
    facts = {"status": status, "phase": job.phase}
    event = events.Event("job_dead", subject, why, job.item_id, job_id=job.id, facts=facts)
    events.tell(connection, [event], now)


def give_back(
    connection: Connection,
    executor: str | None,
    now: dt.datetime,
    *,
    died: bool,
    only: Mapping[int, int] | None = None,
) -> list[Job]:
    """Queue the jobs of a worker again, unless they were cancelled, and return them.

    If it died that is counted; a job too many died with is parked.

    Without an executor: the jobs of all workers that have no row. `only` limits it to these jobs and fences.
    """
    from workflow.engine.hosts import WorkerRow

    unknown = JobRow.executor.not_in(select(WorkerRow.executor))
    whose = unknown if executor is None else JobRow.executor == executor
    query = select(*COLUMNS).where(whose, JobRow.status == "running").with_for_update()
    found = [Job(*row) for row in connection.execute(query)]
    if only is not None:
        found = [job for job in found if only.get(job.id) == job.fence]
    for job in found:
        deaths = job.deaths + died
        values: dict[str, Any] = {"status": "queued", "carried": False, "fence": job.fence + 1, "deaths": deaths}
        if died:
            message = f"the worker {job.executor} died while it had the job"
            failure = {"attempt": job.attempt, "at": now.isoformat(), "executor": job.executor,
                       "code": "worker_died", "message": message, "traceback": None}  # fmt: skip
            values |= {"failures": [*job.failures, failure][-MAX_FAILURES:], "code": "worker_died", "error": message}
        if job.cancel_requested:
            values |= {"status": "cancelled", "code": "cancelled", "finished_at": now}
        elif deaths >= POISON_DEATHS:
            message = f"{deaths} workers died while they had it; look at its input before it is tried again"
            values |= {"status": "parked", "code": "poison", "error": message, "finished_at": now}
            _tell(connection, job, "parked", message, now)
        else:
            values["attempt"] = max(0, job.attempt - 1)
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(values))
    return found


def held_by(connection: Connection, executor: str) -> dict[int, tuple[int, bool]]:
    """Return what a worker has: job → (fence, whether it shall be cancelled)."""
    query = select(JobRow.id, JobRow.fence, JobRow.cancel_requested)
    mine = query.where(JobRow.executor == executor, JobRow.status == "running")
    return {row.id: (row.fence, row.cancel_requested) for row in connection.execute(mine)}


def cancel(connection: Connection, job_id: int, now: dt.datetime) -> Status | None:
    """Cancel a queued job, or ask the worker of a running one to. Return what it was, None if it was neither."""
    ended = {"status": "cancelled", "carried": False, "finished_at": now, "code": "cancelled"}
    if connection.execute(_where(job_id, "queued").values(ended)).rowcount:
        return "queued"
    asked = connection.execute(_where(job_id, "running").values(cancel_requested=True)).rowcount
    return "running" if asked else None


def discard(connection: Connection, job_id: int, now: dt.datetime) -> bool:
    """Set a failed job aside, so that it is no longer listed as failed; return whether it had failed."""
    return connection.execute(_where(job_id, *FAILED).values(status="discarded", finished_at=now)).rowcount == 1


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove jobs."""
    connection.execute(delete(JobRow).where(JobRow.id.in_(ids)))


def _held(job: Job) -> Sequence[ColumnElement[bool]]:
    return (JobRow.id == job.id, JobRow.fence == job.fence, JobRow.status == "running")


def _where(job_id: int, *statuses: str) -> Any:
    return update(JobRow).where(JobRow.id == job_id, JobRow.status.in_(statuses))


def _one(connection: Connection, *where: ColumnElement[bool]) -> Job:
    return Job(*connection.execute(select(*COLUMNS).where(*where)).one())
