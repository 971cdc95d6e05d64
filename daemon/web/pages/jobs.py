"""Jobs → a list by phase and state, one with every failure and what to do about it; a person's word about them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from daemon.actions import jobs
from daemon.web.access import By
from daemon.web.bodies import RowId
from daemon.web.deciding import ByAge
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from daemon.web.routing import page_router
from workflow import progress, succession
from workflow.engine.job import FAILED, STATUSES
from workflow.phase import Chore, Phase, all_chores, all_phases

router = page_router("/jobs")
LINK = Link(30, "Jobs", "/jobs")
PAGE: Final = 50
Text = Annotated[str, Query(max_length=50)]


@router.get("")
def show(
    request: Request,
    app: App,
    status: Text = "",
    phase: Text = "",
    before: RowId | None = None,
    sort: ByAge = "added",
) -> Response:
    """List jobs, newest first or the other way around, and how many there are of each phase and state."""
    wanted = (status,) if status in STATUSES else ()
    oldest = sort == "-added"
    found = app.engine.list(statuses=wanted, phase=phase or None, before=before, limit=PAGE + 1, oldest_first=oldest)
    with app.database.read() as connection:
        limits = succession.limits(connection)
        names = progress.names(connection, {job.item_id for job in found if job.item_id is not None})
    return page(
        request,
        "jobs.html",
        jobs=found[:PAGE],
        more=len(found) > PAGE,
        counts=app.engine.counts(),
        workers=app.engine.workers(),
        limits=limits,
        names=names,
        status=status,
        phase=phase,
        sort=sort,
        statuses=STATUSES,
        failed=FAILED,
        about=_about(),
        uncarried=jobs.is_nobody_there(app),
    )


def _about() -> dict[str, str]:
    """Return what each phase does."""
    phases: list[Phase | Chore] = [*all_phases().values(), *all_chores().values()]
    return {phase.name: phase.description for phase in phases}


@router.post("/retry")
def retry_all(app: App, actor: By, phase: Annotated[str, Form(max_length=50)] = "") -> Response:
    """Retry all that failed, of a phase if one is named."""
    _, refused = jobs.retry_each(app, jobs.failed(app, phase or None), actor=actor.name)
    return lead("/jobs", "not_all_retried" if refused else "retried")


@router.get("/{job_id}")
def show_job(request: Request, app: App, job_id: int) -> Response:
    """Show one job."""
    job = app.engine.show(job_id)
    with app.database.read() as connection:
        names = progress.names(connection, [] if job.item_id is None else [job.item_id])
    return page(
        request,
        "job.html",
        job=job,
        names=names,
        may=jobs.possible(job),
        advice=jobs.advice(job),
        uncarried=jobs.is_nobody_there(app),
    )


@router.post("/{job_id}")
def change(app: App, job_id: int, verb: Annotated[jobs.Verb, Form()], actor: By) -> Response:
    """Retry, cancel or set aside."""
    then = jobs.do(app, job_id, verb, actor=actor.name)
    return RedirectResponse(f"/jobs/{then}", 303)


@router.post("/phases/{phase}")
def pause(app: App, phase: str, paused: Annotated[bool, Form()], actor: By) -> Response:
    """Start no more jobs of a phase, or go on."""
    jobs.pause(app, phase, paused=paused, actor=actor.name)
    return lead("/jobs", "paused" if paused else "goes_on")
