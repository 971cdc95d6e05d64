"""Items in staging ↔ JSON: listed by filters, shown whole, approved, rejected, decisions taken back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from config.reasons import show_path
from daemon.web.access import Actor, actor_of
from daemon.web.called import called
from processor import listing, repository
from processor.listing import Filter
from workflow import progress
from workflow.succession import Seen

router = APIRouter(prefix="/api/v1/items", tags=["items"])
By = Annotated[Actor, Depends(actor_of)]
ItemId = Annotated[int, Path(ge=0, lt=1 << 62)]
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such item."}}
DECIDED: dict[int | str, dict[str, Any]] = UNKNOWN | {
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
    files: list[FileOut]
    history: list[dict[str, Any]]


class ItemPage(BaseModel):
    """Some items, newest first; `next` is the `before` of the page that follows."""

    items: list[ItemSummary]
    next: int | None


class SeenIn(BaseModel):
    """What the one who decides has before them: it must still be so."""

    model_config = ConfigDict(extra="forbid", strict=True)
    revision: int = Field(ge=1)
    status: str = Field(max_length=30)


class DecisionIn(BaseModel):
    """A decision: about what was seen, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)
    seen: SeenIn | None = None
    why: str = Field("decided by the API", min_length=1, max_length=500)


class Decided(BaseModel):
    """The status an item has now."""

    id: int
    status: str


@router.get("", summary="The albums in staging")
def read(
    request: Request,
    status: Annotated[str | None, Query(max_length=30)] = None,
    below: Annotated[float | None, Query(ge=0, le=1, description="Confidence below this.")] = None,
    warned: bool | None = None,
    q: Annotated[str, Query(max_length=200, description="Words of artist and album.")] = "",
    before: Annotated[int | None, Query(ge=0, lt=1 << 62)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ItemPage:
    """List items, newest first."""
    with request.app.state.greenroom.database.read() as connection:
        found = called(
            connection, listing.page(connection, Filter(status, below, warned, q), before=before, limit=limit + 1)
        )
    more = found[limit - 1]["id"] if len(found) > limit else None
    return ItemPage(items=[ItemSummary(**item) for item in found[:limit]], next=more)


@router.get("/{item_id}", summary="One album", responses=UNKNOWN)
def read_one(request: Request, item_id: ItemId) -> ItemOut:
    """Return an item with its files and its history."""
    with request.app.state.greenroom.database.read() as connection:
        item = progress.find(connection, item_id)
        files = repository.files(connection, [item_id]).get(item_id, ())
        history = progress.history(connection, item_id)
    shown = [{**f._asdict(), "path": show_path(f.path), "source": show_path(f.source)} for f in files]
    return ItemOut(**item | {"path": show_path(item["path"]), "files": shown, "history": history})


@router.post("/{item_id}/approve", summary="Approve an album", responses=DECIDED)
def approve(request: Request, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Approve it, if it is still what was seen."""
    return _decide(request, item_id, "approved", what, actor)


@router.post("/{item_id}/reject", summary="Reject an album", responses=DECIDED)
def reject(request: Request, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Reject it, if it is still what was seen; it stays in staging."""
    return _decide(request, item_id, "rejected", what, actor)


@router.post("/{item_id}/undo", summary="Take the last decision back", responses=DECIDED)
def undo(request: Request, item_id: ItemId, what: DecisionIn, actor: By) -> Decided:
    """Give it the status it had before the last decision, if nothing happened since."""
    status = request.app.state.greenroom.take_back(item_id, actor=actor.name, seen=_seen(what))
    return Decided(id=item_id, status=status)


def _decide(request: Request, item_id: int, status: str, what: DecisionIn, actor: Actor) -> Decided:
    app = request.app.state.greenroom
    now = app.decide(item_id, status, actor=actor.name, why=what.why, seen=_seen(what))
    return Decided(id=item_id, status=now)


def _seen(what: DecisionIn) -> Seen | None:
    return None if what.seen is None else Seen(what.seen.revision, what.seen.status)
