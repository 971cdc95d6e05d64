"""Items in staging ↔ JSON: listed by filters, shown whole, approved, rejected, decisions taken back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from config.reasons import path_text
from daemon.web.access import Actor, By
from daemon.web.bodies import Body, Limit, Responses
from daemon.web.called import called
from daemon.web.installation import App
from daemon.web.routing import api_router
from processor.items import listing, repository
from processor.items.listing import Filter, Sort
from workflow import history, progress
from workflow.operations import deciding
from workflow.operations.deciding import Seen
from workflow.states import MOVES

router = api_router("/api/v1/items", "items")
ItemId = Annotated[int, Path(ge=0, lt=1 << 62)]
UNKNOWN: Responses = {404: {"description": "There is no such item."}}
DECIDED: Responses = UNKNOWN | {
    409: {"description": "The item is not what `seen` says; nothing was decided."},
    422: {"description": "It cannot become that; nothing was decided."},
}


class ItemSummary(BaseModel):
    """One album in staging."""

    id: int
    status: str
    revision: int
    album_artist: str | None
    album: str | None
    year: int | None
    discs: int
    track_count: int
    duration_ms: int | None
    size: int
    confidence: float
    warnings: list[dict[str, Any]]
    created_at: dt.datetime
    updated_at: dt.datetime
    run_id: str | None


class FileOut(BaseModel):
    """One file; `path` is below the album's folder, `source` below the inbound root it came from."""

    path: str
    role: str
    source: str
    disc: int | None
    track: int | None
    title: str | None
    size: int
    digest: str | None
    facts: dict[str, Any]


class ItemOut(ItemSummary):
    """One album with its files, why they belong together, and what happened to it."""

    key: str
    position: str
    path: str
    release_id: str | None
    compilation: bool | None
    evidence: list[dict[str, Any]]
    sources: dict[str, Any]
    transfer_id: str
    news_at: dt.datetime | None  # since when more is known of it than is in its library
    files: list[FileOut]
    history: list[dict[str, Any]]


class ItemPage(BaseModel):
    """Some items; `next` is the `before` of the page that follows, in the same order: a number, or of `sort` a text."""

    items: list[ItemSummary]
    next: int | str | None


class SeenIn(Body):
    """What the one who decides has before them: it must still be so."""

    revision: int = Field(ge=1)
    status: str = Field(max_length=30)
    decision: int | None = Field(None, ge=0, lt=1 << 62, description="Of an undo: its `id` in the history.")


class DecisionIn(Body):
    """A decision: about what was seen, and why."""

    seen: SeenIn | None = None
    why: str = Field("decided by the API", min_length=1, max_length=500)
    publish: bool = Field(False, description="Of an approval: publish it, too, whatever the gate says.")


class Decided(BaseModel):
    """The status an item has now."""

    id: int
    status: str


class Wanted(BaseModel):
    """The job that does it."""

    id: int
    job: int


@router.get("", summary="The albums in staging")
def read(
    app: App,
    status: Annotated[str | None, Query(pattern=f"^({'|'.join(MOVES)})$")] = None,
    below: Annotated[float | None, Query(ge=0, le=1, description="Confidence below this.")] = None,
    warned: bool | None = None,
    q: Annotated[str, Query(max_length=200, description="Words of artist and album.")] = "",
    sort: Annotated[Sort, Query(description="A - turns an order around; without one the newest come first.")] = "added",
    before: Annotated[str | None, Query(max_length=1000, description="The `next` of the page before.")] = None,
    limit: Limit = 50,
) -> ItemPage:
    """List items: added or changed last first, by artist or album from A to Z, or by year, the newest first."""
    with app.database.read() as connection:
        found = listing.page(connection, Filter(status, below, warned, q), sort, before=before, limit=limit)
        items = called(connection, found.items)
    following = int(found.next) if found.next and found.next.isdecimal() else found.next
    return ItemPage(items=[ItemSummary(**item) for item in items], next=following)


@router.get("/{item_id}", summary="One album", responses=UNKNOWN)
def read_one(app: App, item_id: ItemId) -> ItemOut:
    """Return an item with its files and its history."""
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
        files = repository.files(connection, [item_id]).get(item_id, ())
        happened = history.of_item(connection, item_id)
    shown = [{**f._asdict(), "path": path_text(f.path), "source": path_text(f.source)} for f in files]
    return ItemOut(**item | {"path": path_text(item["path"]), "files": shown, "history": happened})


@router.post("/{item_id}/approve", summary="Approve an album", responses=DECIDED)
def approve(app: App, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Approve it, if it is still what was seen."""
    return _decide(app, item_id, "approved", what, actor)


@router.post("/{item_id}/reject", summary="Reject an album", responses=DECIDED)
def reject(app: App, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Reject it, if it is still what was seen; it stays in staging."""
    return _decide(app, item_id, "rejected", what, actor)


@router.post("/{item_id}/quarantine", summary="Put an album into quarantine", responses=DECIDED)
def quarantine(app: App, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Quarantine it, if it is still what was seen; it stays in staging and goes nowhere by itself."""
    return _decide(app, item_id, "quarantined", what, actor)


@router.post("/{item_id}/undo", summary="Take the last decision back", responses=DECIDED)
def undo(app: App, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Give it the status it had before the last decision, if nothing happened since."""
    back = deciding.take_back(app.database, item_id, actor=actor.name, seen=seen_in(what.seen))
    return Decided(id=item_id, status=back.status)


def _decide(app: App, item_id: int, status: str, what: DecisionIn, actor: Actor) -> Decided:
    seen = seen_in(what.seen)
    deciding.decide(app.database, item_id, status, actor=actor.name, why=what.why, seen=seen, publish=what.publish)
    return Decided(id=item_id, status=status)


def seen_in(seen: SeenIn | None) -> Seen | None:
    """Return what somebody says they saw."""
    return None if seen is None else Seen(seen.revision, seen.status, seen.decision)
