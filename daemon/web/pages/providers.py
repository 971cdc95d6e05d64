"""The providers → a page that says which are asked, what they answer, how they stand, and what they owe."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from daemon.actions import providers
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router
from processor.matching import rows
from processor.providers.registry import section_of

router = page_router("/providers")
LINK = Link(72, "Providers", "/providers")


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show every provider, in the order they are asked."""
    with app.database.read() as connection:
        owed = rows.count_debts(connection)
    return page(request, "providers.html", providers=providers.standing(app), owed=owed, section_of=section_of)
