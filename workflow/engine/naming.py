"""A data folder → a name for this worker that no living worker has, and that it gets again after a restart."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def worker_name(data_dir: Path) -> Iterator[str]:
    """Hold the first free name file of a data folder; give the name it carries.

    The kernel frees the lock when we die, however we die, so the next worker started here gets the name and with it
    the jobs we had. The name is drawn once for each file, so two hosts differ even if they are called the same.
    """
    folder = data_dir / "workers"
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    for number in itertools.count(1):
        fd = os.open(folder / f"name-{number}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            continue
        try:
            name = os.pread(fd, 100, 0).decode("ascii", "replace").strip()
            if not name or not name.isprintable():  # NULs are what a power cut may leave of it
                name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{name}\n".encode(), 0)
            yield name
        finally:
            os.close(fd)
        return
