"""Jobs ↔ JSON: listed, counted, shown with every failure, retried, cancelled, set aside; phases paused."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from daemon.actions import jobs
from daemon.web.access import By
from daemon.web.bodies import Body, Limit, Responses, RowId
from daemon.web.deciding import ByAge
from daemon.web.installation import App
from daemon.web.routing import api_router
from workflow.engine.job import Job, Status

router = api_router("/api/v1/jobs", "jobs")
UNKNOWN: Responses = {404: {"description": "There is none."}}
REFUSED: Responses = UNKNOWN | {422: {"description": "Its state does not allow that."}}


class JobOut(BaseModel):
    """One phase of one item."""

    id: int
    phase: str
    subject: str
    item_id: int | None
    status: Status
    priority: int
    payload: dict[str, Any]
    actor: str
    manual: bool
    attempt: int
    deaths: int
    executor: str | None
    cancel_requested: bool
    not_before: dt.datetime
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    code: str | None
    error: str | None
    failures: list[dict[str, Any]]
    advice: str | None


class JobPage(BaseModel):
    """Some jobs; `next` is the `before` of the page that follows."""

    jobs: list[JobOut]
    next: int | None


class Paused(Body):
    """Whether a phase starts no more jobs."""

    paused: bool


@router.get("", summary="The jobs")
def read(
    app: App,
    status: Annotated[list[Status] | None, Query(max_length=10)] = None,
    phase: Annotated[str | None, Query(max_length=50)] = None,
    item_id: RowId | None = None,
    before: RowId | None = None,
    sort: ByAge = "added",
    limit: Limit = 50,
) -> JobPage:
    """List jobs, newest first; with `-added` the oldest."""
    oldest = sort == "-added"
    found = app.engine.list(
        statuses=status or (), phase=phase, item_id=item_id, before=before, limit=limit + 1, oldest_first=oldest
    )
    more = found[limit - 1].id if len(found) > limit else None
    return JobPage(jobs=[_out(job) for job in found[:limit]], next=more)


@router.get("/counts", summary="How many jobs of each phase have each status")
def counts(app: App) -> dict[str, dict[str, int]]:
    """Count them."""
    return app.engine.counts()


@router.get("/{job_id}", summary="One job", responses=UNKNOWN)
def read_one(app: App, job_id: int) -> JobOut:
    """Return a job with every failure."""
    return _out(app.engine.show(job_id))


@router.post("/{job_id}/{verb}", summary="Retry, cancel or set aside", responses=REFUSED)
def change(app: App, job_id: int, verb: jobs.Verb, actor: By) -> JobOut:
    """Do it; a retry answers with the new job."""
    return _out(app.engine.show(jobs.do(app, job_id, verb, actor=actor.name)))


@router.put("/phases/{phase}", summary="Pause a phase, or go on", responses=UNKNOWN)
def pause(app: App, phase: str, what: Paused, actor: By) -> Paused:
    """Start no more jobs of a phase; running ones end."""
    jobs.pause(app, phase, paused=what.paused, actor=actor.name)
    return what


def _out(job: Job) -> JobOut:
    return JobOut(**asdict(job), advice=jobs.advice(job))
