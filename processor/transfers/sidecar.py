"""A transfer ↔ album.greenroom.json in its folder: what came from where, readable without any database."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as _quoted
from typing import Any

from config.errors import Rejected
from processor.filesystem.files import Tree, write_whole
from processor.transfers.transfer import Transfer, TransferFile, file_from_json, path_from_json, path_to_json
from scanner.ignore import SIDECAR_NAME

NAME = SIDECAR_NAME
VERSION = 1
_one_line = json.JSONEncoder(check_circular=False, ensure_ascii=False, allow_nan=False, sort_keys=True).encode
MAX_BYTES = 64 * 1024 * 1024  # far above any album; a larger file is not ours


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the file says. `target` is the folder the album was made for, relative to its root."""

    transfer_id: str
    kind: str
    src_root: bytes
    target: bytes
    files: tuple[TransferFile, ...]
    item: dict[str, Any]


def of(transfer: Transfer) -> Sidecar:
    """Return what a transfer's sidecar says."""
    t = transfer
    return Sidecar(t.id, t.kind, t.src_root, t.target, t.files, t.item)


def encode(sidecar: Sidecar) -> bytes:
    """Write canonical JSON: sorted keys, UTF-8, a final newline; the same sidecar is always the same bytes.

    Raises Rejected (`bad_plan`) for a number JSON has no word for, such as NaN.
    """
    document = {
        "greenroom_sidecar": VERSION,
        "transfer": sidecar.transfer_id,
        "kind": sidecar.kind,
        "src_root": path_to_json(sidecar.src_root),
        "target": path_to_json(sidecar.target),
        "item": sidecar.item,
    }
    try:
        lines = {name: _pretty(value, 1) for name, value in document.items()}
        lines["files"] = _block("[", [file_line(file) for file in sidecar.files], "]", 1)
        text = _block("{", [f"{_one_line(name)}: {lines[name]}" for name in sorted(lines)], "}", 0) + "\n"
    except ValueError as error:
        raise Rejected(f"the album's data cannot be written as JSON: {error}", code="bad_plan") from error
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair becomes \udXXX, which is its JSON escape


def _pretty(value: Any, depth: int) -> str:
    """Write a line for each value and each file; what is deeper goes in one line, because there json is quick."""
    if value and isinstance(value, dict) and depth < 2:
        return _block(
            "{", [f"{_one_line(name)}: {_pretty(value[name], depth + 1)}" for name in sorted(value)], "}", depth
        )
    if value and isinstance(value, list):
        return _block("[", [_one_line(entry) for entry in value], "]", depth)
    return _one_line(value)


def _block(first: str, lines: list[str], last: str, depth: int) -> str:
    margin = "\n" + "  " * depth
    return f"{first}{margin}  {f',{margin}  '.join(lines)}{margin}{last}" if lines else first + last


def file_line(file: TransferFile) -> str:
    """Return the JSON of `file_to_json` in a third of the time: a sidecar is mostly files."""
    digest = "null" if file.digest is None else _quoted(file.digest)
    source, target = _path(file.source), _path(file.target)
    identity = ", ".join(map(str, file.identity))
    words = f'"role": {_quoted(file.role)}, "source": {source}, "target": {target}'
    return f'{{"digest": {digest}, "identity": [{identity}], {words}}}'


def _path(path: bytes) -> str:
    text = path_to_json(path)
    return _quoted(text) if isinstance(text, str) else _one_line(text)


def decode(data: bytes) -> Sidecar:
    """Read it back. Raises Rejected: `sidecar_version` for another version's, else `sidecar_unreadable`."""
    try:
        document = json.loads(data)
        if (version := document["greenroom_sidecar"]) != VERSION:
            message = f"this is not a sidecar this version can read: version {version!r} is not known"
            raise Rejected(message, code="sidecar_version")
        return Sidecar(
            transfer_id=str(document["transfer"]),
            kind=str(document["kind"]),
            src_root=path_from_json(document["src_root"]),
            target=path_from_json(document["target"]),
            files=tuple(file_from_json(file) for file in document["files"]),
            item=dict(document["item"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Rejected(f"this is not a sidecar Greenroom wrote: {error}", code="sidecar_unreadable") from error


def write(tree: Tree, folder: bytes, transfer: Transfer, *, over: bool = False) -> None:
    """Put a transfer's sidecar into a folder: whole or not at all; the caller syncs it and the folder. Raises OSError.

    `over`: it takes the place of one that tells where an album came from; see write_whole.
    """
    write_whole(tree, folder + b"/" + NAME, encode(of(transfer)), over=over)


def read(tree: Tree, folder: bytes) -> Sidecar | None:
    """Return the sidecar of a folder, None if there is none. Raises Rejected if it is not ours, and OSError.

    EAGAIN: it is empty, as none of ours ever is, where a program answers that may not show yet what it was sent.
    """
    path = folder + b"/" + NAME
    try:
        with tree.opened(path) as fd:
            if os.fstat(fd).st_size > MAX_BYTES:
                raise Rejected(f"{tree.shown(path)} is too large for a sidecar", code="sidecar_unreadable", path=path)
            with open(fd, "rb", closefd=False) as file:
                data = file.read()
    except FileNotFoundError:
        return None
    if not data and tree.is_made_up:
        raise OSError(errno.EAGAIN, "it is not shown yet", path)
    return decode(data)


def with_digests(transfer: Transfer, written: Sidecar | None) -> Transfer:
    """Add the digests that only the sidecar has: it is written before the row."""
    digests = {file.target: file.digest for file in written.files} if written else {}
    files = (replace(file, digest=file.digest or digests.get(file.target)) for file in transfer.files)
    return replace(transfer, files=tuple(files))


def is_of(tree: Tree, folder: bytes, transfer_id: str) -> bool:
    """Tell whether a folder is the one a transfer made. Raises OSError as the disk does."""
    try:
        found = read(tree, folder)
    except Rejected:
        return False
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):  # somebody's file or link, not a folder of ours
            return False
        raise
    return found is not None and found.transfer_id == transfer_id
