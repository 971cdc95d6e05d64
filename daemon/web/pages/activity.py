"""Who did what → a list, newest first."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from daemon.actions import activity
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router

router = page_router("/activity")
LINK = Link(60, "Activity", "/activity")


@router.get("")
def show(request: Request, app: App, everything: bool = False) -> Response:
    """Show who did what; unless everything is asked for, without what Greenroom did to albums by itself."""
    with app.database.read() as connection:
        done = activity.newest(connection, everything=everything)
    return page(request, "activity.html", done=done, everything=everything)
