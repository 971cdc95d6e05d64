"""Where the page is to be → a socket that listens there, or what is in the way."""

from __future__ import annotations

import socket

from config.errors import Misconfigured


def listening(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens at a host and a port; at `::` for IPv4, too, where the machine has both.

    Raises Misconfigured when the address cannot be used.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(address, family=family, dualstack_ipv6=both, backlog=128)
    except (OSError, OverflowError, TypeError) as error:
        raise Misconfigured(f"the page cannot listen on {host} port {port}: {error}; set GREENROOM_WEB") from error
