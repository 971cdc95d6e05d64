"""Jobs ↔ rows: started, ended, given back, cancelled, each only where the row allows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Text, cast, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from config.errors import Busy, LeaseLost
from workflow import events
from workflow.engine.failure import POISON_DEATHS, Verdict
from workflow.engine.job import FAILED, OPEN, Job, Status
from workflow.engine.tables import COLUMNS, JobRow, one

BUSY_ITEM_SECONDS: Final = 0.5  # before a job looks again whether another one has left its item
MAX_FAILURES: Final = 20  # kept of one job, the newest
_TILL_THEN: Final = "until then it is tried again every few minutes, with all that waits for the same"


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
    return one(connection, JobRow.id == job_id)


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
        verdict = verdict._replace(status="cancelled", is_told=False)
        failure = {**failure, "code": "cancelled"}
    is_news = verdict.is_told and not _is_known(connection, job, failure["code"])
    closed = verdict.status not in OPEN
    values: dict[str, Any] = {
        "status": verdict.status,
        "carried": False,
        "attempt": job.attempt if verdict.counts else job.attempt - 1,
        "not_before": now + dt.timedelta(seconds=verdict.delay),
        "finished_at": now if closed else None,
        "code": failure["code"],
        "error": failure["message"],
        "failures": [*job.failures, failure][-MAX_FAILURES:] if verdict.counts or is_news else job.failures,
    }
    ours = connection.execute(update(JobRow).where(*_held(job)).values(values)).rowcount == 1
    if ours and verdict.status in FAILED:
        _tell(connection, job, verdict.status, failure["message"], now)
    elif ours and is_news:
        _tell(connection, job, verdict.status, f"{failure['message']}; {_TILL_THEN}", now)
    return ours


def _is_known(connection: Connection, job: Job, code: str) -> bool:
    """Tell whether people heard of a failure: it is kept of this job, or of another one of its phase that waits."""
    is_kept = cast(JobRow.failures, Text).contains(f'"{code}"', autoescape=True)
    waits = select(JobRow.id).where(JobRow.phase == job.phase, JobRow.code == code, JobRow.status.in_(OPEN), is_kept)
    return any(one["code"] == code for one in job.failures) or connection.scalar(waits.limit(1)) is not None


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
