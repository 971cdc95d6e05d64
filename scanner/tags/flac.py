"""A FLAC file → its facts from the metadata blocks alone. Source: RFC 9639 section 8."""

from __future__ import annotations

from struct import Struct

from scanner.facts import Picture
from scanner.tags.flac_end import ends_whole
from scanner.tags.said import Row, Said, Stream, row_of
from scanner.tags.source import BLOCK, DoubtError, Source
from scanner.tags.vorbis_comment import PICTURE_START, PICTURES, picture_of, read_comments

STREAMINFO, SEEKTABLE, VORBIS_COMMENT, CUESHEET, PICTURE = 0, 3, 4, 5, 6
_ONCE = 1 << STREAMINFO | 1 << SEEKTABLE | 1 << VORBIS_COMMENT | 1 << CUESHEET
_STREAMINFO_SIZE = 34
_COMMENT_LIMIT = 1 << 16  # bytes; longer ones hold pictures in base64
_PICTURE_HEAD = 512  # bytes that hold type, mime and description
_POINT = 18  # bytes of a seek point
_TABLE_TAIL = 200 * _POINT  # bytes; the last points are the ones that matter
_SAMPLES = (1 << 36) - 1
_HEADER = Struct(">I").unpack_from
_INFO = Struct(
    ">2xHI2xQ"
).unpack_from  # largest block; smallest frame in 24 bits; rate 20, channels 3, bits 5, samples 36
_UNUSED_POINT = b"\xff" * 8


def read(source: Source) -> Row:
    """Walk the blocks by their lengths. Raises DoubtError when mutagen should decide."""
    said: list[Said] = []
    pictures: list[Picture] = []
    info = table = b""
    position = 4
    seen = header = 0
    while not header >> 31:
        start = source.reach(position, 4)
        (header,) = _HEADER(source.window, start)
        kind, length = header >> 24 & 0x7F, header & 0xFFFFFF
        position += 4
        if position + length > source.size or kind > PICTURE or seen & _ONCE & 1 << kind:
            raise DoubtError("a block beyond the end, unknown, or twice")
        seen |= 1 << kind
        if kind == VORBIS_COMMENT:
            said = _comment(source, position, length, pictures)
        elif kind == PICTURE:
            pictures.append(_picture(source, position, length))
        elif kind == STREAMINFO:
            info = source.bytes_at(position, length) if length == _STREAMINFO_SIZE else b""
        elif kind == SEEKTABLE:
            table = seek_points(source, position, length)
        elif kind == CUESHEET:
            raise DoubtError("cue sheets have rules of their own")
        position += length
    if not info or audio_missing(info, table, source.size - position):
        raise DoubtError("no stream info, or frames missing")
    stream = _stream(info, source.size - position)
    if not ends_whole(source, info):
        raise DoubtError("the last frame is not at the end")
    return row_of(said, stream, pictures)


def onward(source: Source) -> list[int]:
    """Return where the first block header behind the first 4 KiB is, if any, and the end of the file."""
    position, header, room = 4, 0, len(source.head) - 4
    while not header >> 31 and position <= room:
        (header,) = _HEADER(source.head, position)
        position += 4 + (header & 0xFFFFFF)
    return [*([] if header >> 31 else [position]), max(0, source.size - BLOCK)]


def audio_missing(info: bytes, table: bytes, audio_size: int) -> bool:
    """Whether STREAMINFO or the last seek point promise more than `audio_size` bytes of frames."""
    largest_block, smallest_frame, packed = _INFO(info)  # samples, bytes (0 unknown)
    frames = -(-(packed & _SAMPLES) // largest_block) if largest_block else 0
    return audio_size < frames * (smallest_frame >> 8) or (table != b"" and audio_size <= _last_seek_offset(table))


def seek_points(source: Source, position: int, length: int) -> bytes:
    """Return the last points of the seek table at `position`, whole ones."""
    tail = min(length, _TABLE_TAIL)
    return source.bytes_at(position + length - tail, tail) if length % _POINT == 0 else b""


def _last_seek_offset(table: bytes) -> int:
    for place in range(len(table) - _POINT, -1, -_POINT):
        if table[place : place + 8] != _UNUSED_POINT:
            return int.from_bytes(table[place + 8 : place + 16], "big")
    return -1


def _stream(info: bytes, audio_size: int) -> Stream:
    packed = _INFO(info)[2]
    rate, samples = packed >> 44, packed & _SAMPLES
    if not rate or not samples:
        raise DoubtError("a rate or length of zero")
    seconds = samples / float(rate)
    bitrate = int(float(audio_size) * 8 / seconds)
    return "flac", seconds, bitrate, rate, (packed >> 36 & 31) + 1, (packed >> 41 & 7) + 1


def _comment(source: Source, position: int, length: int, pictures: list[Picture]) -> list[Said]:
    if length > _COMMENT_LIMIT:
        raise DoubtError("a very long comment")
    named: list[Picture] = []
    said, end = read_comments(source.bytes_at(position, length), 0, named)
    pictures[:0] = named  # before the blocks, as mutagen has them
    if end != length:
        raise DoubtError("a comment of another length than its block")
    return said


def _picture(source: Source, position: int, length: int) -> Picture:
    found = PICTURES[source.bytes_at(position, min(length, PICTURE_START))]
    if found is None:
        found = picture_of(source.bytes_at(position, min(length, _PICTURE_HEAD)))
    if found is None or found[1] != length:
        raise DoubtError("a picture whose lengths do not fit")
    return found[0]
