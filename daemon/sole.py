"""A data folder → the one daemon that works on it, and who that is."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from config.errors import Busy
from config.reasons import show_time

LOCK_NAME = "daemon.lock"
LOCK_TRIES, LOCK_PAUSE = 5, 0.1  # `status` takes the lock for an instant to see whether somebody has it


@contextlib.contextmanager
def sole_daemon(data_dir: Path) -> Iterator[None]:
    """Hold `daemon.lock` in the data folder; its text is for people, the kernel's lock on it counts.

    Raises Busy, naming the other daemon. The file is never unlinked: two processes could lock two files of one name.
    """
    fd = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        if not _locked(fd):
            who = _text(fd) or "another process"
            raise Busy(f"a daemon already works on {data_dir}: {who}; stop it first, or set GREENROOM_DATA_DIR")
        os.ftruncate(fd, 0)
        since = dt.datetime.now(dt.UTC)
        os.pwrite(fd, f"{socket.gethostname()} pid {os.getpid()}, since {show_time(since)}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def running_daemon(data_dir: Path) -> str | None:
    """Return who runs the daemon of this data folder (host, pid, since when), or None. Writes nothing."""
    try:
        fd = os.open(data_dir / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _text(fd) or "another process"
    else:
        return None
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
    return os.pread(fd, 500, 0).decode("utf-8", "replace").strip()
