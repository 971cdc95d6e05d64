"""A folder that may become a root → nothing, or why no album is safe on its file system, found by doing it there."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from config.errors import Misconfigured
from config.reasons import show_path

PROBE: Final = b".greenroom-probe-"
LONGEST: Final = 3600.0  # seconds that a probe may last, which is an instant where a disk answers


def refuse_unfit(root: bytes) -> None:
    """Try what every album relies on, in a folder of ours that is taken away again.

    Raises Misconfigured (`unfit_filesystem`). What cannot be tried (no rights, no room) others tell of.
    """
    place = os.path.join(root, PROBE + str(uuid.uuid4()).encode())
    file = os.path.join(place, b"full", b"file")
    why = None
    try:
        probes = [os.path.join(root, name) for name in os.listdir(root) if name.startswith(PROBE)]
    except OSError as error:
        probes, why = [], f"it cannot be listed ({error.strerror})"
    for left in probes:
        full = os.path.join(left, b"full")
        with suppress(OSError):
            is_old = os.lstat(left).st_mtime < time.time() - LONGEST  # of one that was killed
            if is_old and os.path.realpath(full) == full:  # and no link, which leads to what is not ours
                _clear(left)
    try:
        with suppress(OSError):
            _make(place, file)
            why = why or next((said for said in (trial(place, file) for trial in _TRIALS) if said), None)
    finally:
        _clear(place)
    if why:
        message = (
            f"{show_path(root)} can be no library: {why}; choose a folder on another disk, or mount it another way"
        )
        raise Misconfigured(message, code="unfit_filesystem", path=root)


def _make(place: bytes, file: bytes) -> None:
    for folder in (place, os.path.dirname(file), os.path.join(place, b"empty")):
        os.mkdir(folder, 0o700)
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, b"x")
    finally:
        os.close(fd)


def _replaces_folders(place: bytes, _file: bytes) -> str | None:
    """Rename a folder to the name of one that has a file in it, which rename(2) refuses (seen with davfs2)."""
    try:
        os.rename(os.path.join(place, b"empty"), os.path.join(place, b"full"))
    except OSError:
        return None
    return "a folder that gets the name of another one there replaces it, with all that is in it"


def _loses_its_files(_place: bytes, file: bytes) -> str | None:
    """Ask a file for its attributes, as every copy does, and open it after that (smbnetfs loses its connection)."""
    with suppress(OSError):
        os.listxattr(file)
    try:
        os.close(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return f"a file that was asked for its attributes there cannot be opened any more ({error.strerror})"
    return None


_TRIALS: Final[tuple[Callable[[bytes, bytes], str | None], ...]] = (_replaces_folders, _loses_its_files)


def _clear(place: bytes) -> None:
    """Take away what was made, as far as a file system goes along that was just found unfit."""
    with suppress(OSError):
        os.unlink(os.path.join(place, b"full", b"file"))
    for folder in (b"full", b"empty", b""):
        with suppress(OSError):
            os.rmdir(os.path.join(place, folder))
