"""An installation → what runs next, what ran last, what waits for a person, what failed, and how the disks are."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.roots import roots

router = APIRouter()
LINK = Link(0, "Dashboard", "/")


@router.get("/")
def show(request: Request) -> Response:
    """Show it."""
    app = request.app.state.greenroom
    status = app.status()
    with app.database.read() as connection:
        found = roots(connection)
    return page(request, "dashboard.html", status=status, roots=found)
