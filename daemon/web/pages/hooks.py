"""The hooks of Lidarr and Radarr → listed, made, their secret shown once, removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import Response

from config import admin, tokens
from config.errors import Misconfigured
from daemon.actions import hook_secrets
from daemon.web.access import person_of
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from daemon.web.routing import page_router

router = page_router("/hooks")
LINK = Link(78, "Hooks", "/hooks")


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show every hook."""
    return _page(request, app)


@router.post("")
def add(request: Request, app: App, name: Annotated[str, Form(max_length=200)]) -> Response:
    """Make a hook and show its secret, this once."""
    try:
        secret = hook_secrets.add(app, name.strip(), actor=person_of(request).name)
    except Misconfigured as error:
        return _page(request, app, refused=f"{error.message}.", typed=name, code=422)
    return _page(request, app, made=(name.strip(), secret))


@router.post("/remove")
def remove(request: Request, app: App, name: Annotated[str, Form(max_length=200)]) -> Response:
    """Forget a hook; its secret is worthless at once."""
    hook_secrets.remove(app, name, actor=person_of(request).name)
    return lead("/hooks", "removed")


def _page(
    request: Request,
    app: App,
    *,
    made: tuple[str, str] | None = None,
    refused: str | None = None,
    typed: str = "",
    code: int = 200,
) -> Response:
    with app.database.read() as connection:
        hooks = tokens.granted(connection, "hook")
        path_map = admin.get(connection, "hooks.path_map")
    return page(
        request, "hooks.html", code=code, hooks=hooks, made=made, refused=refused, typed=typed, path_map=path_map
    )
