"""Music that a scan does not find any more → what was there, so that somebody can tell who took it."""

from __future__ import annotations

from typing import NamedTuple


class Gone(NamedTuple):
    """One music file that went away."""

    folder: bytes
    content: tuple[int, int, int]  # inode, size and time of change in ns


class Vanished(NamedTuple):
    """Music that went away, by path, and when the last scan began that saw all of it, ISO 8601, if one did."""

    files: dict[bytes, Gone]
    since: str | None
