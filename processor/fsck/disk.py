"""The staging tree → its album folders, what lies in each, and what is in none; one listing a folder. Reads only."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from config.errors import Rejected
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, within
from processor.items.standing import OURS
from processor.transfers import sidecar
from scanner.identity import storable_time
from scanner.ignore import JUNK, OWN, built_in


class OnDisk(NamedTuple):
    """A plain file, as stat sees it."""

    dev: int
    ino: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> OnDisk:
        """Return what a stat says of a file."""
        return cls(found.st_dev, found.st_ino, found.st_size, storable_time(found.st_mtime_ns))


class Listed(NamedTuple):
    """A file as a row or a sidecar has it."""

    path: bytes  # relative to the album's folder
    size: int
    mtime_ns: int
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a sidecar says, as far as comparing needs it."""

    transfer_id: str
    key: str
    target: bytes  # the folder it was written for
    files: tuple[Listed, ...]


@dataclass(slots=True)
class Folder:
    """One album's folder. Paths of files are relative to it."""

    files: dict[bytes, OnDisk] = field(default_factory=dict)
    odd: list[bytes] = field(default_factory=list)  # links, sockets and the like
    told: Told | None = None
    trouble: str | None = None  # why the sidecar that is there cannot be read


@dataclass(slots=True)
class Disk:
    """The staging tree. Paths are relative to its root."""

    albums: dict[bytes, Folder] = field(default_factory=dict)
    strays: dict[bytes, int] = field(default_factory=dict)  # folder outside of albums → how many files are in it
    closed: dict[bytes, str] = field(default_factory=dict)  # what could not be looked at, and why

    def is_closed(self, path: bytes) -> bool:
        """Tell whether we could not see if something is at a path."""
        return not self.closed.keys().isdisjoint((path, *ancestors(path), b""))


def look(root: bytes, known: Collection[bytes]) -> Disk:
    """Walk the staging tree; a folder with a sidecar is an album's, and so is one in `known`, which rows name.

    What cannot be looked at is reported in `closed` and takes nothing else along. Raises a GreenroomError only where
    the root itself cannot be opened.
    """
    disk = Disk()
    with Tree(root) as tree:
        left: list[_Place] = [_Place(b"", None, b"")]
        while left:
            left += _enter(tree, left.pop(), disk, known)
    return disk


class _Place(NamedTuple):
    """A folder yet to be looked into."""

    path: bytes
    album: Folder | None  # the album it is in, if any
    below: bytes  # its path within that album


def _enter(tree: Tree, place: _Place, disk: Disk, known: Collection[bytes]) -> Iterator[_Place]:
    """Take in one folder, and yield those in it."""
    path, album, below = place
    entries = [(name, entry) for name, entry in _listing(tree, path, disk) if not _is_junk(name, entry)]
    has_sidecar = any(name == sidecar.NAME for name, _ in entries)
    if path and (has_sidecar or path in known):
        album, below = disk.albums.setdefault(path, Folder()), b""
        if has_sidecar:
            _read_sidecar(tree, path, album, disk)
    for name, entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield _Place(within(path, name), album, within(below, name))
        elif album is None:
            disk.strays[path] = disk.strays.get(path, 0) + 1
        elif name not in OURS or below:
            _take(entry, within(path, name), within(below, name), album, disk)


def _listing(tree: Tree, path: bytes, disk: Disk) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
    try:
        with os.scandir(os.path.join(tree.root, path)) as entries:
            yield from sorted((entry.name, entry) for entry in entries)
    except OSError as error:
        disk.closed[path] = error.strerror or str(error)


def _is_junk(name: bytes, entry: os.DirEntry[bytes]) -> bool:
    return built_in(name, entry.is_dir(follow_symlinks=False)) in (JUNK, OWN)


def _take(entry: os.DirEntry[bytes], path: bytes, inner: bytes, album: Folder, disk: Disk) -> None:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # gone since it was listed
    except OSError as error:
        disk.closed[path] = error.strerror or str(error)
        return
    if entry.is_file(follow_symlinks=False):
        album.files[inner] = OnDisk.of(found)
    else:
        album.odd.append(inner)


def _read_sidecar(tree: Tree, path: bytes, album: Folder, disk: Disk) -> None:
    try:
        written = sidecar.read(tree, path)
    except Rejected as error:
        if error.reason_code == "sidecar_version":
            disk.closed[within(path, sidecar.NAME)] = error.message  # what another version wrote is not for us to mend
        album.trouble = error.message
    except OSError as error:
        disk.closed[within(path, sidecar.NAME)] = error.strerror or str(error)
    else:
        album.told = None if written is None else told(written)


def told(written: sidecar.Sidecar) -> Told:
    """Return what comparing needs of a sidecar; its item is left to whoever adopts it."""
    files = tuple(Listed(f.target, f.identity.size, f.identity.mtime_ns, f.digest) for f in written.files)
    return Told(written.transfer_id, str(written.item.get("key", "")), written.target, files)
