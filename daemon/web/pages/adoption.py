"""A library of others beside what Greenroom would make of it → a page that begins, follows and shows a comparison."""

from __future__ import annotations

import os
from typing import Annotated, Final

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from config.errors import GreenroomError
from daemon.web.bodies import Start
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router
from workflow.operations.adopting import WORDS, Difference

router = page_router("/adopt")
LINK = Link(65, "Adopt", "/adopt")
PAGE: Final = 50  # albums


@router.get("")
def show(
    request: Request,
    app: App,
    differs: Difference | None = None,
    offset: Start = 0,
) -> Response:
    """Show the newest comparison, and a form for another one."""
    return _page(request, app, differs=differs, offset=offset)


@router.post("")
def begin(request: Request, app: App, path: Annotated[str, Form(max_length=4096)]) -> Response:
    """Begin a comparison."""
    try:
        app.looks.begin(os.fsencode(path.strip()))
    except GreenroomError as error:
        return _page(request, app, typed=path, refused=error.message, code=422)
    return RedirectResponse("/adopt", 303)


def _page(
    request: Request, app: App, *, differs: Difference | None = None, offset: int = 0, typed: str = "",
    refused: str | None = None, code: int = 200,
) -> Response:  # fmt: skip
    look = app.looks.newest()
    found = look.found.of(differs) if look and look.found else []
    more = offset + PAGE if len(found) > offset + PAGE else None
    return page(
        request, "adopt.html", code=code, look=look, words=WORDS, differs=differs, albums=found[offset : offset + PAGE],
        more=more, typed=typed, refused=refused,
    )  # fmt: skip
