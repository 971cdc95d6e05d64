"""A root and a path below it → the folder there, opened one component at a time, never through a link."""

from __future__ import annotations

import os
from collections import OrderedDict
from itertools import chain
from types import TracebackType
from typing import Self

from config.errors import Rejected
from config.reasons import show_path
from processor.filesystem.paths import ancestors, within
from processor.filesystem.system_errors import explained

OPEN_FOLDERS = 16  # per root; bounds the descriptors, however many folders an album has
_NO_NAMES = frozenset((b"", b".", b".."))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _check_name(name: bytes, path: bytes) -> None:
    if name in _NO_NAMES or b"\0" in name:
        raise Rejected(f"{show_path(path)} is not a path below a root", code="unsafe_path", path=path)


class OpenFolders:
    """The folders below one root; the ones used last stay open. For one thread at a time."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        with explained("open the root", root):
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folders: OrderedDict[bytes, int] = OrderedDict()
        self._last = (b"", self._root)  # the folder that was asked for last; its files come one after another

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forget(b"")
        os.close(self._root)

    def explained(self, doing: str, path: bytes = b"") -> explained:
        """Turn an OSError of the block into the typed error that names a path below the root, and the root."""
        return explained(doing, path, self.root)

    def shown(self, path: bytes) -> str:
        """Return a path below the root as people are told it: with the root, for a machine has several disks."""
        return show_path(within(self.root, path))

    def folder(self, path: bytes) -> int:
        """Return a descriptor of a folder; it is closed here, at the latest after OPEN_FOLDERS others were opened.

        Raises OSError as the system does, and Rejected for a path that could leave the root.
        """
        if path == self._last[0]:
            return self._last[1]
        known = next((above for above in chain((path,), ancestors(path)) if above in self._folders), b"")
        fd = self._root
        if known:
            self._folders.move_to_end(known)
            fd = self._folders[known]
        if path != known:
            fd = self._descend(known, fd, path)
        self._last = (path, fd)
        return fd

    def _descend(self, known: bytes, fd: int, path: bytes) -> int:
        """Open a folder from one above it, name by name, in a loop: some trees are too deep for recursion."""
        for name in path[len(known) + 1 if known else 0 :].split(b"/"):
            _check_name(name, path)
            fd = os.open(name, _FOLDER, dir_fd=fd)
            known = within(known, name)
            self._folders[known] = fd
            if len(self._folders) > OPEN_FOLDERS:
                os.close(self._folders.popitem(last=False)[1])
        return fd

    def _at(self, path: bytes) -> tuple[int, bytes]:
        """Return the open folder a path is in, and the name it has there."""
        above, slash, name = path.rpartition(b"/")
        _check_name(name if above or not slash else b"", path)
        return self.folder(above), name

    def _forget(self, path: bytes) -> None:
        """Close the folders at and below a path; needed whenever its name may now mean another one."""
        self._last = (b"", self._root)
        for known in [known for known in self._folders if not path or known == path or known.startswith(path + b"/")]:
            os.close(self._folders.pop(known))
