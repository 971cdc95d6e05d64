"""Where the page listens."""

from __future__ import annotations

import socket

import pytest

from daemon.web.address import listening


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_addresses_are_those_of_both_protocols(host: str) -> None:
    with listening(("::", 0)) as listener, socket.create_connection((host, listener.getsockname()[1])):
        pass
