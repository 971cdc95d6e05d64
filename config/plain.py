"""A path → what stands there, opened: never through a link, and waiting for nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PLAIN: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO would wait for whoever writes to it


def open_plain(path: bytes | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """Return a descriptor of what a path names, be it a file or a folder. Raises OSError."""
    return os.open(path, flags | _PLAIN)


@contextmanager
def opened(path: bytes) -> Iterator[int]:
    """Yield the same, and close it at the end."""
    descriptor = open_plain(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
