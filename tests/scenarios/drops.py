"""A dictionary of paths and what lies there → an inbound tree; the small language in which scenarios are written."""

from __future__ import annotations

import functools
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.music import write_track

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"cover" * 40 + bytes.fromhex("ffd9")
Thing = bytes | Callable[[str], object]
Drop = dict[str, Thing]
"""Path below the inbound root → its bytes, or what makes it. A name that is not UTF-8 is written with surrogates."""


@dataclass(frozen=True)
class Song:
    """One tagged audio file in the format its name asks for; `keep` is the share of its bytes that arrived."""

    tags: Mapping[str, Any] = field(default_factory=dict)
    keep: float = 1.0
    flavour: str | None = None

    def __call__(self, path: str) -> None:
        """Write it."""
        made = write_track(path, seconds=0.1, flavour=self.flavour, **self.tags)
        if self.keep < 1:
            os.truncate(made, int(made.stat().st_size * self.keep))


def song(track: int | None = None, title: str | None = None, *, keep: float = 1.0, **tags: Any) -> Song:
    """Describe one song by its tags; what is None is no tag."""
    numbered = {"track": None if track is None else str(track), "title": title or (f"Song {track}" if track else None)}
    return Song({name: value for name, value in {**numbered, **tags}.items() if value is not None}, keep)


def songs(folder: str, ext: str, tracks: range, **tags: Any) -> Drop:
    """Describe numbered songs of one folder: "03 - Song 3.flac"."""
    named = {"artist": "Ada", "album": "Low Tide", **tags}
    return {os.path.join(folder, f"{n:02} - Song {n}.{ext}"): song(n, **named) for n in tracks}


def untagged(folder: str, ext: str, *names: str) -> Drop:
    """Describe songs without any tag."""
    return {os.path.join(folder, f"{name}.{ext}"): Song() for name in names}


def link(target: str) -> Callable[[str], None]:
    """Describe a symbolic link."""
    return lambda path: os.symlink(target, path)


def sparse(size: int) -> Callable[[str], None]:
    """Describe a file whose room is promised but not filled."""

    def make(path: str) -> None:
        Path(path).touch()
        os.truncate(path, size)

    return make


def unix_socket(path: str) -> None:
    """Make a socket; its address is too long for the kernel, so it is made where we stand."""
    folder, name = os.path.split(path)
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.fchdir(before)
        os.close(before)


FIFO: Thing = os.mkfifo
FOLDER: Thing = os.mkdir


@functools.cache
def rights_bind() -> bool:
    """Tell whether a closed folder is closed to us; it is not to root, unless its capabilities were taken away."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0)
        return not os.access(folder, os.R_OK)


def lay_out(root: Path, drop: Mapping[str, Thing]) -> None:
    """Make the tree below `root`."""
    for relative, thing in drop.items():
        path = os.path.join(root, relative)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(thing, bytes):
            Path(path).write_bytes(thing)
        else:
            thing(path)
