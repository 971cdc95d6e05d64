"""An open file or folder → its owner and rights as wanted, where they are ours to set and the file system has any."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NOT_SET: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP})
"""What chown and chmod answer where somebody else owns it, or where there is nothing to set: exFAT, some shares."""


@contextmanager
def rights_spared() -> Iterator[None]:
    """Go on where owner or rights cannot be set."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_SET:
            raise


def set_mode(fd: int, mode: int) -> None:
    """Set the rights of what was just made, where that can be.

    The unit may not set the set-group-ID bit (RestrictSUIDSGID=), which a folder has from the one it was made in.
    """
    if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
        with rights_spared():
            os.fchmod(fd, mode)
