"""What verification read and found ↔ JSON; a round asked for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from daemon.actions import verification
from daemon.web.access import By
from daemon.web.bodies import Body, Limit
from daemon.web.installation import App
from daemon.web.routing import api_router
from processor.verification import rows
from workflow.chores import verify

router = api_router("/api/v1/verification", "verification")


class Totals(BaseModel):
    """What the last look at each album came to, and what comes next."""

    files: int
    bytes: int
    oldest: dt.datetime | None
    never: int
    findings: dict[str, int]
    mended: int
    due_at: dt.datetime | None = Field(description="When the next album is due; null: none is, or it is switched off.")
    job: int | None = Field(description="The round that waits or runs.")


class Look(BaseModel):
    """The last look at one album; `item` is null for the files that belong to artists."""

    item: int | None
    checked_at: dt.datetime
    files: int
    bytes: int
    findings: list[dict[str, Any]]
    mended: list[dict[str, Any]]


class RoundIn(Body):
    """What to read: what is due, or with `every` everything."""

    every: bool = False


class RoundOut(BaseModel):
    """The job that reads."""

    job: int


@router.get("", summary="What was read, and what was found")
def read(app: App) -> Totals:
    """Count, over all albums in staging and in libraries; findings by their codes."""
    found = verification.standing(app)
    totals = found.totals
    return Totals(
        files=totals.files, bytes=totals.size, oldest=totals.oldest, never=totals.never, mended=totals.mended,
        findings=dict(totals.findings), due_at=found.due_at, job=found.round and found.round.id,
    )  # fmt: skip


@router.post("", status_code=202, summary="Read albums again now")
def begin(app: App, what: RoundIn, actor: By) -> RoundOut:
    """Want a round now; if one waits or runs, that one is hastened."""
    return RoundOut(job=verify.want(app.engine, actor=actor.name, every=what.every).id)


@router.get("/findings", summary="The albums something was found or made anew of")
def findings(
    app: App,
    after: Annotated[int, Query(ge=-1, lt=1 << 62)] = -1,
    limit: Limit = 50,
) -> list[Look]:
    """List them by item; `after` is the item the page before ended with, and 0 stands for artists."""
    with app.database.read() as connection:
        found = rows.troubled(connection, after, limit)
    return [
        Look(
            item=one.item_id or None, checked_at=one.checked_at, files=one.files, bytes=one.size,
            findings=one.findings, mended=one.mended,
        )
        for one in found
    ]  # fmt: skip
