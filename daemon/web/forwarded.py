"""A request that a trusted proxy passed on → the address it came from, for the throttle and the activity.

Anybody may send X-Forwarded-For; only its end counts, which a proxy we trust has added.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Forwarded:
    """Gives a request the address of whoever a trusted proxy says it is from. The outermost layer of the app."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        self._app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope.get("client"):
            peer, port = scope["client"]
            said = Headers(scope=scope).getlist("x-forwarded-for")
            scope["client"] = (client_of(peer, said, self._proxies), port)
        await self._app(scope, receive, send)


def client_of(peer: str, said: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return who asks: the last of all addresses on the way that is no trusted proxy's.

    Each proxy adds the address it was asked from to what it was told; `said` are the headers in their order.
    """
    told = [text for header in said for text in header.split(",")]
    at = _read(peer)
    while told and at is not None and any(at in network for network in proxies):
        before = _read(told.pop())
        if before is None:
            break  # a proxy that adds something else says nothing about who asked it
        at = before
    return peer if at is None else str(at)


def line_of(client: str) -> str:
    """Return whose tries are counted as one's: an address; of IPv6 a /64, the least that anybody's line has."""
    at = _read(client.partition("%")[0])
    if at is None:
        return client
    return str(IPv6Network((at, 64), strict=False) if isinstance(at, IPv6Address) else at)


def _read(text: str) -> Address | None:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found  # a socket of both kinds calls 10.0.0.1 ::ffff:10.0.0.1
