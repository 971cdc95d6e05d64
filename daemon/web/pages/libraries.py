"""The libraries → a page that shows, adds, removes and resumes them, and judges a path while it is typed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from config.errors import GreenroomError
from config.libraries import Kind, Role
from daemon import libraries
from daemon.web import roots
from daemon.web.access import actor_of
from daemon.web.navigation import Link
from daemon.web.render import lead, page

router = APIRouter(prefix="/libraries")
LINK = Link(70, "Libraries", "/libraries")
MAX_PATH = 4096  # bytes, of Linux


@router.get("")
def show(request: Request) -> Response:
    """Show every library, and a form for another one."""
    return _page(request)


@router.get("/check")
def check(
    request: Request,
    role: Role = "inbound",
    path: Annotated[str, Query(max_length=MAX_PATH)] = "",
) -> Response:
    """Judge a path somebody is typing."""
    found = roots.checked(request.app.state.greenroom, _raw(path), role, "music") if path else []
    return page(request, "parts/path_check.html", findings=found)


@router.post("")
def add(
    request: Request,
    role: Annotated[Role, Form()],
    path: Annotated[str, Form(max_length=MAX_PATH)],
    kind: Annotated[Kind, Form()] = "music",
) -> Response:
    """Add a library."""
    try:
        roots.add(request.app.state.greenroom, _raw(path), role, kind, actor=actor_of(request).name)
    except GreenroomError as error:
        return _page(request, role=role, path=path, refused=error.message, code=422)
    return lead("/libraries", "added")


@router.post("/{library_id}/remove")
def remove(request: Request, library_id: int) -> Response:
    """Forget a library; no file is touched."""
    libraries.remove(request.app.state.greenroom, library_id, actor=actor_of(request).name)
    return lead("/libraries", "removed")


@router.post("/{library_id}/resume")
def resume(request: Request, library_id: int) -> Response:
    """Let cycles work on a suspended library again."""
    roots.resume(request.app.state.greenroom, library_id, actor=actor_of(request).name)
    return lead("/libraries", "resumed")


def _raw(path: str) -> bytes:
    return path.strip().encode("utf-8", "surrogatepass")


def _page(
    request: Request, *, role: Role = "inbound", path: str = "", refused: str | None = None, code: int = 200
) -> Response:
    found = roots.roots(request.app.state.greenroom)
    return page(request, "libraries.html", code=code, roots=found, role=role, typed=path, refused=refused, findings=())
