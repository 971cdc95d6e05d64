"""The trash of staging → what lies there, why, and until when it can be restored."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Request
from starlette.responses import Response

from config.errors import GreenroomError
from daemon import discarding
from daemon.web.render import page

router = APIRouter(prefix="/trash")


@router.get("")
def show(request: Request) -> Response:
    """Show what lies in the trash, what has lain there longest first."""
    app = request.app.state.greenroom
    days, now = app.staging_settings()[0].trash_days, dt.datetime.now(dt.UTC)
    try:
        found, problem = discarding.lying(app), None
    except GreenroomError as error:
        found, problem = [], error.message
    kept = [(one, one.kept_until(dt.timedelta(days=days), now)) for one in found]
    return page(request, "trash.html", kept=kept, days=days, size=sum(one.size for one in found), problem=problem)
