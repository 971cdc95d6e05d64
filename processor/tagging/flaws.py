"""A file that tag writers would misread → what is wrong with it; or a last chunk with the padding it lacks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

_ORDERS: Final = {"wav": "<", "aiff": ">"}
_SOUND: Final = (b"data", b"SSND")
_CUT_ID3V1: Final = range(124, 128)  # bytes of what mutagen takes for an ID3v1 tag; a whole one has 128


class _Chunk(NamedTuple):
    name: bytes
    end: int  # the byte behind the last, without padding


def flaw(file: BinaryIO, container: str) -> str | None:
    """Return what is wrong with a file so that no tags can be written to it, if anything. Reads only."""
    size = file.seek(0, 2)
    if container == "mp3":
        is_cut = any(_at(file, max(0, size - length), 3) == b"TAG" for length in _CUT_ID3V1)
        return "the ID3v1 tag at its end is shorter than 128 bytes" if is_cut else None
    if container in _ORDERS:
        end = _end(file, container)
        if any(min(chunk.end, size) > end for chunk in _chunks(file, container, size) if chunk.name in _SOUND):
            return "the size in its header is too small: its sound goes on behind it"
    return None


def pad(file: BinaryIO, container: str) -> None:
    """Give a last chunk of odd length the byte behind it that the format wants; mutagen takes it for granted."""
    size = file.seek(0, 2)
    if container not in _ORDERS or _end(file, container) not in (size, size + 1):
        return
    *_, last = _chunks(file, container, size)
    if last.end == size and size % 2:
        file.seek(size)
        file.write(b"\0")
        file.seek(4)
        file.write(struct.pack(f"{_ORDERS[container]}I", size + 1 - 8))


def _end(file: BinaryIO, container: str) -> int:
    """Return where a file ends by the size in its header."""
    return 8 + int(struct.unpack(f"{_ORDERS[container]}I", _at(file, 4, 4))[0])


def _chunks(file: BinaryIO, container: str, size: int) -> Iterator[_Chunk]:
    at = 12
    while at + 8 <= size:
        name, length = struct.unpack(f"{_ORDERS[container]}4sI", _at(file, at, 8))
        yield _Chunk(name, at + 8 + length)
        at += 8 + length + length % 2


def _at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
