"""Paths relative to a root → the folders above them, and paths put together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator


def parent(path: bytes) -> bytes:
    """Return the folder a relative path is in; b"" is the root."""
    return path.rpartition(b"/")[0]


def ancestors(path: bytes) -> Iterator[bytes]:
    """Yield every folder above a relative path, deepest first, without the root."""
    while path := parent(path):
        yield path


def way_to(path: bytes) -> list[bytes]:
    """Return every folder above a relative path, as they are made: the topmost first, without the root."""
    return [*ancestors(path)][::-1]


def relative(path: bytes, folder: bytes) -> bytes:
    """Return a path that is below a folder as it is called from there; b"" is the root."""
    return path[len(folder) + 1 :] if folder else path


def within(folder: bytes, path: bytes) -> bytes:
    """Join two relative paths; either may be b""."""
    return folder + b"/" + path if folder and path else folder or path


def stem_of(path: bytes) -> bytes:
    """Return a path without the extension of its file."""
    return os.path.splitext(path)[0]


def extension(path: bytes) -> str:
    """Return what a file's name ends in, in lower case and without its dot."""
    return os.path.splitext(path)[1][1:].decode("ascii", "replace").lower()


def folders(paths: Iterable[bytes]) -> list[bytes]:
    """Return every folder the relative paths are in or below, deepest first, then b"" for the root of them all."""
    found: set[bytes] = set()
    for folder in {parent(path) for path in paths}:  # the files of an album are many, their folders few
        found.update((folder, *ancestors(folder)))
    found.discard(b"")
    return [*sorted(found, key=lambda folder: (-folder.count(b"/"), folder)), b""]
