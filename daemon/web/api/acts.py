"""Albums that go back to inbound, are split, merged or grouped anew ↔ JSON: asked for, followed, gone on with."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from daemon.actions import discarding, regrouping, wishes
from daemon.actions.act_kinds import Kind
from daemon.actions.acts import Act
from daemon.web.access import By
from daemon.web.api.items import ItemId, SeenIn, seen_in
from daemon.web.bodies import Body, Responses
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1", "acts")
REFUSED: Responses = {
    404: {"description": "Nobody knows it."},
    409: {"description": "A cycle or another act is running, or an album is not what `seen` says; nothing was begun."},
    422: {"description": "It cannot be; nothing was begun."},
}


class WishIn(Body):
    """What is wished for; unless `sure` it is only looked at."""

    sure: bool = False


class SplitIn(WishIn):
    """The tracks that are another album, by their parts, as metadata names them; and what that one is called."""

    parts: list[str] = Field(min_length=1, max_length=10_000)
    artist: str = Field(min_length=1, max_length=1000)
    album: str = Field(min_length=1, max_length=1000)
    seen: SeenIn | None = None


class MergeIn(WishIn):
    """The albums that are one, called as the first is."""

    items: list[Annotated[int, Field(ge=0, lt=1 << 62)]] = Field(min_length=2, max_length=200)


class TrashIn(WishIn):
    """Why, for its history, and what was seen of the album."""

    why: str = Field("", max_length=500)
    seen: SeenIn | None = None


class ActOut(BaseModel):
    """An act: `report` says, once it is over, what was done or would be, album by album."""

    id: str
    kind: Kind
    sure: bool
    over: bool
    items: list[int]
    error: str | None
    report: dict[str, Any] | None
    run_id: str | None


@router.post("/items/{item_id}/inbound", status_code=202, summary="Take an album back to inbound", responses=REFUSED)
def take_home(app: App, item_id: ItemId, what: WishIn, actor: By) -> ActOut:
    """Begin to take it back, or to look whether that can be."""
    return out(regrouping.take_home(app, item_id, actor=actor.name, sure=what.sure))


@router.post("/runs/{run_id}/undo", status_code=202, summary="Take back what a run moved", responses=REFUSED)
def take_back(app: App, run_id: str, what: WishIn, actor: By) -> ActOut:
    """Begin to take its albums back to where they came from, each on its own, or to look whether that can be."""
    return out(regrouping.take_back(app, run_id, actor=actor.name, sure=what.sure))


@router.post("/items/{item_id}/rules", status_code=202, summary="Group an album anew", responses=REFUSED)
def leave_to_rules(app: App, item_id: ItemId, what: WishIn, actor: By) -> ActOut:
    """Begin to take it back and stage it by the rules again, or to look whether that can be."""
    return out(regrouping.leave_to_rules(app, item_id, actor=actor.name, sure=what.sure))


@router.post(
    "/items/{item_id}/unpublish", status_code=202, summary="Take an album out of its library", responses=REFUSED
)
def takeout(app: App, item_id: ItemId, what: WishIn, actor: By) -> ActOut:
    """Begin to take it out of its library, back to staging, or to look whether that can be."""
    return out(regrouping.take_out(app, item_id, actor=actor.name, sure=what.sure))


@router.post("/items/{item_id}/split", status_code=202, summary="Make an album two", responses=REFUSED)
def split(app: App, item_id: ItemId, what: SplitIn, actor: By) -> ActOut:
    """Begin to make some of its tracks another album, or to look whether that can be."""
    seen = seen_in(what.seen)
    act = regrouping.split(
        app, item_id, what.parts, what.artist, what.album, actor=actor.name, sure=what.sure, seen=seen
    )
    return out(act)


@router.post("/items/merge", status_code=202, summary="Make albums one", responses=REFUSED)
def merge(app: App, what: MergeIn, actor: By) -> ActOut:
    """Begin to make them one, or to look whether that can be."""
    return out(regrouping.merge(app, what.items, actor=actor.name, sure=what.sure))


@router.post("/items/{item_id}/trash", status_code=202, summary="Put an album into the trash", responses=REFUSED)
def throw_away(app: App, item_id: ItemId, what: TrashIn, actor: By) -> ActOut:
    """Begin to reject it and put it into the trash of staging, or to look whether that can be."""
    seen = seen_in(what.seen)
    known = {item_id: seen} if seen else None
    return out(
        discarding.throw_away(app, [item_id], actor=actor.name, sure=what.sure, why=what.why.strip(), seen=known)
    )


@router.get("/acts/{act_id}", summary="One act", responses=REFUSED)
def read(app: App, act_id: str) -> ActOut:
    """Return how far it is, or what came of it; the newest of this process are kept."""
    return out(wishes.found(app, act_id))


@router.post("/acts/{act_id}", status_code=202, summary="Do what was looked at", responses=REFUSED)
def go_on(app: App, act_id: str, actor: By) -> ActOut:
    """Begin it, if the albums are still what they were when they were looked at."""
    return out(wishes.go_on(app, act_id, actor=actor.name))


def out(act: Act) -> ActOut:
    """Say how far an act is."""
    return ActOut(
        id=act.id,
        kind=act.kind,
        sure=act.sure,
        over=act.is_over,
        items=[item_id for item_id, _ in act.items],
        error=act.error,
        report=act.report.to_json() if act.report else None,
        run_id=act.run_id,
    )
