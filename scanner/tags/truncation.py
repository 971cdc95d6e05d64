"""A file that the header reader doubted → whether its own declared sizes say that its end is missing. Never a guess."""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError
from struct import unpack_from

from scanner.tags import flac
from scanner.tags.flac_end import end_of_samples, ends_whole, total_samples
from scanner.tags.mpeg import declared_end
from scanner.tags.ogg import LAST_PAGE_REACH
from scanner.tags.source import DoubtError, Source

_STREAMING = 0xFFFFFFFF  # the size of a WavPack file that was written to a pipe
_PIPED = range(0x7FFFF000, 0x80001000)  # and those of RIFF files: the largest of 31 bits and a little around it
_PACKETS_BEFORE = 8  # the table of seek points is told of, at most
_MOST_BLOCKS = 100_000  # that are walked before giving up
_ID3V1 = 128  # bytes at the end of a file


def is_truncated(source: Source, container: str | None) -> bool:
    """Whether a size written in the file reaches beyond its end; False when there is no such size."""
    judge = _JUDGES.get(container or "")
    if judge is None or not source.size:
        return False
    try:
        return judge(source)
    except DoubtError:  # a header is cut in two
        return True
    except (IndexError, StructError):  # it is not what it seems, which is no proof
        return False


def id3_end(source: Source) -> int:
    """Return where the ID3v2 tags at the start end, 0 when there are none."""
    end = 0
    while end + 10 <= source.size and (head := source.bytes_at(end, 10))[:3] == b"ID3":
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        end += 10 + size + (10 if head[5] & 0x10 else 0)
    return end


def _mp3(source: Source) -> bool:
    end = id3_end(source)
    return end > source.size or (end + 4 <= source.size and declared_end(source, end) > source.size)


def _flac(source: Source) -> bool:
    position = id3_end(source)
    if position + 4 > source.size:
        return position > 0
    if source.bytes_at(position, 4) != b"fLaC":
        return False
    position += 4
    info, table = bytes(34), b""
    last = False
    while not last:
        header = int.from_bytes(source.bytes_at(position, 4), "big")
        last, kind, length = bool(header >> 31), header >> 24 & 0x7F, header & 0xFFFFFF
        position += 4
        if position + length > source.size:
            return True
        if kind == flac.STREAMINFO:
            info = source.bytes_at(position, min(length, 34)).ljust(34, b"\0")
        elif kind == flac.SEEKTABLE:
            table = flac.seek_points(source, position, length)
        position += length
    return flac.audio_missing(info, table, source.size - position) or _frames_missing(source, info)


def _frames_missing(source: Source, info: bytes) -> bool:
    """Whether the last frame near the end is not that of the last sample; what other tags hide there is no proof."""
    total = total_samples(info)
    if not total or ends_whole(source, info):
        return False
    end = end_of_samples(source, info)
    return end is not None and end < total


def _mp4(source: Source) -> bool:
    names, position, end = set(), 0, source.size
    if end > _ID3V1 and source.bytes_at(end - _ID3V1, 3) == b"TAG":  # which programs put behind whatever they tag
        end -= _ID3V1
    while position + 8 <= end:
        size, name = unpack_from(">I4s", source.bytes_at(position, 8))
        names.add(name)
        if size == 1:
            (size,) = unpack_from(">Q", source.bytes_at(position + 8, 8))
        if size == 0:  # to the end of the file
            return False
        if size < 8:
            return False
        position += size
    return position > source.size or (b"mdat" in names and b"moov" not in names)


def _ogg(source: Source) -> bool:
    offset = max(0, source.size - LAST_PAGE_REACH)
    tail = source.bytes_at(offset, source.size - offset)
    found = tail.rfind(b"OggS")
    if found < 0:
        return False
    page = tail[found:]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return True
    return 27 + page[26] + sum(page[27 : 27 + page[26]]) > len(page)


def _riff(source: Source) -> bool:
    """A RIFF file knows its size, an RF64 file has it in its first chunk (EBU Tech 3306)."""
    (size,) = unpack_from("<I", source.bytes_at(4, 4))
    if size == _STREAMING:
        if source.bytes_at(12, 4) != b"ds64":
            return False
        (size,) = unpack_from("<Q", source.bytes_at(20, 8))
    return bool(size not in _PIPED and source.size < size + 8 - (size & 1))


def _form(source: Source) -> bool:
    (size,) = unpack_from(">I", source.bytes_at(4, 4))
    return bool(source.size < size + 8 - (size & 1))


def _frm8(source: Source) -> bool:
    return bool(source.size < unpack_from(">Q", source.bytes_at(4, 8))[0] + 12)


def _dsf(source: Source) -> bool:
    return bool(source.size < unpack_from("<Q", source.bytes_at(12, 8))[0])


def _asf(source: Source) -> bool:
    """The header object, then a data object that knows its size (0 while it is being written)."""
    (header,) = unpack_from("<Q", source.bytes_at(16, 8))
    if header + 24 > source.size:
        return True
    (data,) = unpack_from("<Q", source.bytes_at(header + 16, 8))
    return bool(header + data > source.size)


def _ape(source: Source) -> bool:
    """Monkey's Audio since 3.98 has a descriptor with the length of all parts in front of the tags."""
    position = id3_end(source)
    (version,) = unpack_from("<H", source.bytes_at(position + 4, 2))
    if version < 3980:
        return False
    descriptor, header, seek, wav, low, high, tail = unpack_from("<7I", source.bytes_at(position + 8, 28))
    return bool(source.size < position + descriptor + header + seek + wav + (high << 32 | low) + tail)


def _wavpack(source: Source) -> bool:
    """Blocks that do not reach the number of samples the first one promises, or the last of which is cut."""
    start = position = id3_end(source)
    reached, total = 0, _STREAMING
    for _ in range(_MOST_BLOCKS):
        if position + 32 > source.size or source.bytes_at(position, 4) != b"wvpk":
            break
        size, _, _, samples, index, count = unpack_from("<IHHIII", source.bytes_at(position + 4, 20))
        total = samples if position == start else total
        reached = max(reached, index + count)  # a last block of no samples may hold a checksum
        position += size + 8
        if position > source.size:
            return True
    return total != _STREAMING and reached < total


def _musepack(source: Source) -> bool:
    """From stream version 8 on packets follow one another, and one tells where the table of seek points is."""
    if source.head[:4] != b"MPCK":
        return False
    position = 4
    for _ in range(_PACKETS_BEFORE):
        name = source.bytes_at(position, 2)
        size, start = _varying(source, position + 2)
        if name == b"SO":
            return position + _varying(source, start)[0] >= source.size
        position += size
    return False


def _tta(source: Source) -> bool:
    """A table behind the header has the size of every frame, each of which is 256/245 of a second."""
    position = id3_end(source)
    rate, samples = unpack_from("<II", source.bytes_at(position + 10, 8))
    frames = -(-samples * 245 // (256 * rate)) if rate else 0
    end = position + 22 + 4 * frames + 4
    sizes = (source.bytes_at(position + 22 + 4 * number, 4) for number in range(min(frames, _MOST_BLOCKS)))
    return end + sum(int.from_bytes(size, "little") for size in sizes) > source.size


def _varying(source: Source, position: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    number = 0
    for place in range(position, position + 9):
        (byte,) = source.bytes_at(place, 1)
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, place + 1
    raise IndexError


_JUDGES: dict[str, Callable[[Source], bool]] = {
    "mp3": _mp3,
    "flac": _flac,
    "mp4": _mp4,
    "vorbis": _ogg,
    "opus": _ogg,
    "oggflac": _ogg,
    "speex": _ogg,
    "wav": _riff,
    "aiff": _form,
    "dsdiff": _frm8,
    "dsf": _dsf,
    "asf": _asf,
    "ape": _ape,
    "wavpack": _wavpack,
    "musepack": _musepack,
    "tta": _tta,
}
