"""The releases an album could be → side by side with what speaks for and against each; a person's choice."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from daemon.web.access import By
from daemon.web.deciding import seen_of
from daemon.web.installation import App
from daemon.web.render import lead, page
from daemon.web.routing import page_router
from workflow import progress
from workflow.operations import enriching

router = page_router("/review/{item_id}/release")


@router.get("")
def show(request: Request, app: App, item_id: int) -> Response:
    """Show every candidate, the nearest first."""
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    told = enriching.candidates(app.database, item_id)
    parts = list(dict.fromkeys(part["name"] for one in told.candidates for part in one.parts))
    return page(request, "release.html", item=item, told=told, parts=parts)


@router.post("")
def choose(
    app: App, item_id: int, release: Annotated[str, Form(max_length=100)], seen: Annotated[str, Form()], actor: By
) -> Response:
    """Say which release it is, that it is none of them, or leave it to matching again."""
    enriching.choose(app.database, app.engine, item_id, release, actor=actor.name, seen=seen_of(seen))
    return lead(f"/review/{item_id}/release", "saved")


@router.post("/ask")
def ask(app: App, item_id: int, actor: By) -> Response:
    """Ask the providers about it again, now."""
    (job,) = enriching.want(app.engine, [item_id], actor=actor.name, force=True)
    return RedirectResponse(f"/jobs/{job.id}", 303)
