"""The daemon's state → datagrams on systemd's notification socket; without systemd nothing happens.

sd_notify(3): https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
sd_watchdog_enabled(3): https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from loguru import logger

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
SEND_SECONDS = 1.0  # how long a full socket is waited for


def notify(*assignments: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send assignments such as READY and status("…") in one datagram.

    A socket that does not answer, or that nobody reads, is logged and otherwise ignored: the work matters more.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # an abstract socket: unix(7)
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams:
            datagrams.settimeout(SEND_SECONDS)  # nobody reading must not stop the heartbeat
            datagrams.connect(address)
            datagrams.sendall("\n".join(assignments).encode())
    except OSError as error:
        logger.bind(error=str(error)).debug("systemd could not be notified")


def status(text: str) -> str:
    """Return the assignment of the line that `systemctl status` shows."""
    return "STATUS=" + " ".join(text.split())  # a newline would begin another assignment


def more_time(seconds: int) -> str:
    """Return the assignment that asks for at least so long from now until READY or the next such message."""
    return f"EXTEND_TIMEOUT_USEC={seconds * 1_000_000}"


def reloading() -> str:
    """Return the assignments that announce a reload; READY ends it. The time tells it from an older one."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def watchdog_seconds(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """Return how long systemd waits for a sign of life from this process, or None when it does not watch it."""
    microseconds, watched = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if watched is not None and watched != str(os.getpid() if pid is None else pid):
        return None  # inherited: it is our parent that is watched
    return int(microseconds) / 1e6
