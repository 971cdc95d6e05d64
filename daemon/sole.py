"""A data folder → the one daemon that works on it, who that is, and what fails there."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config.errors import Busy
from config.reasons import show_text, show_time

LOCK_NAME = "daemon.lock"
MOST = 1000  # bytes of its text
LOCK_TRIES, LOCK_PAUSE = 5, 0.1  # `status` takes the lock for an instant to see whether somebody has it


@contextlib.contextmanager
def sole_daemon(data_dir: Path) -> Iterator[Callable[[str], None]]:
    """Hold `daemon.lock` in the data folder; its text is for people, the kernel's lock on it counts.

    What is given keeps a second line there, until it is told another one or none: what fails time and again, which the
    database may be the reason of and so cannot be asked about. Raises Busy, naming the other daemon. The file is never
    unlinked: two processes could lock two files of one name.
    """
    fd = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        if not _locked(fd):
            who = (_text(fd).splitlines() or ["another process"])[0]
            raise Busy(f"a daemon already works on {data_dir}: {who}; stop it first, or set GREENROOM_DATA_DIR")
        who = f"{socket.gethostname()} pid {os.getpid()}, since {show_time(dt.datetime.now(dt.UTC))}"

        def say(trouble: str) -> None:
            os.ftruncate(fd, os.pwrite(fd, f"{who}\n{show_text(trouble)}".encode()[:MOST], 0))

        say("")
        yield say
    finally:
        os.close(fd)


def running_daemon(data_dir: Path) -> str | None:
    """Return who runs the daemon of this data folder (host, pid, since when), or None. Writes nothing."""
    lines = _told(data_dir)
    return lines[0] if lines else None


def trouble_of_daemon(data_dir: Path) -> str | None:
    """Return what the daemon of this data folder fails at time and again; None for nothing, or no daemon."""
    lines = _told(data_dir)
    return f"the daemon tries again and again: {lines[1]}" if len(lines) > 1 else None


def _told(data_dir: Path) -> list[str]:
    try:
        fd = os.open(data_dir / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _text(fd).splitlines() or ["another process"]
    else:
        return []
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOCK_PAUSE)
    return False


def _text(fd: int) -> str:
    return os.pread(fd, MOST, 0).decode("utf-8", "replace").strip()
