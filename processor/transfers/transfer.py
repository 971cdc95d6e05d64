"""One journalled move of one item, as data ↔ the JSON its files and paths have in the journal and in sidecars."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from config.reasons import show_path
from processor.filesystem.paths import within
from scanner.identity import Identity

State = Literal["planned", "materialised", "published", "done", "attention", "cancelled"]
Strategy = Literal["link", "clone", "copy"]
WEAKEST_FIRST: Final[tuple[Strategy, ...]] = ("copy", "clone", "link")


@dataclass(frozen=True, slots=True)
class TransferFile:
    """One file of a transfer. Paths are relative: `source` to the source root, `target` to the album's folder."""

    source: bytes
    target: bytes
    role: str
    identity: Identity
    digest: str | None = None  # "blake3:<hex>", known once the bytes were copied


class SourceFolder(NamedTuple):
    """A folder files are taken from, or one above it, as it was before anything was taken away."""

    path: bytes  # relative to the source root, which is b""
    mtime_ns: int
    mode: int  # the permission bits
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One journalled move of one item: everything recovery needs, without the scan it came from.

    An undo says all that the transfer it takes back says, and is read from right to left: `target` and its files go
    back to their `source`, and the item will say `before` again. Only each `identity` is that of the staged file.
    """

    id: str
    kind: str
    state: State
    src_root: bytes
    dst_root: bytes
    target: bytes
    files: tuple[TransferFile, ...]
    item: dict[str, Any]
    fence: int
    boot_id: str
    strategy: Strategy | None = None
    attempt: int = 0
    error: str | None = None
    run_id: str | None = None
    before: dict[str, Any] | None = None  # the item as it was, in the words of `item`
    undoes: str | None = None
    source_folders: tuple[SourceFolder, ...] = ()  # for its undo; of an undo those it has to leave like that

    @property
    def shown(self) -> str:
        """Where the album goes to, as people are told it: with the root."""
        return show_path(within(self.dst_root, self.target))


def roots_outside(moves: Iterable[Transfer], libraries: Iterable[bytes]) -> frozenset[bytes]:
    """Return the roots of moves that are, or are in, none of the libraries whose paths are given."""
    ours = tuple(library + b"/" for library in libraries)  # new tags come from a folder in staging
    roots = {root for move in moves for root in (move.src_root, move.dst_root)}
    return frozenset(root for root in roots if not (root + b"/").startswith(ours))


def file_to_json(file: TransferFile) -> dict[str, Any]:
    """Write one file down; the journal and the sidecar say it in the same words."""
    return {
        "source": path_to_json(file.source),
        "target": path_to_json(file.target),
        "role": file.role,
        "identity": list(file.identity),
        "digest": file.digest,
    }


def file_from_json(value: dict[str, Any]) -> TransferFile:
    """Read what `file_to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    source, target = path_from_json(value["source"]), path_from_json(value["target"])
    role, digest = value["role"], value["digest"]
    if not (isinstance(role, str) and isinstance(digest, str | None)):
        raise TypeError("the role of a file, or its digest, is no text")
    return TransferFile(source, target, role, Identity(*map(int, value["identity"])), digest)


def path_to_json(path: bytes) -> str | dict[str, str]:
    """Write a path as text where it is UTF-8, else as {"base64": …}, so that no name is lost."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(path).decode()}


def path_from_json(value: str | dict[str, str]) -> bytes:
    """Read what `path_to_json` wrote."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"], validate=True)
