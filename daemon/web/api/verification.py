"""What verification read and found ↔ JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from processor.verification import rows

router = APIRouter(prefix="/api/v1/verification", tags=["verification"])


class Totals(BaseModel):
    """What the last look at each album came to."""

    files: int
    bytes: int
    oldest: dt.datetime | None
    never: int
    findings: dict[str, int]


class Look(BaseModel):
    """The last look at one album; `item` is null for the files that belong to artists."""

    item: int | None
    checked_at: dt.datetime
    files: int
    bytes: int
    findings: list[dict[str, Any]]


@router.get("", summary="What was read, and what was found")
def read(request: Request) -> Totals:
    """Count, over all albums in staging and in libraries; findings by their codes."""
    with request.app.state.greenroom.database.read() as connection:
        found = rows.totals(connection)
    return Totals(files=found.files, bytes=found.size, oldest=found.oldest, never=found.never,
                  findings=dict(found.findings))  # fmt: skip


@router.get("/findings", summary="The albums something was found of")
def findings(
    request: Request,
    after: Annotated[int, Query(ge=-1, lt=1 << 62)] = -1,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Look]:
    """List them by item; `after` is the item the page before ended with, and 0 stands for artists."""
    with request.app.state.greenroom.database.read() as connection:
        found = rows.troubled(connection, after, limit)
    return [Look(item=one.item_id or None, checked_at=one.checked_at, files=one.files, bytes=one.size,
                 findings=one.findings) for one in found]  # fmt: skip
