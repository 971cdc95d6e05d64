"""A file with an APEv2 or APEv1 tag → its items, up to where they are in no order.

Old programs wrote them in the code page of their machine, of which mutagen makes an error of the whole file.
Source: wiki.hydrogenaud.io, "APEv2 specification".
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from scanner.tags.source import LONGEST, DoubtError, Source

TEXT, BINARY = 0, 1
_ENDS = Struct("<8sIIII8x")  # mark, version, bytes of the items and the footer, how many items, flags: of both ends
_ITEM = Struct("<II")  # bytes of the value, flags; then the key and a NUL
_FIRST = 1000  # version, whose items have no flags
_KEY = 255  # bytes
_MOST = 1000  # items, whatever the tag says of their number, which is often wrong
_V1, _LYRICS = 128, 15  # bytes of ID3v1, and of what ends a Lyrics3 tag


class Item(NamedTuple):
    """One item; of a very long value there is the beginning."""

    key: str
    kind: int  # TEXT, BINARY or 2, an address
    size: int  # bytes of the value
    value: bytes


def items(source: Source) -> Iterator[Item]:
    """Yield the items of the tag at the end of a file, or at its start. Nothing is raised."""
    try:
        place, end, version = _span(source)
        for _ in range(_MOST):
            if place + _ITEM.size >= end:
                return
            size, flags = _ITEM.unpack(source.bytes_at(place, _ITEM.size))
            place += _ITEM.size
            key, nul, _rest = source.bytes_at(place, min(_KEY + 1, end - place)).partition(b"\0")
            place += len(key) + 1
            if not nul or place + size > end:
                return
            kind = TEXT if version == _FIRST else flags >> 1 & 3
            yield Item(key.decode("ascii", "replace"), kind, size, source.bytes_at(place, min(size, LONGEST)))
            place += size
    except DoubtError:  # the end of the file
        return


def _span(source: Source) -> tuple[int, int, int]:
    """Return where the items begin and end, and the version of the tag. Raises DoubtError where there is none."""
    foot = _end(source) - _ENDS.size
    for at in (foot, 0):
        mark, version, size, _, _ = _ENDS.unpack(source.bytes_at(max(0, at), _ENDS.size))
        start = _ENDS.size if at == 0 else foot + _ENDS.size - size
        if mark == b"APETAGEX" and size >= _ENDS.size and start >= 0:
            return start, start + size - _ENDS.size, version
    raise DoubtError("no APE tag")


def _end(source: Source) -> int:
    """Return where ID3v1 and Lyrics3 begin behind the tag; the end of the file without them."""
    end = source.size
    if end > _V1 and source.bytes_at(end - _V1, 3) == b"TAG":
        end -= _V1
        tail = source.bytes_at(max(0, end - _LYRICS), min(_LYRICS, end))
        if tail.endswith(b"LYRICS200") and tail[:-9].isdigit():
            end -= int(tail[:-9]) + _LYRICS
    return end
