"""A name and one that is free → renamed without replacing anything, also where no one system call promises that."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from processor.filesystem.files import Tree, is_file


def rename_folder(tree: Tree, old: bytes, new: bytes) -> None:
    """Rename a folder to a name that is free, or raise EEXIST, ENOTEMPTY or ENOTDIR, on every file system.

    Where no call refuses to replace, rename(2) still replaces nothing but an empty folder: one made in this instant.
    """
    if _renamed(tree, old, new):
        return
    if tree.stat(new) is not None:
        raise _taken(new)
    tree.rename(old, new)


def rename_file(tree: Tree, old: bytes, new: bytes) -> None:
    """Rename a file to a name that is free, or raise EEXIST, on every file system.

    Where only an empty file can take the name first, one that is there already counts as that of an interrupted try.
    """
    if _renamed(tree, old, new):
        return
    found = tree.stat(new)
    if found is None:
        with tree.created(new):
            pass
    elif not is_file(found) or found.st_size:
        raise _taken(new)
    try:
        tree.rename(old, new)
    except OSError:
        with suppress(OSError):
            tree.unlink(new)
        raise


def _renamed(tree: Tree, old: bytes, new: bytes) -> bool:
    """Rename in the one call that never replaces; False where there is none."""
    try:
        tree.rename_noreplace(old, new)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        return False
    return True


def _taken(path: bytes) -> OSError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
