"""A sound of which mutagen tells an estimate or a part → what all frames, pages, blocks or fragments of it say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from struct import error as StructError
from struct import unpack
from typing import Any

from scanner.tags import ogg
from scanner.tags.flac_end import end_of_samples
from scanner.tags.mp4_fragments import bytes_of_sound, first_sound, seconds_of_fragments
from scanner.tags.mp4_sound import sample_entry
from scanner.tags.mpeg import frame_at, stream_at
from scanner.tags.said import Stream
from scanner.tags.source import BLOCK, DoubtError, Source
from scanner.tags.truncation import id3_end

_LOST = 1 << 16  # bytes without a frame: the sound has ended
_LAYER = 3
_ADTS, _SAME_RATE = 7, 0x3C  # bytes of the head of a frame of bare AAC, and the bits of the rate in its third
_UNTOLD = 0  # mutagen's bitrate mode without a Xing or VBRI header


def walked(source: Source, container: str, info: Any, stream: Stream) -> Stream:
    """Return `stream`, which is what mutagen's `info` says, or a better one; it stays where the file is in no order."""
    found = None
    with suppress(DoubtError, StructError, LookupError, ArithmeticError):
        walk = _WALKS.get(container)
        found = walk(source, info) if walk else None
    with suppress(DoubtError, StructError, LookupError):
        if container == "mp4" and (sound := first_sound(source)):
            description = source.bytes_at(sound.description.start, sound.description.end - sound.description.start)
            stream = *stream[:3], *sample_entry(description, 0.0)[3:]
        elif container == "tta":
            channels, bits = unpack("<HH", source.bytes_at(id3_end(source) + 6, 4))
            stream = *stream[:-2], bits, channels
    if found is None:
        return stream
    seconds, size = found
    return stream[0], seconds, size * 8 / seconds if size else stream[2], *stream[3:]


Found = tuple[float, int] | None  # seconds, and the bytes of sound in them, 0 unknown


def _mp3(source: Source, info: Any) -> Found:
    """Add up all frames where no header tells of them and they are not of one bitrate; else leave out tags behind."""
    if info.layer != _LAYER or info.bitrate_mode != _UNTOLD:
        return None
    try:
        return stream_at(source, info.frame_offset)[1], 0
    except DoubtError:
        return _frames(source, info.frame_offset)


def _frames(source: Source, position: int) -> Found:
    first = frame_at(source.bytes_at(position, 4))
    rate = first and first[1]

    def length_at(position: int) -> int:
        frame = frame_at(source.bytes_at(position, 4)) if position + 4 <= source.size else None
        return frame[4] if frame and frame[1] == rate else 0

    seconds, size = 0.0, 0
    while rate and position + 4 <= source.size:
        frame = frame_at(source.bytes_at(position, 4))
        if frame is None or frame[1] != rate:
            position = _next_frame(source, position + 1, length_at)
            continue
        seconds += frame[3] / rate
        size += frame[4]
        position += frame[4]
    return (seconds, size) if size else None


def _next_frame(source: Source, position: int, length_at: Callable[[int], int]) -> int:
    """Return where the next two frames stand one behind the other; the end of the file if nowhere.

    `length_at` tells how long the frame at a place is, 0 where there is none.
    """
    for start in range(position, min(position + _LOST, source.size), BLOCK):
        data = source.bytes_at(start, min(BLOCK, source.size - start))
        place = data.find(b"\xff")
        while place >= 0:
            length = length_at(start + place)
            if length and length_at(start + place + length):
                return start + place
            place = data.find(b"\xff", place + 1)
    return source.size


def _flac(source: Source, info: Any) -> Found:
    """Ask the last frame, where the encoder wrote to a pipe and could not tell the samples at the start."""
    if info.total_samples or not info.sample_rate:
        return None
    blocks = info.min_blocksize.to_bytes(2, "big") + info.max_blocksize.to_bytes(2, "big")
    samples = end_of_samples(source, blocks)
    return (samples / info.sample_rate, source.size) if samples else None


def _ogg(source: Source, _: Any) -> Found:
    """Add up the streams of a chain; mutagen tells of one."""
    if ogg.page_at(source, 0).serial == ogg.last_page(source).serial:
        return None
    position, ends = 0, dict[int, int]()
    starts = dict[int, tuple[int, int]]()  # the samples that do not count, and those of a second
    while position < source.size:
        page = ogg.page_at(source, position)
        if told := ogg.identified(source, page):
            starts[page.serial] = told
        ends[page.serial] = max(page.position, ends.get(page.serial, 0))
        position = page.end
    seconds = sum(max(0, ends[serial] - skip) / rate for serial, (skip, rate) in starts.items())
    return (seconds, source.size if len(starts) > 1 else 0) if seconds else None


def _tta(source: Source, info: Any) -> Found:
    return (info.length, source.size - id3_end(source)) if info.length else None


def _mp4(source: Source, info: Any) -> Found:
    """Ask the fragments, where the head tells no length; and the data, where it tells no bitrate."""
    seconds = info.length or seconds_of_fragments(source)
    return (seconds, 0 if info.bitrate or not info.length else bytes_of_sound(source)) if seconds else None


def _adts(source: Source, info: Any) -> Found:
    """Add up the frames of 1024 samples, of which mutagen looks at a hundred."""
    position = id3_end(source)
    head = source.bytes_at(position, _ADTS)

    def length_at(position: int) -> int:
        data = source.bytes_at(position, _ADTS) if position + _ADTS <= source.size else bytes(_ADTS)
        alike = data[:2] == head[:2] and data[2] & _SAME_RATE == head[2] & _SAME_RATE
        length = int.from_bytes(data[3:6], "big") >> 5 & 0x1FFF
        return length if alike and length > _ADTS else 0

    samples, size = 0, 0
    while head[0] == 0xFF and position + _ADTS <= source.size:
        length = length_at(position)
        if not length:
            position = _next_frame(source, position + 1, length_at)
            continue
        samples += 1024 * ((source.bytes_at(position + 6, 1)[0] & 3) + 1)
        size += length
        position += length
    return (samples / info.sample_rate, size) if info.sample_rate and samples else None


_WALKS: dict[str, Callable[[Source, Any], Found]] = {
    "mp3": _mp3,
    "flac": _flac,
    "vorbis": _ogg,
    "opus": _ogg,
    "mp4": _mp4,
    "adts": _adts,
    "tta": _tta,
}
