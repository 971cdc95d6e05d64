"""The hooks ↔ JSON: listed, made, their secret told once, removed. What they say is for hooks.py, open to strangers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from config import tokens
from daemon.actions import hook_secrets
from daemon.web.access import By
from daemon.web.bodies import Body, Responses
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/hooks", "hooks")
UNKNOWN: Responses = {404: {"description": "There is no such hook."}}


class HookIn(Body):
    """A hook that is to be made."""

    name: str = Field(max_length=200, pattern=tokens.HOOK_NAME, examples=["lidarr"])


class HookOut(BaseModel):
    """One hook; its secret is not kept."""

    name: str
    made_by: str | None
    created_at: dt.datetime


class HookMade(BaseModel):
    """A hook that was made: where messages go, and with which password. This is the only time it is told."""

    name: str
    path: str
    secret: str


@router.get("", summary="The hooks")
def read(app: App) -> list[HookOut]:
    """Return every hook, the newest first."""
    with app.database.read() as connection:
        found = tokens.granted(connection, "hook")
    return [HookOut(name=one.name or "", made_by=one.account, created_at=one.created_at) for one in found]


@router.post("", status_code=201, summary="Make a hook")
def add(app: App, what: HookIn, actor: By) -> HookMade:
    """Make a hook for Lidarr, Radarr or whoever knows when something arrived."""
    secret = hook_secrets.add(app, what.name, actor=actor.name)
    return HookMade(name=what.name, path=f"{app.boot.web_base}/api/v1/hooks/{what.name}", secret=secret)


# The name stands in the query: paths below this one are open to whoever shows a hook's secret.
@router.delete("", status_code=204, summary="Remove a hook", responses=UNKNOWN)
def remove(app: App, name: Annotated[str, Query(max_length=200)], actor: By) -> None:
    """Forget a hook; its secret is worthless at once."""
    hook_secrets.remove(app, name, actor=actor.name)
