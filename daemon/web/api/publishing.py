"""An item and its library ↔ JSON: what publishing it would come to, and the wish to publish it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from config.reasons import path_text
from daemon.actions import publishing
from daemon.web.access import By
from daemon.web.api.items import DECIDED, ItemId, Wanted
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/items/{item_id}/publish", "items")
Rename = Annotated[bool, Query(description="Give what is published the names it would get now.")]


class PlanOut(BaseModel):
    """What publishing would come to: the folder, its files, and which of them would be written."""

    kind: str
    library: str
    folder: str
    files: list[str]
    written: list[str]
    reasons: list[dict[str, Any]]
    as_of: dt.datetime | None = Field(description="When that was seen, while the disk does not answer.")


class PublishBegun(Wanted):
    """The job that publishes it."""

    job_id: int = Field(description="The same as `job`.")


@router.get("", summary="What publishing an album would come to", responses=DECIDED)
def look(app: App, item_id: ItemId, rename: Rename = False) -> PlanOut:
    """Return the tree that would appear in the library; nothing is touched."""
    seen = publishing.foretold(app, item_id, rename=rename)
    plan = seen.value
    assert plan is not None
    return PlanOut(
        kind=plan.kind,
        library=path_text(plan.library.path),
        folder=path_text(plan.folder),
        files=[path_text(path) for path in plan.files],
        written=[path_text(path) for path in plan.fresh],
        reasons=[{"code": reason.code, "message": reason.message} for reason in plan.reasons],
        as_of=None if seen.late is None else seen.at,
    )


@router.post("", status_code=202, summary="Publish an album", responses=DECIDED)
def publish(app: App, item_id: ItemId, actor: By, rename: Rename = False) -> PublishBegun:
    """Want it published now, whatever the gate says; only what was approved is."""
    job = publishing.want(app, item_id, actor=actor.name, rename=rename)
    return PublishBegun(id=item_id, job=job.id, job_id=job.id)
