"""Runs → a list, and one with its reasons and its plan; a person's wish → a cycle, or a plan carried out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final, get_args

from fastapi import Form, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from config.settings import REGISTRY
from daemon.actions import cycles
from daemon.actions.ongoing import Stage
from daemon.web.access import By
from daemon.web.bodies import RowId, Start
from daemon.web.deciding import ByAge
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router
from daemon.words import stage_said
from processor.planning.plan import Outcome
from workflow import history, plans, runs

router = page_router("/runs")
LINK = Link(20, "Runs", "/runs")
PAGE: Final = 50  # runs, or albums of a plan
STAYED: Final = frozenset(get_args(Outcome)) - {"staged"}
LOOK_SECONDS: Final = 0.3  # between two looks at the cycle that is followed
LONGEST_SECONDS: Final = 600.0  # browsers ask again by themselves
RunId = Annotated[str, Query(max_length=100)]


@router.get("")
def show(request: Request, app: App, before: RunId | None = None, sort: ByAge = "added") -> Response:
    """List the runs, newest first, or the other way around."""
    with app.database.read() as connection:
        found = runs.page(connection, before, PAGE + 1, oldest_first=sort == "-added")
    listed, more = found[:PAGE], len(found) > PAGE
    return page(request, "runs.html", runs=listed, more=more, before=before, sort=sort, stages=app.ongoing.stages())


@router.post("")
def ask(app: App, actor: By, dry_run: Annotated[bool, Form()] = False) -> Response:
    """Begin a cycle, or a dry run, in this process."""
    run_id = cycles.ask(app, dry_run=dry_run, actor=actor.name)
    return RedirectResponse(f"/runs/{run_id}", 303)


@router.get("/now")
async def follow(app: App) -> Response:
    """Send how far the cycles of this process are, as server-sent events, until none runs."""
    events = _events(app)
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


@router.get("/{run_id}")
def show_run(request: Request, app: App, run_id: str, after: RowId = 0) -> Response:
    """Show one run, and what it moved beyond an entry of the history; while it runs the page follows it."""
    stage = next((stage for stage in app.ongoing.stages() if stage.run_id == run_id), None)
    with app.database.read() as connection:
        run = runs.one(connection, run_id)
        plan = plans.read(connection, run_id) if run and run["dry_run"] else None
        approving = runs.approving(connection, run_id) if plan else []
        moved = history.moved_by(connection, run_id, after, PAGE + 1)
    if run is None and stage is None:
        raise HTTPException(404, f"There is no run {run_id}.")
    albums = runs.by_album(run["reasons"]) if run else []
    return page(
        request,
        "run.html",
        run=run,
        run_id=run_id,
        stage=stage,
        albums=albums,
        is_forgotten=bool(run and not albums and any(run["counts"].get(outcome) for outcome in STAYED)),
        plan=plan,
        approving=approving,
        carried_out=_is_carried_out(approving),
        used=list(_used(run["settings"])) if run else [],
        moved=moved[:PAGE],
        moved_next=moved[PAGE - 1]["id"] if len(moved) > PAGE else None,
    )


@router.get("/{run_id}/plan")
def show_plan(request: Request, app: App, run_id: str, start: Start = 0) -> Response:
    """Show the plan of a dry run, every file from where to where, some albums a page."""
    with app.database.read() as connection:
        plan, approving = plans.read(connection, run_id), runs.approving(connection, run_id)
    if plan is None:
        raise HTTPException(404, f"There is no plan of a run {run_id}; only the newest are kept.")
    shown = plan.albums[start : start + PAGE]
    following = start + PAGE if start + PAGE < len(plan.albums) else None
    return page(
        request, "plan.html", run_id=run_id, plan=plan, albums=shown, start=start, following=following,
        carried_out=_is_carried_out(approving),
    )  # fmt: skip


def _is_carried_out(approving: list[dict[str, Any]]) -> bool:
    return any(other["status"] in ("done", "running") for other in approving)


@router.post("/{run_id}/approve")
def approve(app: App, run_id: str, actor: By) -> Response:
    """Begin the cycle that carries a plan out, exactly or not at all."""
    begun = cycles.approve(app, run_id, actor=actor.name)
    return RedirectResponse(f"/runs/{begun}", 303)


def _used(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each setting of a run, as people read them."""
    for name, value in settings.items():
        known = REGISTRY.get(f"staging_scan.{name}")
        shown = ("on" if value else "off") if isinstance(value, bool) else str(value) or "–"
        yield known.label if known else name, f"{shown} {known.unit}" if known and known.unit else shown


async def _events(app: App) -> AsyncIterator[str]:
    told: list[Stage] | None = None
    for _ in range(int(LONGEST_SECONDS / LOOK_SECONDS)):
        stages = app.ongoing.stages()
        if stages != told:
            told = stages
            shown = [{"run": s.run_id, "stage": stage_said(s.name), "done": s.done, "total": s.total} for s in stages]
            yield f"data: {json.dumps(shown)}\n\n"
        if not stages or app.ongoing.is_stopping:
            return
        await asyncio.sleep(LOOK_SECONDS)
