"""A URL and what its host resolves to → whether Greenroom may connect there. Pure; the rules of server-side forgery."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from config.errors import Rejected

PORTS: Final = {"http": 80, "https": 443}  # the schemes there are, and the ports they mean
_LONGEST: Final = 8192  # characters of a URL
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, text.split()))


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


# What `is_global` takes for public although it leads elsewhere: an IPv4 address within an IPv6 one, and odd corners.
_TUNNELS: Final = _networks(
    "64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32 ::/96 ::ffff:0:0:0/96 fec0::/10 192.0.0.0/24 192.88.99.0/24"
)
_LOCAL: Final = _networks(
    "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 100.64.0.0/10 ::1/128 fc00::/7 fe80::/10"
)
# Where clouds tell a machine its own credentials: no player and no mirror is ever there.
_CLOUD: Final = _networks("169.254.169.254/32 100.100.100.200/32 fd00:ec2::254/128")


class Origin(NamedTuple):
    """A scheme, a host and a port: credentials stay within one."""

    scheme: str
    host: str  # lower case, ASCII, without a dot at its end; an IPv6 address without brackets
    port: int


def origin_of(url: str) -> Origin:
    """Return where a URL leads. Raises Rejected `forbidden_url` for what Greenroom never asks for."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        raise _forbidden("it cannot be read as one") from None
    if scheme not in PORTS:
        raise _forbidden("its scheme is neither http nor https")
    if not host or port == 0:
        raise _forbidden("it names no host")
    if "@" in parts.netloc:
        raise _forbidden("it holds a user name; credentials have settings of their own")
    if len(url) > _LONGEST or not url.isprintable() or "\\" in parts.netloc or " " in url:
        raise _forbidden("it is too long, or holds characters that belong into none")
    return Origin(scheme, _plain(host), port or PORTS[scheme])


def _plain(host: str) -> str:
    """Return a host's name as the wire has it."""
    if ":" in host:
        return host.lower()
    try:
        plain = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _forbidden("its host is no name") from None
    if not _NAME.fullmatch(plain):
        raise _forbidden("its host is no name")
    return plain


def _forbidden(why: str) -> Rejected:
    return Rejected(f"a URL is refused: {why}", code="forbidden_url")


def refusal(text: str, is_local: bool) -> str | None:
    """Return why nobody may connect to an address; None when one may.

    `is_local` says that an admin named this very host and port: then it may be in the local network or this machine.
    """
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "it is no address"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if _within(address, _CLOUD):
        return "it is where clouds keep credentials"
    if _within(address, _LOCAL):
        return None if is_local else "it is in the local network"
    if _within(address, _TUNNELS):
        return "it may lead to another address than it says"
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return "it is not on the internet"
    return None
