"""What verification read and found, album by album → a page, and a button that begins a round."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from daemon.actions import verification
from daemon.web.access import By
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router
from processor.verification import rows
from workflow import progress
from workflow.chores import verify

router = page_router("/verification")
LINK = Link(50, "Verification", "/verification")
PAGE: Final = 50


@router.get("")
def show(request: Request, app: App, after: Annotated[int, Query(ge=-1, lt=1 << 62)] = -1) -> Response:
    """Show how it goes, and the albums something was found or made anew of."""
    with app.database.read() as connection:
        found = rows.troubled(connection, after, PAGE + 1)
        names = progress.names(connection, [look.item_id for look in found])
    return page(
        request,
        "verification.html",
        standing=verification.standing(app),
        looks=found[:PAGE],
        names=names,
        after=after,
        more=len(found) > PAGE,
    )


@router.post("")
def begin(app: App, actor: By, every: Annotated[bool, Form()] = False) -> Response:
    """Begin a round."""
    verify.want(app.engine, actor=actor.name, every=every)
    return RedirectResponse("/verification", 303)
