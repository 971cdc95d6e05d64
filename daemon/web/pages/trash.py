"""The trash of each root → what lies there, why, and until when; restored, or chosen to go for good."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Annotated, Final

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from config.errors import GreenroomError
from daemon.actions import discarding
from daemon.actions.discarding import Which
from daemon.web.access import By
from daemon.web.bodies import Start
from daemon.web.installation import App
from daemon.web.render import page
from daemon.web.routing import page_router

router = page_router("/trash")
PAGE: Final = 100  # albums


@router.get("")
def show(request: Request, app: App, start: Start = 0) -> Response:
    """Show what lies in the trash of staging and of each library, in each what has lain there longest first."""
    days, now = app.staging_settings()[0].trash_days, dt.datetime.now(dt.UTC)
    try:
        bins, problems = discarding.bins(app), []
    except GreenroomError as error:
        bins, problems = [], [error.message]
    lying = ((one.root, album) for one in bins for album in one.lying.albums)
    count = sum(len(one.lying.albums) for one in bins)
    kept = [
        (root, album, album.kept_until(dt.timedelta(days=days), now))
        for root, album in islice(lying, start, start + PAGE)
    ]
    return page(
        request,
        "trash.html",
        kept=kept,
        days=days,
        count=count,
        size=sum(one.lying.size for one in bins),
        expired=sum(len(one.lying.due(days)) for one in bins),
        seen=[(one.root, one.at) for one in bins if one.at],
        problems=problems + [one.problem for one in bins if one.problem],
        again=any(one.problem and one.late for one in bins),
        older=start + PAGE if start + PAGE < count else None,
    )


@router.post("/empty")
def empty(
    app: App,
    which: Annotated[Which, Form()],
    actor: By,
    chosen: Annotated[list[str] | None, Form(max_length=PAGE)] = None,
) -> Response:
    """Look at what removing for good what was chosen would remove."""
    transfers = discarding.chosen(app, which, chosen or [])
    act = discarding.empty(app, transfers, actor=actor.name, sure=False)
    return RedirectResponse(f"/acts/{act.id}", 303)
