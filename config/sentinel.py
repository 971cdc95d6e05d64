"""A root folder ↔ the uuid in its sentinel file, which tells the mounted root from the empty folder below it."""

from __future__ import annotations

import os

SENTINEL = b".greenroom-root"


def read_sentinel(root: bytes) -> str | None:
    """Return what a root's sentinel file says, or None when there is no readable one."""
    try:
        fd = os.open(os.path.join(root, SENTINEL), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        text = os.read(fd, 100).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(fd)
    return text if text and text.isprintable() else None


def mark_root(root: bytes) -> str:
    """Write a root's sentinel file durably, unless it has one; return its uuid."""
    known = read_sentinel(root)
    if known is not None:
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
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return root_uuid
