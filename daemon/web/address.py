"""Where the page is to be → a socket that listens there, or what is in the way."""

from __future__ import annotations

import socket

from config.errors import Misconfigured


def listening(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens at a host and a port. Raises Misconfigured when the address cannot be used."""
    host, port = address
    try:
        return socket.create_server(address, family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128)
    except (OSError, OverflowError) as error:
        raise Misconfigured(f"the page cannot listen on {host} port {port}: {error}; set GREENROOM_WEB") from error
