"""A folder of inbound → why this user could take no file out of it, and what ends that; None where it could."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from config import users
from processor.transfers.materialise import is_protected

IMMUTABLE = "It is immutable or append-only, so nothing can be moved; `chattr -i -a` ends that."
STICKY = "Its sticky bit lets only their owners take files out, so nothing can be moved; `chmod -t` ends that."


def why_shut(folder: bytes, names: Iterable[bytes]) -> str | None:
    """Ask before anything is moved: a copy could be made of such files, but its source would stay for ever.

    `names` are files in it, looked at only where its sticky bit counts. None, too, for what cannot be looked at.
    """
    try:
        found = os.stat(folder)
        if not stat.S_ISDIR(found.st_mode):
            return None
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            return not_to_be_changed(folder)
        if _is_protected(folder):
            return IMMUTABLE
        if found.st_mode & stat.S_ISVTX and found.st_uid != os.geteuid() and not users.acts_for_owners():
            return STICKY if any(_is_of_others(os.path.join(folder, name)) for name in names) else None
    except OSError:  # it is gone, or cannot be reached: who moves meets that, and says so
        return None
    return None


def not_to_be_changed(folder: bytes) -> str:
    """Say why this user may not write into a folder."""
    said = users.refusal(folder) or "Permission denied"
    return f"This user may not change the folder ({said}), so nothing can be moved; give it write permission."


def _is_protected(folder: bytes) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # it need not be listed to move what is known of it
        return False
    try:
        return is_protected(descriptor)
    finally:
        os.close(descriptor)


def _is_of_others(path: bytes) -> bool:
    return os.stat(path, follow_symlinks=False).st_uid != os.geteuid()
