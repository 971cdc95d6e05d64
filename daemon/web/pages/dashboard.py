"""An installation → what runs next, what ran last, what waits for a person, what failed, and how the disks are."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from config.errors import Misconfigured
from config.libraries import Library, list_libraries, verify_root
from daemon.web.navigation import Link
from daemon.web.render import page

router = APIRouter()
LINK = Link(0, "Dashboard", "/")


@router.get("/")
def show(request: Request) -> Response:
    """Show it."""
    app = request.app.state.greenroom
    status = app.status()
    with app.database.read() as connection:
        roots = [_root(library) for library in list_libraries(connection)]
    return page(request, "dashboard.html", status=status, roots=roots)


def _root(library: Library) -> dict[str, Any]:
    """Return what to show of one library: its path, whether it can be used, and how full its disk is."""
    try:
        verify_root(library)
        problem = None
        found = os.statvfs(library.path)
        free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    except Misconfigured as error:
        problem, free, total = error.message, None, None
    except OSError as error:
        problem, free, total = f"its disk does not answer: {error.strerror}", None, None
    return {"role": library.role, "path": library.path, "problem": problem, "free": free, "total": total}
