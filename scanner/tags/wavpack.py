"""The first blocks of a WavPack file → its channels, and whether it is a hybrid. Source: WavPack 4 & 5 file format."""

from __future__ import annotations

from struct import Struct

from scanner.tags.source import DoubtError, Source

_BLOCK = Struct("<4sI16xI").unpack_from  # mark, size without these eight bytes, flags
_HEADER = 32
_MONO, _HYBRID, _FIRST, _LAST = 0x4, 0x8, 0x800, 0x1000
_MOST_CHANNELS = 256


def channels_and_hybrid(source: Source) -> tuple[int, bool]:
    """Count the channels of the blocks of one moment, each of one or two; a hybrid lacks what is in a file beside it.

    Raises DoubtError where the blocks are not what they should be.
    """
    position = channels = 0
    while channels < _MOST_CHANNELS:
        mark, size, flags = _BLOCK(source.bytes_at(position, _HEADER))
        if mark != b"wvpk" or bool(flags & _FIRST) != (position == 0):
            break
        channels += 1 if flags & _MONO else 2
        if flags & _LAST:
            return channels, bool(flags & _HYBRID)
        position += size + 8
    raise DoubtError("blocks of WavPack in no order")
