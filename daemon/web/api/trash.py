"""The trash of staging ↔ JSON: what lies there and until when, and the wish to have something back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from daemon import discarding
from daemon.web.access import Actor, actor_of
from daemon.web.api.acts import REFUSED, ActOut, WishIn, out

router = APIRouter(prefix="/api/v1/trash", tags=["acts"])


class TrashedOut(BaseModel):
    """One album in the trash; `kind` is that of the transfer that put it there: discard, replace, retag."""

    transfer: str
    kind: str | None
    artist: str | None
    album: str | None
    files: int
    size: int
    since: dt.datetime
    kept_until: dt.datetime


class TrashOut(BaseModel):
    """All of it, what has lain there longest first."""

    albums: list[TrashedOut]


@router.get("", summary="What lies in the trash", responses=REFUSED)
def read(request: Request) -> TrashOut:
    """Return what lies in the trash of staging, and when each is due to go for good."""
    app = request.app.state.greenroom
    days, now = dt.timedelta(days=app.staging_settings()[0].trash_days), dt.datetime.now(dt.UTC)
    return TrashOut(
        albums=[
            TrashedOut(
                transfer=one.transfer_id,
                kind=one.told and one.told.kind,
                artist=one.told and one.told.artist,
                album=one.told and one.told.album,
                files=one.files,
                size=one.size,
                since=one.since,
                kept_until=one.kept_until(days, now),
            )
            for one in discarding.lying(app)
        ]
    )


@router.post("/{transfer_id}/restore", status_code=202, summary="Restore an album from the trash", responses=REFUSED)
def restore(request: Request, transfer_id: str, what: WishIn, actor: Annotated[Actor, Depends(actor_of)]) -> ActOut:
    """Begin to put it back into its place, or to look whether that can be; a better one there goes to inbound then."""
    return out(discarding.bring_back(request.app.state.greenroom, transfer_id, actor=actor.name, sure=what.sure))
