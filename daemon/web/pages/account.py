"""An account → its password changed, its API keys made, shown once, listed and revoked."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import Response

from config import accounts, activity, tokens
from config.errors import Misconfigured
from daemon.web.access import person_of
from daemon.web.installation import App
from daemon.web.pages.sign_in import Field, new_session, signed_in, too_many, tried
from daemon.web.render import lead, page
from daemon.web.routing import page_router

router = page_router("/account")


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show the account of this session."""
    return _page(request, app)


@router.post("/password")
def change_password(request: Request, app: App, current: Field, password: Field) -> Response:
    """Change the password, end every session of the account, and go on in a new one."""
    actor, now = person_of(request), dt.datetime.now(dt.UTC)
    kept, wait = tried(request, app, actor.name, current)
    if wait:
        return _page(request, app, refused=too_many(wait), code=429)
    token = None
    try:
        with app.database.begin() as connection:
            if kept is not None and accounts.is_kept(connection, actor.name, kept):
                accounts.change_password(connection, actor.name, password)
                activity.note(connection, "password_changed", actor.name, now)
                token = new_session(connection, request, actor.name, now)
    except Misconfigured as error:
        return _page(request, app, refused=f"{error.message}.", code=422)
    if token is None:
        return _page(request, app, refused="The current password is another one.", code=403)
    return signed_in(request, token, "/account?said=password")


@router.post("/keys")
def add_key(
    request: Request,
    app: App,
    name: Annotated[str, Form(max_length=200)],
    scope: Annotated[tokens.Scope, Form()] = "read",
) -> Response:
    """Make an API key and show it, this once."""
    actor, now = person_of(request), dt.datetime.now(dt.UTC)
    scopes = tokens.SCOPES if scope == "write" else ("read",)
    try:
        with app.database.begin() as connection:
            made = tokens.add_key(connection, actor.name, name.strip(), scopes, now)
            activity.note(connection, "key_made", actor.name, now, name.strip())
    except Misconfigured as error:
        return _page(request, app, key_error=f"{error.message}.", key_name=name, code=422)
    return _page(request, app, made=made)


@router.post("/keys/{key_id}/revoke")
def revoke_key(request: Request, app: App, key_id: int) -> Response:
    """Make an API key worthless, at once."""
    actor, now = person_of(request), dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        key = tokens.revoke_key(connection, key_id, actor.name)
        activity.note(connection, "key_revoked", actor.name, now, key.name)
    return lead("/account", "revoked")


def _page(
    request: Request,
    app: App,
    *,
    made: str | None = None,
    refused: str | None = None,
    key_error: str | None = None,
    key_name: str = "",
    code: int = 200,
) -> Response:
    actor = person_of(request)
    with app.database.read() as connection:
        keys = tokens.granted(connection, "api_key", actor.name)
    return page(
        request,
        "account.html",
        code=code,
        keys=keys,
        made=made,
        refused=refused,
        key_error=key_error,
        key_name=key_name,
        least=accounts.MIN_PASSWORD,
    )
