"""The releases an album could be ↔ JSON: shown with what choosing one would change, chosen, asked for anew."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from daemon.web.access import By
from daemon.web.api.items import DECIDED, UNKNOWN, ItemId, SeenIn, Wanted, seen_in
from daemon.web.bodies import Body
from daemon.web.installation import App
from daemon.web.routing import api_router
from workflow import progress
from workflow.operations import enriching

router = api_router("/api/v1/items/{item_id}", "items")


class ChoiceIn(Body):
    """Which release it is: the id of one, `none` for none of them, `auto` to leave it to matching again."""

    release: str = Field(min_length=1, max_length=64, pattern="^[0-9a-zA-Z-]+$")
    seen: SeenIn | None = None


class EnrichIn(Body):
    """How providers are asked: with `force` also for what is remembered."""

    force: bool = False


class CandidateOut(BaseModel):
    """One release an album could be; the distance goes from 0, the same in all that both say, to 1."""

    source: str
    release_id: str
    position: int
    distance: float
    about: dict[str, Any]
    parts: list[dict[str, Any]]
    tracks: list[dict[str, Any]]
    doubts: list[dict[str, Any]]
    document: dict[str, Any]
    chosen_by: str | None
    changes: list[dict[str, Any]]


class DebtOut(BaseModel):
    """What a provider did not answer."""

    item_id: int
    provider: str
    what: str
    why: str
    since: dt.datetime
    tries: int
    next_try: dt.datetime


class CandidatesOut(BaseModel):
    """Which releases an album could be, and what is thought of them."""

    verdict: str | None
    reasons: list[dict[str, Any]]
    at: dt.datetime | None
    candidates: list[CandidateOut]
    debts: list[DebtOut]


@router.get("/candidates", summary="Which releases an album could be", responses=UNKNOWN)
def candidates(app: App, item_id: ItemId) -> CandidatesOut:
    """Return what it was compared with, the nearest first, each with what choosing it would change."""
    told = enriching.candidates(app.database, item_id)
    shown = [
        CandidateOut(**one._asdict(), changes=[change._asdict() for change in changes])
        for one, changes in zip(told.candidates, told.changes, strict=True)
    ]
    debts = [DebtOut(**debt._asdict()) for debt in told.debts]
    return CandidatesOut(verdict=told.verdict, reasons=list(told.reasons), at=told.at, candidates=shown, debts=debts)


@router.post("/choose", summary="Say which release an album is", responses=DECIDED)
def choose(app: App, item_id: ItemId, what: ChoiceIn, actor: By) -> Wanted:
    """Choose a release, if the album is still what was seen; what follows of it is a job."""
    seen = seen_in(what.seen)
    job = enriching.choose(app.database, app.engine, item_id, what.release, actor=actor.name, seen=seen)
    return Wanted(id=item_id, job=job.id)


@router.post("/enrich", summary="Ask providers about an album", responses=UNKNOWN)
def enrich(app: App, item_id: ItemId, what: EnrichIn, actor: By) -> Wanted:
    """Want it enriched, whatever the settings say."""
    with app.database.read() as connection:
        progress.find(connection, item_id)
    (job,) = enriching.want(app.engine, [item_id], actor=actor.name, force=what.force)
    return Wanted(id=item_id, job=job.id)
