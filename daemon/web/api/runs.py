"""Runs ↔ JSON: listed, shown whole, asked for; the plan of a dry run shown and approved."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import HTTPException, Query
from pydantic import BaseModel

from daemon.actions import cycles
from daemon.web.access import By
from daemon.web.bodies import Body, Limit, Responses, RowId, Start
from daemon.web.deciding import ByAge
from daemon.web.installation import App
from daemon.web.routing import api_router
from workflow import history, plans, runs

router = api_router("/api/v1/runs", "runs")
BUSY: Responses = {
    409: {"description": "A cycle is running; the answer names who holds the lock."},
    422: {"description": "It cannot be; nothing was begun."},
}
UNKNOWN: Responses = {404: {"description": "Nobody knows it."}}


class RunSummary(BaseModel):
    """One cycle, without its settings and reasons."""

    id: str
    status: str
    trigger: str
    dry_run: bool
    fire_time: dt.datetime | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    asked_by: str | None
    approves: str | None
    host: str
    pid: int
    counts: dict[str, int]
    error: str | None


class RunOut(RunSummary):
    """One cycle with the settings it used, and why albums stayed where they were."""

    settings: dict[str, Any]
    reasons: list[dict[str, Any]]


class RunPage(BaseModel):
    """Some runs; `next` is the `before` of the page that follows."""

    runs: list[RunSummary]
    next: str | None


class RunIn(Body):
    """What is asked for: a cycle as the settings say, or a dry run."""

    dry_run: bool = False


class Begun(BaseModel):
    """The id of the run that was begun."""

    run_id: str


class PlanFile(BaseModel):
    """One file: from where, below the inbound root, to where, below the staging root."""

    role: str
    source: str
    target: str


class PlanAlbum(BaseModel):
    """One album that would move."""

    key: str
    kind: str
    album_artist: str | None
    album: str | None
    target: str
    count: int
    files: list[PlanFile]


class PlanPage(BaseModel):
    """Some albums of a plan; `next` is the `start` of the page that follows. Files that are not listed are counted."""

    inbound: str
    staging: str
    listed: bool
    total: int
    albums: list[PlanAlbum]
    next: int | None


class RunAlbum(BaseModel):
    """One album a run moved; of an item that is no more, or is called otherwise by now, name and status say so."""

    item_id: int
    name: str | None
    status: str | None
    why: str


class RunAlbums(BaseModel):
    """Some of the albums a run moved, in its order; `next` is the `after` of the page that follows."""

    albums: list[RunAlbum]
    next: int | None


@router.get("", summary="The newest runs")
def read(
    app: App,
    before: Annotated[str | None, Query(max_length=100)] = None,
    sort: ByAge = "added",
    limit: Limit = 50,
) -> RunPage:
    """List runs, newest first; with `-added` the oldest."""
    with app.database.read() as connection:
        found = runs.page(connection, before, limit + 1, oldest_first=sort == "-added")
    more = found[limit - 1]["id"] if len(found) > limit else None
    return RunPage(runs=[RunSummary(**run) for run in found[:limit]], next=more)


@router.post("", status_code=202, summary="Begin a cycle", responses=BUSY)
def ask(app: App, what: RunIn, actor: By) -> Begun:
    """Begin a cycle in this process and return at once."""
    return Begun(run_id=cycles.ask(app, dry_run=what.dry_run, actor=actor.name))


@router.get("/{run_id}", summary="One run", responses=UNKNOWN)
def read_one(app: App, run_id: str) -> RunOut:
    """Return a run. One that was begun just now may not be known yet."""
    with app.database.read() as connection:
        run = runs.one(connection, run_id)
    if run is None:
        raise HTTPException(404, "there is no such run")
    return RunOut(**run)


@router.get("/{run_id}/albums", summary="What a run moved")
def read_albums(
    app: App,
    run_id: str,
    after: RowId = 0,
    limit: Limit = 50,
) -> RunAlbums:
    """List the albums a run staged; there are none of a run nobody knows."""
    with app.database.read() as connection:
        found = history.moved_by(connection, run_id, after, limit + 1)
    more = found[limit - 1]["id"] if len(found) > limit else None
    return RunAlbums(albums=[RunAlbum(**album) for album in found[:limit]], next=more)


@router.get("/{run_id}/plan", summary="What a dry run would move", responses=UNKNOWN)
def read_plan(
    app: App,
    run_id: str,
    start: Start = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> PlanPage:
    """Return some albums of a plan; plans of the newest dry runs are kept."""
    with app.database.read() as connection:
        plan = plans.read(connection, run_id)
    if plan is None:
        raise HTTPException(404, "there is no such plan; only the newest are kept")
    total = len(plan.albums)
    return PlanPage(
        inbound=plan.inbound,
        staging=plan.staging,
        listed=plan.listed,
        total=total,
        albums=[PlanAlbum(**album) for album in plan.albums[start : start + limit]],
        next=start + limit if start + limit < total else None,
    )


@router.post(
    "/{run_id}/approve", status_code=202, summary="Carry out a plan, exactly or not at all", responses=UNKNOWN | BUSY
)
def approve(app: App, run_id: str, actor: By) -> Begun:
    """Begin the cycle that does what a dry run planned. If the world changed it fails, says how, and moves nothing."""
    return Begun(run_id=cycles.approve(app, run_id, actor=actor.name))
