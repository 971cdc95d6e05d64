"""The last bytes of a FLAC file → where its samples end. Source: RFC 9639 section 9.1, the header of a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct

from scanner.tags.source import BLOCK, LONGEST, Source

_BLOCKS = Struct(">HH").unpack_from  # samples of the smallest and the largest block
_TAILS = (BLOCK, 4 * BLOCK, LONGEST)  # bytes; the first mostly holds the last frame, which is short and often quiet
_FIXED = b"\xff\xf8"  # how a frame begins in a stream of blocks of one size
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_SIZES = (0, 192, *(576 << n for n in range(4)), 0, 0, *(256 << n for n in range(8)))  # samples, by their code
_POLYNOMIAL = 0x07
_SAMPLES = (1 << 36) - 1


def ends_whole(source: Source, info: bytes) -> bool:
    """Whether the frame with the last sample that STREAMINFO promises is at the end; False if that is not sure."""
    block, total = _fixed_block(info), total_samples(info)
    if not block or not total:
        return total > 0 and end_of_samples(source, info) == total
    frame, last = divmod(total - 1, block)
    number = _coded(frame)
    for reach in _TAILS:
        offset = max(0, source.size - reach)
        tail = source.bytes_at(offset, source.size - offset)
        place = tail.rfind(_FIXED)
        while place >= 0:
            if tail.startswith(number, place + 4) and _size(tail, place, number) == last + 1:
                return True
            place = tail.rfind(_FIXED, 0, place)
        if not offset:
            break
    return False


def end_of_samples(source: Source, info: bytes) -> int | None:
    """Return how many samples there are up to the end of the last frame that begins near the end; None if none does."""
    offset = max(0, source.size - LONGEST)
    tail = source.bytes_at(offset, source.size - offset)
    block = _fixed_block(info)
    ends = [end for found in _SYNC.finditer(tail) if (end := _frame_end(tail, found.start(), block))]
    return max(ends, default=None)


def _frame_end(data: bytes, place: int, block: int) -> int | None:
    """Return the number of the sample behind the frame whose header is at `place`; None if none is."""
    coded = data[place + 4 : place + 11]
    length = _code_length(coded)
    size = _size(data, place, coded[:length])
    more = {6: 1, 7: 2}.get(data[place + 2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(data[place + 2] & 15, 0) if size else 0
    end = place + 4 + length + more
    if not size or not length or end >= len(data) or data[place + 3] & 1 or _crc(data[place:end]) != data[end]:
        return None
    number = coded[0] & 0x7F >> length if length > 1 else coded[0]
    for byte in coded[1:length]:
        number = number << 6 | byte & 0x3F
    if data[place + 1] & 1:  # the number is that of the first sample
        return number + size
    return number * block + size if block else None


def _size(data: bytes, place: int, number: bytes) -> int:
    """Return the samples of the frame whose header is at `place`, which has this coded number; 0 if there is none."""
    if place + 4 + len(number) + 2 > len(data):
        return 0
    code, behind = data[place + 2] >> 4, place + 4 + len(number)
    if code == 6:
        return data[behind] + 1
    if code == 7:
        return (data[behind] << 8 | data[behind + 1]) + 1
    return _SIZES[code]


def _fixed_block(info: bytes) -> int:
    """Return the samples of every frame but the last; 0 where they differ."""
    smallest, largest = _BLOCKS(info)
    return int(largest) if smallest == largest else 0


def total_samples(info: bytes) -> int:
    """Return what STREAMINFO says; 0 is unknown."""
    return int.from_bytes(info[13:18], "big") & _SAMPLES


def _coded(number: int) -> bytes:
    """Return a number as UTF-8 codes characters, which goes up to 36 bits here."""
    if number < 0xD800:  # where characters end that Python codes
        return chr(number).encode()
    length = next(n for n in range(2, 8) if number < 1 << 5 * n + 1)
    rest = [0x80 | number >> 6 * n & 0x3F for n in range(length - 2, -1, -1)]
    return bytes((0xFF << 8 - length & 0xFF | number >> 6 * (length - 1), *rest))


def _code_length(coded: bytes) -> int:
    """Return of how many bytes a coded number is; 0 if it is none."""
    ones = 8 - (~coded[0] & 0xFF).bit_length() if coded else 1
    if ones == 0:
        return 1
    return ones if 2 <= ones <= 7 and len(coded) >= ones and all(b >> 6 == 2 for b in coded[1:ones]) else 0


def _table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ (_POLYNOMIAL if value & 0x80 else 0)) & 0xFF  # noqa: PLW2901 - shifted in place
        yield value


_CRC = tuple(_table())


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc
