"""An album and its library → what publishing it would come to, the publishing, and taking it out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from config.errors import GreenroomError
from daemon.actions import publishing, regrouping
from daemon.disks import Seen
from daemon.web.access import By
from daemon.web.installation import App
from daemon.web.render import page
from daemon.web.routing import page_router
from processor.publication.drafting import Plan
from workflow import progress
from workflow.states import MOVES

router = page_router("/review/{item_id}")


@router.get("/publish")
def look(request: Request, app: App, item_id: int, rename: bool = False) -> Response:
    """Show the tree that would appear in the library, and why; or why it cannot."""
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    seen: Seen[Plan] = Seen(None, None)
    refused, again, may_approve = None, False, False
    try:
        seen = publishing.foretold(app, item_id, rename=rename)
    except GreenroomError as error:
        refused, again = error.message, error.reason_code == "disk_late"
        may_approve = error.reason_code == "not_approved" and "approved" in MOVES[item["status"]]
    return page(
        request, "publish.html",
        item=item, seen=seen, refused=refused, again=again, may_approve=may_approve, rename=rename,
    )  # fmt: skip


@router.post("/publish")
def publish(app: App, item_id: int, actor: By, rename: Annotated[bool, Form()] = False) -> Response:
    """Want it published now; a job does it."""
    job = publishing.want(app, item_id, actor=actor.name, rename=rename)
    return RedirectResponse(f"/jobs/{job.id}", 303)


@router.post("/unpublish")
def unpublish(app: App, item_id: int, actor: By) -> Response:
    """Look at what taking it out of the library would do."""
    act = regrouping.take_out(app, item_id, actor=actor.name, sure=False)
    return RedirectResponse(f"/acts/{act.id}", 303)
