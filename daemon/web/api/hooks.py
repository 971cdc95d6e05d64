"""A message of Lidarr or Radarr, with its hook's secret → at most a hint that a cycle may be due earlier."""

from __future__ import annotations

import base64
import json
import time
from typing import Annotated, Final

from fastapi import HTTPException, Path, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from config import admin, tokens
from config.sections import Hooks
from daemon.actions import hooks
from daemon.web.bodies import Responses
from daemon.web.forwarded import line_of
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/hooks", "hooks")
ANSWERS: Final[Responses] = {
    401: {"description": "The secret is not this hook's."},
    413: {"description": "The message is too long."},
    422: {"description": "The message is no JSON object."},
    429: {"description": "There were too many wrong secrets."},
    503: {"description": "No daemon runs in this process, so nobody could follow the hint."},
}


class Heard(BaseModel):
    """Whether the message was taken as a hint, and why or why not."""

    heard: bool
    why: str


@router.post("/{name}", summary="Tell that something may have arrived", responses=ANSWERS)
async def tell(
    request: Request, app: App, name: Annotated[str, Path(pattern=tokens.HOOK_NAME, description="The hook's name.")]
) -> Heard:
    """Take a message of Lidarr or Radarr as a hint. The secret is the password of Basic authentication, or stands in
    `X-Hook-Secret`. No path it names is ever opened: one that lies in inbound makes the next cycle come earlier."""
    await run_in_threadpool(_check, request, app, name)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > hooks.MAX_BODY:
            raise HTTPException(413, f"A message may have {hooks.MAX_BODY} bytes at most.")
    return await run_in_threadpool(_hear, request, app, name, body)


def _check(request: Request, app: App, name: str) -> None:
    throttle, now = request.app.state.throttle, time.monotonic()
    keys = (f"hook {name}", line_of(request.client.host if request.client else ""))
    if throttle.wait(keys, now):
        raise HTTPException(429, "There were too many wrong secrets; wait five minutes.")
    secret = _secret(request.headers)
    with app.database.read() as connection:
        known = secret is not None and tokens.is_hook(connection, name, secret)
    if not known:
        throttle.failed(keys, now)
        raise HTTPException(401, "The secret is not this hook's.", {"www-authenticate": 'Basic realm="Greenroom"'})


def _hear(request: Request, app: App, name: str, body: bytes) -> Heard:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise HTTPException(422, "The message is no JSON object.")
    with app.database.read() as connection:
        settings, _ = admin.read_section(connection, "hooks")
    assert isinstance(settings, Hooks)
    inbound = app.inbound()
    if inbound is None:
        return Heard(heard=False, why="there is no inbound library")
    if not any(hooks.lies_in(path, inbound.path, settings.mapping) for path in hooks.paths_of(payload)):
        return Heard(heard=False, why="it names no path in inbound; see hooks.path_map")
    if app.hint is None:
        raise HTTPException(503, "No daemon runs in this process, so nobody could follow the hint.")
    if not request.app.state.messages.is_new(name, body, time.monotonic()):
        return Heard(heard=False, why="the same message was there before")
    app.hint()
    return Heard(heard=True, why="the next cycle comes once inbound is quiet, if the daemon is switched on")


def _secret(headers: Headers) -> str | None:
    if given := headers.get("x-hook-secret"):
        return given
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
    except ValueError:  # no base64, no ASCII, no UTF-8
        return None
