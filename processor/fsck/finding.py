"""What a comparison found, each with a sentence for a person and, where it is provable, the repair as data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from config.reasons import show_path
from processor.fsck.disk import Listed
from processor.transfers.transfer import State, Transfer

NAMED: Final = 3  # paths of a message


class Adopt(NamedTuple):
    """Record the album of a folder as its sidecar tells it, once its bytes were checked."""

    folder: bytes


class Follow(NamedTuple):
    """Let an item's row say where its folder is now."""

    item_id: int
    folder: bytes


class MarkMissing(NamedTuple):
    """Say of an item that its folder, or files of it, are gone."""

    item_id: int


class MarkFound(NamedTuple):
    """Let an item that was missing wait for review again."""

    item_id: int


class Learn(NamedTuple):
    """Let an item's row, and its sidecar, say what its unchanged files look like: time and digest."""

    item_id: int
    files: tuple[Listed, ...]


class WriteSidecar(NamedTuple):
    """Write an item's sidecar anew from its row."""

    item_id: int


class Resume(NamedTuple):
    """Hand a transfer to recovery once more, as one of a state; without a row it gets one first."""

    transfer: Transfer
    state: State
    has_row: bool


Repair = Adopt | Follow | MarkMissing | MarkFound | Learn | WriteSidecar | Resume


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. Paths are relative to `root`: None is staging, nothing not known."""

    code: str
    message: str
    paths: tuple[bytes, ...] = ()
    item_id: int | None = None
    repair: Repair | None = None
    repaired: bool = False
    root: bytes | None = None


def some(paths: Collection[bytes]) -> str:
    """Name some paths for a person: the first few, and how many more there are."""
    named = ", ".join(show_path(path) for path in sorted(paths)[:NAMED])
    return named if len(paths) <= NAMED else f"{named} and {len(paths) - NAMED} more"
