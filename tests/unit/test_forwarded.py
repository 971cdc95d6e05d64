"""Who a request is from, by what trusted proxies say of it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from daemon.web.forwarded import client_of, line_of

PROXIES = [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # no proxy of ours
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["192.0.2.9, 198.51.100.7"], "198.51.100.7"),  # what came before, anybody may have written
        ("127.0.0.1", ["192.0.2.9", "198.51.100.7,10.1.2.3"], "198.51.100.7"),  # two proxies, two headers
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),  # a proxy that asks for itself
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, evil"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, evil, 10.0.0.1"], "10.0.0.1"),
        ("::ffff:127.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("fd00::1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("testclient", ["198.51.100.7"], "testclient"),
        ("127.0.0.1", [""], "127.0.0.1"),
    ],
)
def test_only_what_trusted_proxies_added_counts(peer: str, said: list[str], expected: str) -> None:
    assert client_of(peer, said, PROXIES) == expected


def test_by_default_nobody_is_believed() -> None:
    assert client_of("127.0.0.1", ["198.51.100.7"], []) == "127.0.0.1"


@pytest.mark.parametrize(
    ("client", "line"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_whoever_has_a_line_of_ipv6_is_one(client: str, line: str) -> None:
    assert line_of(client) == line
