"""The trash of each root ↔ JSON: what lies there and until when, and the wish to have it back, or gone for good."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from config.libraries import Role
from config.reasons import path_text
from daemon.actions import discarding
from daemon.actions.discarding import Which
from daemon.web.access import By
from daemon.web.api.acts import REFUSED, ActOut, WishIn, out
from daemon.web.bodies import Start
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/trash", "acts")


class TrashedOut(BaseModel):
    """One album in the trash; `kind` is that of the transfer that put it there: discard, replace, retag, upgrade.

    What lies in a library's gave way to the album that is published there, `item`; only staging's is restored.
    """

    role: Role
    root: str
    item: int | None
    transfer: str
    kind: str | None
    artist: str | None
    album: str | None
    files: int
    size: int
    since: dt.datetime
    kept_until: dt.datetime | None  # none of what stays, because the journal does not know it


class TrashOut(BaseModel):
    """Some of it, root by root, what has lain there longest first; `next` is the `start` of the page that follows."""

    albums: list[TrashedOut]
    count: int
    bytes: int
    problems: list[str] = Field(description="Why not everything is known as it is now.")
    next: int | None


class EmptyIn(WishIn):
    """What is to go for good: what is due, all that is known, or the `transfers` that are chosen."""

    which: Which
    transfers: list[Annotated[str, Field(max_length=100)]] = Field([], max_length=10_000)


@router.get("", summary="What lies in the trash", responses=REFUSED)
def read(app: App, start: Start = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> TrashOut:
    """Return what lies in the trash of each root, as far as that is known, and when it is due to go for good."""
    days, now = dt.timedelta(days=app.staging_settings()[0].trash_days), dt.datetime.now(dt.UTC)
    bins = discarding.bins(app)
    if all(one.late and not one.lying.albums for one in bins) and bins[0].error:
        raise bins[0].error
    lying = ((one.root, album) for one in bins for album in one.lying.albums)
    count = sum(len(one.lying.albums) for one in bins)
    return TrashOut(
        albums=[
            TrashedOut(
                role=root.role,
                root=path_text(root.path),
                item=one.told and one.told.item_id,
                transfer=one.transfer_id,
                kind=one.told and one.told.kind,
                artist=one.told and one.told.artist,
                album=one.told and one.told.album,
                files=one.files,
                size=one.size,
                since=one.since,
                kept_until=one.kept_until(days, now),
            )
            for root, one in islice(lying, start, start + limit)
        ],
        count=count,
        bytes=sum(one.lying.size for one in bins),
        problems=[one.problem for one in bins if one.problem],
        next=start + limit if start + limit < count else None,
    )


@router.post("/empty", status_code=202, summary="Remove from the trash for good", responses=REFUSED)
def empty(app: App, what: EmptyIn, actor: By) -> ActOut:
    """Begin to remove it, or to look what that would remove and how many bytes it has; only `sure` removes."""
    transfers = discarding.chosen(app, what.which, what.transfers)
    return out(discarding.empty(app, transfers, actor=actor.name, sure=what.sure))


@router.post("/{transfer_id}/restore", status_code=202, summary="Restore an album from the trash", responses=REFUSED)
def restore(app: App, transfer_id: str, what: WishIn, actor: By) -> ActOut:
    """Begin to put it back into its place, or to look whether that can be; a better one there goes to inbound then."""
    return out(discarding.bring_back(app, transfer_id, actor=actor.name, sure=what.sure))
