"""A place for a while → a file or a folder that goes with us; what killed processes left there goes first."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_folder(within: Path, prefix: str) -> Iterator[Path]:
    """Yield an empty folder of ours alone. Raises OSError."""
    _sweep(within, prefix, "")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=within) as made, _held(made):
        yield Path(made)


@contextlib.contextmanager
def scratch_file(within: Path, prefix: str, suffix: str) -> Iterator[Path]:
    """Yield an empty file that nobody else may read; it goes unless it was given another name. Raises OSError."""
    _sweep(within, prefix, suffix)
    handle, made = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=within)
    os.close(handle)
    try:
        with _held(made):
            yield Path(made)
    finally:
        Path(made).unlink(missing_ok=True)


def _sweep(within: Path, prefix: str, suffix: str) -> None:
    """Remove what nobody holds. A disk that knows no locks keeps it."""
    for left in within.glob(f"{glob.escape(prefix)}????????{glob.escape(suffix)}"):
        with contextlib.suppress(OSError):
            fd = _opened(left)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(fd)


@contextlib.contextmanager
def _held(path: str) -> Iterator[None]:
    """Show others that somebody works here, where the disk knows locks; they end with the process."""
    fd = _opened(path)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _opened(path: str | Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
