"""Requests below a path of their host ↔ the same at the root, where everything else here believes itself to be.

What comes in loses the path, what goes out gets it. A proxy may leave it on what it asks for or take it off: a request
without it means the same.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Attributes that hold an address, where templates write them: in what others say quotation marks are escaped.
_ADDRESS: Final = re.compile(r'(\s(?:href|src|action|formaction|hx-get|hx-post|data-follow)=")(?=/)')


class Below:
    """Takes a path off what is asked for, and puts it before where answers lead. `base` is /a/path, or empty."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app, self._base = app, base
        self._below = re.compile(rf"\A(https?://[^/]+)?{re.escape(base)}(?=[/?]|\Z)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not self._base:
            await self._app(scope, receive, send)
            return
        scope["path"] = self._inside(scope["path"]) or "/"
        scope["raw_path"] = (self._inside(scope["raw_path"].decode("latin-1")) or "/").encode("latin-1")
        scope["headers"] = [
            (name, self._inside(value.decode("latin-1")).encode("latin-1") if name == b"referer" else value)
            for name, value in scope["headers"]
        ]

        async def outside(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("location", "").startswith("/"):
                    headers["location"] = f"{self._base}{headers['location']}"
            await send(message)

        await self._app(scope, receive, outside)

    def _inside(self, address: str) -> str:
        """Return a path, or a URL, without the base."""
        return self._below.sub(r"\1", address)


def put_below(base: str, html: str) -> str:
    """Return a page whose addresses, all of which begin at the root, are below a path."""
    return _ADDRESS.sub(rf"\g<1>{base}", html) if base else html
