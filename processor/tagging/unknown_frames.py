"""Frames of ID3v2.3 that mutagen would drop from ID3v2.4 → the same in there: those it does not know, or gives up."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any, BinaryIO, Final

from mutagen import MutagenError
from mutagen.id3 import ID3

_HEADER: Final = struct.Struct(">4sIH")
_BITS: Final = 7  # of a byte of a size, in ID3v2.4; see section 6.2 of its structure


def bring_back(tags: Any, file: BinaryIO) -> None:
    """Put into the tags what mutagen takes out of all it reads, for ID3v2.4 has nothing that says the same.

    The size of the sound, which it also takes out, is none any more.
    """
    file.seek(0)
    with suppress(MutagenError):  # there is none yet
        raw: Any = ID3
        read = raw(file, translate=False, load_v1=False)
        for frame in (*read.getall("RVAD"), *read.getall("TRDA")):
            tags.add(frame)


def keep(tags: Any) -> None:
    """Let mutagen write what it does not know of ID3v2.3 into ID3v2.4: names of four letters are there in both.

    One that is compressed or encrypted has more of a header, and other flags, in either: it is left out, as before.
    """
    if tags is None or tags._unknown_v2_version != 3:
        return
    headers = [(frame, *_HEADER.unpack_from(frame)) for frame in tags.unknown_frames]
    tags.unknown_frames = [
        _HEADER.pack(name, _spread(size), 0) + frame[_HEADER.size :]
        for frame, name, size, flags in headers
        if not flags
    ]
    tags._unknown_v2_version = 4


def _spread(size: int) -> int:
    return sum((size >> _BITS * place & 0x7F) << 8 * place for place in range(4))
