"""A request → refused before anything looks at it, or passed on; an answer → with the headers that browsers heed.

Host names are checked against a list, because a name of somebody else's may point at us (DNS rebinding). What changes
something must come from our own pages: browsers say so in Sec-Fetch-Site, older ones in Origin.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY: Final = 1 << 20  # bytes; the largest thing anybody sends is a form …
MAX_PICTURE: Final = 21 << 20  # … but for a picture
MAX_DOOR: Final = 16 << 10  # … and what a stranger may: a megabyte of % keeps everybody waiting for 0.8 s
MAX_REFUSED: Final = 64 << 20  # … and how much is read, and thrown away, of what is refused
PICTURES: Final = "/pictures"  # how the paths end to which one is sent
DOORS: Final = ("/sign-in", "/setup")  # the same of forms that strangers fill in
BODY_SECONDS: Final = 30.0  # until the whole body has to be there
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES: Final = frozenset({"same-origin", "none"})  # "none" is a person who typed the address
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([\w.~!$&'()*+,;=%-]+))(?::[0-9]*)?")  # RFC 9110, 7.2; RFC 3986, 3.2.2
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """The layer before all that know who asks. `hosts` are the names it answers to, as people write them."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(map(name_of, hosts)) - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path: str = scope["path"]
        most = MAX_PICTURE if path.endswith(PICTURES) else MAX_DOOR if path.endswith(DOORS) else MAX_BODY
        refusal = self._refusal(scope["method"], headers, most)
        app = _Refused(*refusal) if refusal else self._app
        most = MAX_REFUSED if refusal else most
        if scope["method"] == "HEAD":  # what is answered to GET; uvicorn leaves the body out (RFC 9110, 9.3.2)
            scope = {**scope, "method": "GET"}
        await app(scope, _limited(receive, most), _protected(send, scope, headers.get("host", "")))

    def _refusal(self, method: str, headers: Headers, most: int) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return 400, "This name is not one Greenroom answers to; add it to GREENROOM_WEB_HOSTS."
        if "transfer-encoding" in headers and "content-length" in headers:  # RFC 9112, 6.1
            return 400, "A request has a length or comes in pieces."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            return 413, f"A request may have {most} bytes at most."
        if method not in SAFE_METHODS and not is_own(headers, host):
            return 403, _not_own(headers, host)
        return None


class _Refused:
    """The answer to a request that is not passed on. It ends the connection: where the next begins may be in doubt."""

    def __init__(self, status: int, why: str) -> None:
        self._answer = PlainTextResponse(f"{why}\n", status, {"connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer once all was sent: a connection closed with something unread is reset, and the answer lost with it.

        Unless who asks waits to be told to send it (RFC 9110, 10.1.1).
        """
        if "expect" not in Headers(scope=scope):
            while (await receive()).get("more_body"):
                pass
        await self._answer(scope, receive, send)


def host_name(host: str) -> str:
    """Return a Host header without its port, in lower case: `[::1]:80` → `::1`; "" if it is none."""
    found = _HOST.fullmatch(host.lower())
    return (found[1] or found[2]) if found else ""


def name_of(host: str) -> str:
    """Return a name somebody wrote down, or a URL of it, as browsers ask for it: `Bücher:80` → `xn--bcher-kva`."""
    host = host.rpartition("://")[2].partition("/")[0]
    bare = host.lower() if host.count(":") > 1 and not host.startswith("[") else host_name(host)
    with suppress(UnicodeError):  # no name browsers could ask for
        return bare.encode("idna").decode()
    return bare


def came_from(headers: Headers) -> str:
    """Return the page of ours, path and query, that a request came from; "" if it says none."""
    try:
        came = urlsplit(headers.get("referer", ""))
    except ValueError:
        return ""
    if came.netloc != headers.get("host") or not came.path.startswith("/") or came.path.startswith("//"):
        return ""
    return f"{came.path}?{came.query}" if came.query else came.path


def is_own(headers: Headers, host: str) -> bool:
    """Tell whether a request that changes something comes from our own page, or from a program with a key of its own.

    A browser by itself sends cookies, and a name and password from a link, but never an API key.
    """
    if shown_key(headers) is not None:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN_SITES
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower().partition("://")[2] == host.lower()
    return "cookie" not in headers  # nobody's authority is used, so none can be abused


def _not_own(headers: Headers, host: str) -> str:
    """Say what is wrong with where a request comes from: where a browser only names its page, it may be a proxy."""
    said = "This did not come from Greenroom's own page"
    if "sec-fetch-site" in headers or (origin := headers.get("origin", "null")) == "null":
        return f"{said}."
    return (
        f"{said}: it came from {origin}, and was for {host}. If they are one, a proxy between has to pass on the name "
        "and the port it was asked by (nginx: proxy_set_header Host $http_host)."
    )


def shown_key(headers: Headers) -> str | None:
    """Return the API key a request shows; it then counts, and no cookie does."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def _limited(receive: Receive, most: int) -> Receive:
    """Return the request's body, as long as it is neither too long nor too slow."""
    got, loop = 0, asyncio.get_running_loop()
    until = loop.time() + BODY_SECONDS
    more = True

    async def limited() -> Message:
        nonlocal got, more
        if not more:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - loop.time()))
        except TimeoutError:
            return {"type": "http.disconnect"}
        got += len(message.get("body", b""))
        more = bool(message.get("more_body"))
        return message if got <= most else {"type": "http.disconnect"}

    return limited


def _protected(send: Send, scope: Scope, host: str) -> Send:
    versioned = scope["query_string"].startswith(b"v=")  # such an address never means anything else

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _headers_for(scope["path"], versioned):
                headers.setdefault(name, value)
            if "location" in headers:  # Starlette names our scheme, which behind a proxy that speaks TLS is another
                headers["location"] = headers["location"].removeprefix(f"{scope['scheme']}://{host}")
        await send(message)

    return protected


def _headers_for(path: str, versioned: bool) -> Iterable[tuple[str, str]]:
    yield from HEADERS.items()
    kept = "public, max-age=31536000, immutable" if versioned else "public, max-age=3600"
    yield "cache-control", kept if path.startswith("/static/") else "no-store"
