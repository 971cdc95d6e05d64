"""An installation → what runs next, what ran last, what waits for a person, what failed, and how the disks are."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.responses import Response

from daemon.status import TRY_AGAIN, at_a_glance
from daemon.web.called import called, with_covers
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.roots import roots
from daemon.web.routing import page_router
from processor.items import listing
from processor.matching import rows
from workflow import runs
from workflow.engine.job import FAILED

router = page_router()
LINK = Link(0, "Dashboard", "/")


WAITING: Final = 5  # albums shown of those that wait


@router.get("/")
def show(request: Request, app: App) -> Response:
    """Show it."""
    status = at_a_glance(app)
    with app.database.read() as connection:
        owed = rows.count_debts(connection)
        newest = listing.page(connection, listing.Filter("pending_review"), limit=WAITING).items
        waiting = with_covers(connection, called(connection, newest))
    last = status["last_run"]
    return page(
        request,
        "dashboard.html",
        status=status,
        try_again=TRY_AGAIN,
        roots=roots(app),
        waiting=waiting,
        owed=owed,
        stages=app.ongoing.stages(),
        failed_jobs={state: status["jobs"][state] for state in FAILED},
        stayed=runs.by_album(last["reasons"])[:WAITING] if last else [],
    )
