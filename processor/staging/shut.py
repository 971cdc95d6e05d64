"""Folders of inbound, and files in them → why this user could take nothing out, and what ends that."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable

from config import users
from config.reasons import Reason
from processor.transfers.materialise import is_protected

IMMUTABLE = "It is immutable or append-only, so nothing can be moved; `chattr -i -a` ends that."
STICKY = "Its sticky bit lets only their owners take files out, so nothing can be moved; `chmod -t` ends that."


def shut(root: bytes, sources: Iterable[bytes]) -> dict[bytes, Reason]:
    """Return which folders of files below a root keep them, and which files a folder keeps that gives others."""
    names = defaultdict[bytes, list[bytes]](list)
    for source in sources:
        folder, _, name = source.rpartition(b"/")
        names[folder].append(name)
    found: dict[bytes, Reason] = {}
    for folder, some in names.items():
        path = os.path.join(root, folder)
        if (why := why_shut(path, some)) is None:
            continue
        kept = [os.path.join(folder, name) for name in some if why_shut(path, (name,))] if why is STICKY else [folder]
        found |= dict.fromkeys(kept, Reason("permission_denied", why, folder))
    return found


def why_shut(folder: bytes, names: Iterable[bytes]) -> str | None:
    """Return why a file could not be taken out of a folder, and what ends that; None where all could.

    Ask before anything is moved: a copy could be made of such files, but its source would stay for ever.

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
    """Say why this user may not write into a folder, and what ends that."""
    if _is_protected(folder):
        return IMMUTABLE
    said = users.refusal(folder) or "Permission denied"
    return f"This user may not change the folder ({said}), so nothing can be moved; give it write permission."


def _is_protected(folder: bytes) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # it need not be listed to move what is known of it; who moves meets the rest, and says so
        return False
    try:
        return is_protected(descriptor)
    finally:
        os.close(descriptor)


def _is_of_others(path: bytes) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_uid != os.geteuid()
    except FileNotFoundError:  # it went meanwhile; those beside it still count
        return False
