"""A name and a password → a session; on a fresh installation, the token from the log → the first account."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from typing import Annotated, Final

from fastapi import Form, Request
from loguru import logger
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from config import accounts, activity, tokens
from config.errors import GreenroomError
from config.reasons import counted
from daemon.web.access import By, cookie_name, recognise
from daemon.web.forwarded import line_of
from daemon.web.installation import App
from daemon.web.render import page
from daemon.web.routing import page_router

router = page_router()
Field = Annotated[str, Form(max_length=accounts.MAX_PASSWORD)]
LONGEST: Final = 4000  # of an address that is gone on to
CROWDED: Final = 1.0  # seconds until somebody of those who wait will have had a turn
_ADDRESS: Final = "address "  # before the address in the activity
_OURS: Final = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")  # a path; browsers read //, /\ and /TAB/ as another site


@router.get("/sign-in")
def show(request: Request, app: App, to: str = "/") -> Response:
    """Ask who it is, unless that is known; or, if nobody has an account, for the setup token.

    Below a path browsers send the cookie there only: whoever asked for a page at the root comes by here.
    """
    with app.database.read() as connection:
        if not accounts.has_accounts(connection):
            return RedirectResponse("/setup", 303)
    if recognise(app.database, request.headers, app.boot.web_base):
        return RedirectResponse(_ours(to), 303)
    return page(request, "sign_in.html", error=None, to=to)


@router.post("/sign-in")
def sign_in(request: Request, app: App, name: Field, password: Field, to: Annotated[str, Form()] = "/") -> Response:
    """Open a session, and go on to the page that was asked for."""
    now = dt.datetime.now(dt.UTC)
    kept, wait = tried(request, app, name, password)
    if wait:
        return page(request, "sign_in.html", code=429, error=too_many(wait), to=to)
    with app.database.begin() as connection:
        # Checking a password takes a while: whoever changed it meanwhile has ended every session that came by it.
        is_right = kept is not None and accounts.is_kept(connection, name, kept)
        token = new_session(connection, request, name, now) if is_right else None
        if token is None:
            activity.note(connection, "sign_in_failed", name, now, _address(request))
    if token is None:
        logger.bind(account=name, address=_address(request)).warning("a sign-in failed")
        return page(request, "sign_in.html", code=403, error="No account has this name and this password.", to=to)
    return signed_in(request, token, _ours(to))


@router.get("/setup")
def show_setup(request: Request, app: App) -> Response:
    """Ask for the setup token; once there is an account, there is nothing to set up."""
    with app.database.read() as connection:
        if accounts.has_accounts(connection):
            return RedirectResponse("/sign-in", 303)
    return page(request, "setup.html", error=None, name="")


@router.post("/setup")
def set_up(request: Request, app: App, token: Field, name: Field, password: Field) -> Response:
    """Make the first account."""
    throttle, keys, now = request.app.state.throttle, _keys(request, "setup"), dt.datetime.now(dt.UTC)
    if throttle.wait(keys, time.monotonic()):
        return page(request, "setup.html", code=429, error="There were too many tries; wait five minutes.", name=name)
    try:
        with app.database.begin() as connection:
            if not accounts.add_first_account(connection, token.strip(), name, password, now):
                throttle.failed(keys, time.monotonic())
                error = (
                    "This is not the setup token: the newest in Greenroom's log is, for a day; a restart makes another."
                )
                return page(request, "setup.html", code=403, error=error, name=name)
            activity.note(connection, "account_made", name, now, _address(request))
            session = new_session(connection, request, name, now)
    except GreenroomError as error:
        return page(request, "setup.html", code=422, error=error.message, name=name)
    logger.bind(account=name).info("the first account was made")
    return signed_in(request, session, "/")


@router.post("/sign-out")
def sign_out(app: App, actor: By) -> Response:
    """End the session."""
    with app.database.begin() as connection:
        tokens.revoke(connection, actor.token.id)
        activity.note(connection, "signed_out", actor.name, dt.datetime.now(dt.UTC))
    answer = RedirectResponse("/sign-in", 303)
    base = app.boot.web_base
    for secure in (True, False):
        answer.delete_cookie(cookie_name(base, secure=secure), base or "/", secure=secure, httponly=True)
    return answer


def new_session(connection: Connection, request: Request, name: str, now: dt.datetime) -> str:
    """Make a session, in the transaction that knows whose it is, and return its token."""
    tokens.forget_expired(connection, now)
    activity.note(connection, "signed_in", name, now, _address(request))
    return tokens.grant(connection, "session", now, account=name, lasts=tokens.SESSION)


def signed_in(request: Request, token: str, to: str) -> Response:
    """Hand the token of a session over."""
    # A proxy that speaks TLS asks us without it; the browser says in Origin which of the two it speaks itself.
    secure = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
    base = request.app.state.greenroom.boot.web_base
    answer = RedirectResponse(to, 303)
    answer.set_cookie(
        cookie_name(base, secure=secure),
        token,
        path=base or "/",
        max_age=int(tokens.SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return answer


def tried(request: Request, app: App, name: str, password: str) -> tuple[str | None, float]:
    """Return what is kept of an account's password if this is it, and if it was not looked at: for how many seconds
    not yet.
    """
    throttle = request.app.state.throttle
    if not throttle.line.acquire(blocking=False):
        return None, CROWDED
    try:
        with throttle.turn:
            if throttle.known is None:
                throttle.known = _known(app)
            keys = _keys(request, name)
            if wait := throttle.wait(keys, time.monotonic()):
                return None, wait
            with app.database.read() as connection:
                kept = accounts.kept_password(connection, name)
            is_right = accounts.is_password(kept, password)
            if is_right:
                throttle.known.add((name, line_of(_client(request))))
            else:
                throttle.failed(keys, time.monotonic())
            return (kept if is_right else None), 0.0
    finally:
        throttle.line.release()


def too_many(wait: float) -> str:
    """Say that a password was not looked at, and when one will be; `wait` is in seconds."""
    return f"There were too many tries; the next one is possible in {counted(math.ceil(wait / 60), 'minute')}."


def _ours(to: str) -> str:
    """Return the page that was asked for, if it is one of ours."""
    return to if len(to) <= LONGEST and _OURS.fullmatch(to) else "/"


def _keys(request: Request, name: str) -> tuple[str, str]:
    line = line_of(_client(request))
    known = request.app.state.throttle.known or ()
    return f"account {name} at {line}" if (name, line) in known else f"account {name}", line


def _known(app: App) -> set[tuple[str, str]]:
    """Return from where accounts were signed in to before we started: who guesses outlives a restart, too."""
    with app.database.read() as connection:
        return {(name, line_of(said.removeprefix(_ADDRESS))) for name, said in activity.signed_in(connection)}


def _address(request: Request) -> str:
    return f"{_ADDRESS}{_client(request)}"


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
