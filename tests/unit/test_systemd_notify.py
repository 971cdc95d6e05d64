"""What the daemon tells systemd, read from real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import systemd


@pytest.fixture(params=["path", "abstract"])
def notified(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A socket as systemd opens it, and the environment that names it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.settimeout(10)
        name = str(tmp_path / "notify") if request.param == "path" else f"\0{tmp_path}"
        server.bind(name)
        yield server, {"NOTIFY_SOCKET": name.replace("\0", "@")}


def test_assignments_arrive_in_one_datagram(notified: tuple[socket.socket, dict[str, str]]) -> None:
    server, environ = notified
    systemd.notify(systemd.READY, systemd.status("next cycle 14:00, last: 3 staged"), environ=environ)
    assert server.recv(4096) == b"READY=1\nSTATUS=next cycle 14:00, last: 3 staged"


def test_a_status_cannot_smuggle_an_assignment_in() -> None:
    assert systemd.status("album\nSTOPPING=1") == "STATUS=album STOPPING=1"


def test_a_reload_carries_the_monotonic_time() -> None:
    first, second = systemd.reloading(), systemd.reloading()
    assert first.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert int(first.rsplit("=", 1)[1]) <= int(second.rsplit("=", 1)[1])


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_a_socket_of_ours_nothing_is_sent(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)  # opening one would fail
    systemd.notify(systemd.READY, environ=environ)


def test_a_socket_that_is_gone_does_not_stop_the_work(tmp_path: Path) -> None:
    systemd.notify(systemd.READY, environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})
    systemd.notify(systemd.READY, environ={"NOTIFY_SOCKET": "/" + "x" * 200})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "42"}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "41"}, None),  # our parent's
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_interval_is_ours_only(environ: dict[str, str], seconds: float | None) -> None:
    assert systemd.watchdog_seconds(environ, pid=42) == seconds


def test_a_socket_nobody_reads_does_not_stop_the_work(
    notified: tuple[socket.socket, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "SEND_SECONDS", 0.01)
    server, environ = notified
    queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for _ in range(queue + 3):
        systemd.notify(systemd.ALIVE, environ=environ)
    assert server.recv(4096) == b"WATCHDOG=1"
