"""A library of others beside what Greenroom would make of it ↔ JSON: asked for, followed, read album by album."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, Field

from config.reasons import path_text
from daemon.actions.adopting import Look
from daemon.web.bodies import Body, Limit, Responses, Start
from daemon.web.installation import App
from daemon.web.routing import api_router
from workflow.operations.adopting import Difference, plain_album

router = api_router("/api/v1/adoption", "adoption")
REFUSED: Responses = {
    409: {"description": "Another comparison is running."},
    422: {"description": "It is no folder; nothing was begun."},
}


class AdoptionIn(Body):
    """The folder to look at; nothing in it is changed."""

    path: str = Field(min_length=1, max_length=4096, examples=["/srv/music"])


class AdoptionOut(BaseModel):
    """The newest comparison; `counts` says, once it is over, how many albums differ in what."""

    path: str
    began_at: dt.datetime
    over: bool
    stage: str
    done: int
    total: int | None
    error: str | None
    counts: dict[str, int]


@router.post("", status_code=202, responses=REFUSED, summary="Compare a library")
def begin(app: App, body: AdoptionIn) -> AdoptionOut:
    """Index a folder and compare it, in the background; one at a time, and the newest is kept until a restart."""
    return _out(app.looks.begin(os.fsencode(body.path)))


@router.get("", summary="How far the newest comparison is")
def read(app: App) -> AdoptionOut | None:
    """Return it; null where nobody asked for one since the start."""
    look = app.looks.newest()
    return None if look is None else _out(look)


@router.get("/albums", summary="The albums of the newest comparison")
def albums(
    app: App,
    differs: Difference | None = None,
    offset: Start = 0,
    limit: Limit = 50,
) -> list[dict[str, Any]]:
    """List its albums in the order of their folders; `differs` leaves those that differ in that."""
    look = app.looks.newest()
    found = [plain_album(one) for one in (look.found.of(differs) if look and look.found else [])[offset:][:limit]]
    plain: list[dict[str, Any]] = jsonable_encoder(found, custom_encoder={bytes: path_text})
    return plain


def _out(look: Look) -> AdoptionOut:
    name, done, total = look.stage
    counts = dict(look.found.counts) if look.found else {}
    return AdoptionOut(path=path_text(look.path), began_at=look.began, over=look.is_over, stage=name, done=done,
                       total=total, error=look.error, counts=counts)  # fmt: skip
