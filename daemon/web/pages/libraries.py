"""The libraries → a page that shows, adds, removes and resumes them, and judges a path while it is typed."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import Form, Query, Request
from starlette.responses import Response

from config.errors import GreenroomError
from config.libraries import Kind, Role
from daemon.actions import libraries
from daemon.doctor.removed import examine_removed
from daemon.web import roots
from daemon.web.access import By
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from daemon.web.routing import page_router

router = page_router("/libraries")
LINK = Link(70, "Libraries", "/libraries")
MAX_PATH = 4096  # bytes, of Linux


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show every library, and a form for another one."""
    return _page(request, app)


@router.get("/check")
def check(
    request: Request, app: App, role: Role = "inbound", path: Annotated[str, Query(max_length=MAX_PATH)] = ""
) -> Response:
    """Judge a path somebody is typing."""
    found = roots.checked(app, _raw(path), role, "music") if path else []
    return page(request, "parts/path_check.html", findings=found)


@router.post("")
def add(
    request: Request,
    app: App,
    role: Annotated[Role, Form()],
    path: Annotated[str, Form(max_length=MAX_PATH)],
    actor: By,
    kind: Annotated[Kind, Form()] = "music",
) -> Response:
    """Add a library."""
    try:
        roots.add(app, _raw(path), role, kind, actor=actor.name)
    except GreenroomError as error:
        return _page(request, app, role=role, path=path, refused=error.message, code=422)
    return lead("/libraries", "added")


@router.post("/{library_id}/remove")
def remove(app: App, library_id: int, actor: By) -> Response:
    """Forget a library; no file is touched."""
    libraries.remove(app, library_id, actor=actor.name)
    return lead("/libraries", "forgotten")


@router.post("/{library_id}/resume")
def resume(app: App, library_id: int, actor: By) -> Response:
    """Let cycles work on a suspended library again."""
    roots.resume(app, library_id, actor=actor.name)
    return lead("/libraries", "resumed")


def _raw(path: str) -> bytes:
    return path.strip().encode("utf-8", "surrogatepass")


def _page(
    request: Request, app: App, *, role: Role | None = None, path: str = "", refused: str | None = None, code: int = 200
) -> Response:
    found = roots.roots(app)
    there = {root.library.role for root in found}
    missing = next((role for role in get_args(Role) if role not in there), "library")
    return page(
        request,
        "libraries.html",
        code=code,
        roots=found,
        role=role or missing,
        typed=path,
        refused=refused,
        findings=(),
        left=[finding.message for finding in examine_removed(app)],
    )
