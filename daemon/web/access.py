"""A request → who makes it, by a session's cookie or an API key; without either only the open paths answer."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from config import tokens
from config.database import Database
from config.errors import GreenroomError
from config.tokens import Token
from daemon.web.guard import SAFE_METHODS, came_from, shown_key

# Everything else asks for credentials; a test walks the routes to prove it.
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/sign-in", "/setup"})
OPEN_PREFIXES: Final = ("/static/", "/api/v1/hooks/")
TRIES: Final = 10  # failed sign-ins of one account, or from one address …
PER: Final = 300.0  # … in so many seconds
LINE: Final = 16  # tries that wait for their turn, each in one of the forty threads all requests share

Refused = Callable[[Request, GreenroomError], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a request. `name` is what histories say."""

    name: str
    token: Token
    csrf: str  # what a form of this session must bring along; "" with an API key


class Access:
    """Lets a request through if its maker is known and may do it. `refused` answers where the database does not."""

    def __init__(self, app: ASGIApp, database: Database, base: str, refused: Refused) -> None:
        self._app = app
        self._refused = refused
        self._database = database
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            actor = await run_in_threadpool(recognise, self._database, headers, self._base)
        except GreenroomError as error:
            await (await self._refused(Request(scope), error))(scope, receive, send)
            return
        if actor is None:
            await _stranger(scope, headers)(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS and "write" not in actor.token.scopes:
            await JSONResponse({"detail": "this key may only read", "code": "forbidden"}, 403)(scope, receive, send)
        else:
            scope.setdefault("state", {})["actor"] = actor
            await self._app(scope, receive, send)


def recognise(database: Database, headers: Headers, base: str) -> Actor | None:
    """Return who makes a request of a page that is below `base`; None if nobody knows."""
    purpose, secrets = shown_tokens(headers, base)
    if not secrets:
        return None
    now = dt.datetime.now(dt.UTC)
    with database.read() as connection:
        known = ((tokens.recognise(connection, secret, (purpose,), now), secret) for secret in secrets)
        token, secret = next((one for one in known if one[0] is not None), (None, ""))
    if token is None:
        return None
    if tokens.is_news(token, now):
        with suppress(GreenroomError), database.begin() as connection:  # a full disk shows its page, too
            tokens.seen(connection, token, now)
    if purpose == "api_key":
        return Actor(f"{token.account} (key {token.name})", token, "")
    return Actor(token.account or "", token, form_token(secret))


def is_open(path: str) -> bool:
    """Tell whether a path asks for no credentials."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def cookie_name(base: str, *, secure: bool) -> str:
    """Return what the cookie of a session is called; browsers keep `__Host-` cookies from every other host and path.

    Below a path it has a name of its own, or that of a Greenroom above it on the same host would be taken for it.
    """
    name = f"greenroom_session{base.replace('/', '_')}"
    return f"{'__Secure-' if base else '__Host-'}{name}" if secure else name


def shown_tokens(headers: Headers, base: str) -> tuple[tokens.Purpose, list[str]]:
    """Return what the tokens are for that a request shows, and them: a key, which was sent on purpose, else cookies.

    Of a host that was asked with TLS and without it there may be two, of which one has ended.
    """
    if key := shown_key(headers):
        return "api_key", [key]
    cookies = cookie_parser(headers.get("cookie", ""))
    sessions = (cookies.get(cookie_name(base, secure=secure)) for secure in (True, False))
    return "session", [session for session in sessions if session]


def form_token(session: str) -> str:
    """Return the token in the forms of a session, known only to whoever can read our pages."""
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()


async def own_form(request: Request) -> None:
    """Refuse a form without its session's token. A dependency of every page."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if request.method in SAFE_METHODS or actor is None or actor.token.purpose != "session":
        return
    sent = request.headers.get("x-csrf-token") or (await request.form()).get("csrf")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), actor.csrf.encode()):
        raise HTTPException(403, "This form is not from this session; load the page again.")


async def _actor(request: Request) -> Actor:  # async, or each would take a thread of those for routes
    actor: Actor = request.state.actor
    return actor


By = Annotated[Actor, Depends(_actor)]


def person_of(request: Request) -> Actor:
    """Return the person who asks. A key may make no keys and change no password, or a leaked one would last."""
    actor: Actor = request.state.actor
    if actor.token.purpose != "session":
        raise HTTPException(403, "Only a person who signed in may change an account.")
    return actor


def _stranger(scope: Scope, headers: Headers) -> Response:
    path: str = scope["path"]
    wants_page = "text/html" in headers.get("accept", "") and not path.startswith("/api/")
    if wants_page:  # a form of a session that ended leads back to the page it stood on
        to = _asked(scope) if scope["method"] in SAFE_METHODS else came_from(headers)
        return RedirectResponse(f"/sign-in?{urlencode({'to': to})}" if to not in ("", "/") else "/sign-in", 303)
    told = {"detail": "sign in, or send X-Api-Key", "code": "unauthorized"}
    # A page that asks for a part of itself, by htmx, is loaded anew, and so leads to the door.
    anew = {"hx-refresh": "true"} if "hx-request" in headers else {}
    return JSONResponse(told, 401, headers={"www-authenticate": "Bearer", **anew})


def _asked(scope: Scope) -> str:
    """Return the address a request is for, as the browser wrote it."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return "?".join(part.decode("ascii", "replace") for part in (raw, scope["query_string"]) if part)


class Throttle:
    """Counts failures by account and by address, and tells when there were too many of late.

    Whoever checks a password holds `turn` meanwhile; else many tries at once would all begin before the first failed.
    Before that it stands in `line`, where there is room. Where an account is `known`, it has a count of its own: who
    guesses elsewhere keeps nobody out of it there.
    """

    def __init__(self, tries: int = TRIES, per: float = PER) -> None:
        self.turn, self.line = threading.Lock(), threading.BoundedSemaphore(LINE)
        self.known: set[tuple[str, str]] | None = None  # accounts, and lines they were used from; None: not asked
        self._tries, self._per = tries, per
        self._failures: dict[str, deque[float]] = {}  # of each key the newest; the key that failed last stands last
        self._lock = threading.Lock()

    def wait(self, keys: tuple[str, ...], now: float) -> float:
        """Return for how many seconds no one with any of the keys may try again; 0 if now."""
        with self._lock:
            return max(self._wait(key, now) for key in keys)

    def failed(self, keys: tuple[str, ...], now: float) -> None:
        """Remember a failure, and forget old ones."""
        with self._lock:
            for key in keys:
                times = self._failures.pop(key, deque(maxlen=self._tries))
                self._failures[key] = times
                times.append(now)
            while self._failures[oldest := next(iter(self._failures))][-1] <= now - self._per:
                del self._failures[oldest]

    def _wait(self, key: str, now: float) -> float:
        times = self._failures.get(key)
        return 0.0 if times is None or len(times) < self._tries else max(0.0, times[0] + self._per - now)
