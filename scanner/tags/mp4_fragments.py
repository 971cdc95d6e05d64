"""Any MP4 file → its first track of sound, its bytes, and the seconds of fragments.

Source: ISO 14496-12, 8.7.3, 8.8.3, 8.8.7, 8.8.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, unpack_from
from typing import NamedTuple

from scanner.tags.source import BLOCK, LONGEST, DoubtError, Source

_BOX = Struct(">I4s").unpack_from
_WORD = Struct(">I").unpack_from
_TWO = Struct(">II").unpack_from
_LONG = Struct(">Q").unpack_from
_DEFAULTS = Struct(">III").unpack_from  # track, description, duration
_PARTS = (b"mdia", b"hdlr"), (b"mdia", b"mdhd"), (b"mdia", b"minf", b"stbl", b"stsd")
_SIZES = (b"mdia", b"minf", b"stbl", b"stsz")
_TFHD_BEFORE = ((0x1, 8), (0x2, 4))  # what stands in front of the duration, by flag
_TFHD_DURATION = 0x8
_TRUN_BEFORE = ((0x1, 4), (0x4, 4))
_TRUN_OF_SAMPLE = ((0x100, 4), (0x200, 4), (0x400, 4), (0x800, 4))
_TRUN_DURATION = 0x100


class Box(NamedTuple):
    """Name and content of one box."""

    name: bytes
    start: int
    end: int


class Sound(NamedTuple):
    """A track of sound."""

    number: int
    unit: int  # ticks of a second
    description: Box
    sizes: Box | None


def seconds_of_fragments(source: Source) -> float | None:
    """Add up the durations of all samples; None if there are no fragments. Raises DoubtError at odd boxes."""
    sound, usual, total = first_sound(source), 0, 0
    if sound is None:
        return None
    for box in _boxes(source, 0, source.size):
        if box.name == b"moov":
            for defaults in _find(source, box, (b"mvex", b"trex")):
                of, _, duration = _DEFAULTS(source.bytes_at(defaults.start + 4, 12))
                usual = duration if of == sound.number else usual
        elif box.name == b"moof":
            for fragment in _find(source, box, (b"traf",)):
                total += _duration(source, fragment, sound.number, usual)
    return total / sound.unit if total and sound.unit else None


def bytes_of_sound(source: Source) -> int:
    """Add up the sizes of the samples of the first track of sound, 0 unknown. Raises DoubtError at odd boxes."""
    sound, total = first_sound(source), 0
    if sound is None or sound.sizes is None:
        return 0
    start, (of_all, count) = sound.sizes.start + 12, _TWO(source.bytes_at(sound.sizes.start + 4, 8))
    end = start if of_all else min(sound.sizes.end, start + 4 * count)  # PCM says 1 of all, however large they are
    for place in range(start, end - 3, BLOCK):
        count = min(BLOCK, end - place) // 4
        total += sum(unpack_from(f">{count}I", source.bytes_at(place, 4 * count)))
    return total


def first_sound(source: Source) -> Sound | None:
    """Return the first track of sound, if there is one. Raises DoubtError at odd boxes."""
    movies = (box for box in _boxes(source, 0, source.size) if box.name == b"moov")
    return next((sound for movie in movies for sound in _sounds(source, movie)), None)


def _sounds(source: Source, movie: Box) -> Iterator[Sound]:
    for track in _find(source, movie, (b"trak",)):
        number = next((_behind_times(source, header) for header in _find(source, track, (b"tkhd",))), 0)
        for handler, media, description in zip(*(_find(source, track, path) for path in _PARTS), strict=False):
            if source.bytes_at(handler.start + 8, 4) == b"soun":
                sizes = next(_find(source, track, _SIZES), None)
                yield Sound(number, _behind_times(source, media), description, sizes)


def _boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        size, name = _BOX(source.bytes_at(start, 8))
        head = 8
        if size == 1:
            (size,), head = _LONG(source.bytes_at(start + 8, 8)), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise DoubtError("a box that leaves its container")
        yield Box(name, start + head, start + size)
        start += size


def _find(source: Source, box: Box, path: tuple[bytes, ...]) -> Iterator[Box]:
    for inner in _boxes(source, box.start, box.end):
        if inner.name == path[0]:
            yield from _find(source, inner, path[1:]) if path[1:] else (inner,)


def _behind_times(source: Source, box: Box) -> int:
    """Return what stands behind the two times at the start of `tkhd`, the track's number, or `mdhd`, its unit."""
    long = source.bytes_at(box.start, 1) == b"\1"
    return int(_WORD(source.bytes_at(box.start + (20 if long else 12), 4))[0])


def _duration(source: Source, fragment: Box, number: int, usual: int) -> int:
    """Return the ticks of the samples of one fragment, each of which may have a duration of its own; 0 of others."""
    ticks = 0
    for box in _boxes(source, fragment.start, fragment.end):
        if box.name not in (b"tfhd", b"trun"):
            continue
        data = source.bytes_at(box.start, min(box.end - box.start, LONGEST))
        flags, count = _WORD(data)[0] & 0xFFFFFF, _WORD(data, 4)[0]  # in `tfhd` the track's number
        if box.name == b"tfhd":
            if count != number:
                return 0
            usual = _WORD(data, 8 + _length(flags, _TFHD_BEFORE))[0] if flags & _TFHD_DURATION else usual
        elif flags & _TRUN_DURATION:
            first, step = 8 + _length(flags, _TRUN_BEFORE), _length(flags, _TRUN_OF_SAMPLE)
            ticks += sum(_WORD(data, place)[0] for place in range(first, first + count * step, step))
        else:
            ticks += count * usual
    return ticks


def _length(flags: int, fields: tuple[tuple[int, int], ...]) -> int:
    return sum(length for flag, length in fields if flags & flag)
