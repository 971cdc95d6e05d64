"""A place for a while → a file or a folder that goes with us; what killed processes left there goes first."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from config.plain import open_plain


@contextlib.contextmanager
def scratch_folder(within: Path, prefix: str) -> Iterator[Path]:
    """Yield an empty folder of ours alone. Raises OSError."""
    _sweep(within, prefix, "")
    with _held(lambda: tempfile.mkdtemp(prefix=prefix, dir=within)) as made:
        try:
            yield made
        finally:
            shutil.rmtree(made)


@contextlib.contextmanager
def scratch_file(within: Path, prefix: str, suffix: str) -> Iterator[Path]:
    """Yield an empty file that nobody else may read; it goes unless it was given another name. Raises OSError."""

    def make() -> str:
        handle, made = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=within)
        os.close(handle)
        return made

    _sweep(within, prefix, suffix)
    with _held(make) as made:
        try:
            yield made
        finally:
            made.unlink(missing_ok=True)


def _sweep(within: Path, prefix: str, suffix: str) -> None:
    """Remove what nobody holds. A disk that knows no locks keeps it."""
    for left in within.glob(f"{glob.escape(prefix)}????????{glob.escape(suffix)}"):
        with contextlib.suppress(OSError):
            fd = open_plain(left)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(fd)


@contextlib.contextmanager
def _held(make: Callable[[], str]) -> Iterator[Path]:
    """Yield what is made, and show others that somebody works there, where the disk knows locks; they end with us."""
    made = Path(make())
    with contextlib.ExitStack() as stack:
        while not _taken(made, stack):  # somebody began at the same time, and swept it away
            made = Path(make())
        yield made


def _taken(made: Path, stack: contextlib.ExitStack) -> bool:
    try:
        fd = open_plain(made)
    except FileNotFoundError:
        return False
    stack.callback(os.close, fd)
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX)  # who sweeps has it for a moment
    return made.exists()
