"""A prefix → the router of a module of pages or of the API, with what everything of its kind shares."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from daemon.web.access import own_form


class Refusal(BaseModel):
    """Why not: one sentence and a stable code, or, field by field, what is not as described."""

    detail: str | list[dict[str, Any]]
    code: str


# What any request may be answered; the OpenAPI document says so of each.
REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "The request cannot be read, or its Host is none of ours."},
    401: {"description": "Nobody knows who asks."},
    403: {"description": "Who asks may not."},
    413: {"description": "The request is too long."},
    422: {"description": "It is not as described, or cannot be; nothing was done.", "model": Refusal},
    503: {"description": "The database, a disk or a machine that was asked does not answer; nothing was done."},
}


def page_router(prefix: str = "") -> APIRouter:
    """Return a router for pages: whatever is posted to them has to be a form of ours."""
    return APIRouter(prefix=prefix, dependencies=[Depends(own_form)], include_in_schema=False)


def api_router(prefix: str = "", tag: str | None = None) -> APIRouter:
    """Return a router for resources, which the OpenAPI document describes below `tag`."""
    return APIRouter(prefix=prefix, tags=[tag] if tag else None, responses=REFUSED)
