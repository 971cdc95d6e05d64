"""A root folder ↔ the uuid in its sentinel file, which tells the mounted root from the empty folder below it."""

from __future__ import annotations

import errno
import os

from config import users
from config.errors import GreenroomError, Misconfigured, Retryable
from config.machine import sync_folder
from config.plain import opened
from config.reasons import show_path

SENTINEL = b".greenroom-root"
# What opening and reading answer where no file is, or something else stands: a folder, a link, a socket, a pipe.
_NONE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EAGAIN}
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}  # nothing is wrong with the disk


def read_sentinel(root: bytes) -> str | None:
    """Return what a root's sentinel file says; None when there is none, or nothing in it that could be one.

    Raises OSError when that cannot be seen: a file that cannot be opened is not a file that is not there.
    """
    try:
        with opened(os.path.join(root, SENTINEL)) as fd:
            text = os.read(fd, 100).decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    except OSError as error:
        if error.errno in _NONE:
            return None
        raise
    return text if text and text.isprintable() else None


def unseen(called: str, root: bytes, error: OSError) -> GreenroomError:
    """Return the typed error for a sentinel that could not be opened: our own want, or a disk in doubt."""
    what = f"the mark of the {called} {show_path(root)} cannot be opened ({error.strerror})"
    if error.errno in _OURS:
        advice = "lower the number of workers or raise LimitNOFILE"
        return Retryable(f"{what}: {advice}", code="too_many_files", path=root)
    if error.errno == errno.EACCES:
        return Misconfigured(f"{what}: let {users.me()} read and write there", code="root_not_mounted", path=root)
    return Misconfigured(f"{what}: is its disk mounted, and well?", code="root_not_mounted", path=root)


def mark_root(root: bytes) -> str:
    """Write a root's sentinel file durably, unless it has one; return its uuid. Raises OSError."""
    known = read_sentinel(root)
    if known is not None:
        sync_folder(root)  # whoever wrote it may have died before that
        return known
    import uuid  # a scan starts quicker without it

    root_uuid = str(uuid.uuid4())
    path = os.path.join(root, SENTINEL)
    temporary = path + b".new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, root_uuid.encode() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)
    sync_folder(root)
    return root_uuid
