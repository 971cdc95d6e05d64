"""An audio file → a digest of its sound alone, which no change of tags may change. Reads only."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final

from blake3 import blake3

Span = tuple[int, int]  # first byte, byte behind the last
_BLOCK: Final = 1 << 20
_CHUNK_HEAD: Final = 16  # bytes of a chunk that tell it from others
_TO_CHUNKS: Final = (b"trak", b"mdia", b"minf", b"stbl")
_WIDTHS: Final = {b"stco": 4, b"co64": 8}
_OGG_HEADERS: Final = {"vorbis": 3, "opus": 2}  # packets before the sound (Vorbis I 4.2, RFC 7845 section 3)


def essence(file: BinaryIO, container: str) -> str:
    """Return the digest. Raises LookupError for a container it is not known of, ValueError where none is found."""
    size = file.seek(0, 2)
    hasher, found = blake3(), 0
    try:
        for start, end in _SPANS[container](file, size):
            found += end - start
            file.seek(start)
            while (left := end - file.tell()) > 0 and (block := file.read(min(_BLOCK, left))):
                hasher.update(block)
    except (struct.error, IndexError) as error:
        raise ValueError(f"its sound is not where a {container} file has it") from error
    if not found:
        raise ValueError(f"no sound was found where a {container} file has it")
    return hasher.hexdigest()


def _at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)


def _id3_end(file: BinaryIO) -> int:
    """Return where what follows an ID3v2 tag begins (id3v2.4.0-structure section 3.1); 0 without one."""
    head = _at(file, 0, 10)
    if head[:3] != b"ID3":
        return 0
    size = (head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _tail_start(file: BinaryIO, size: int) -> int:
    """Return where ID3v1 and APEv2 tags at the end begin (wiki.hydrogenaud.io: APEv2 specification)."""
    end = size - 128 if size >= 128 and _at(file, size - 128, 3) == b"TAG" else size
    foot = _at(file, max(0, end - 32), 32)
    if foot[:8] != b"APETAGEX":
        return end
    length, _, flags = struct.unpack("<III", foot[12:24])
    return end - int(length) - (32 if flags & 1 << 31 else 0)


def _between_tags(file: BinaryIO, size: int) -> Iterator[Span]:
    yield _id3_end(file), _tail_start(file, size)


def _flac(file: BinaryIO, size: int) -> Iterator[Span]:
    at = _id3_end(file)
    if _at(file, at, 4) != b"fLaC":
        raise ValueError("it is no FLAC file")
    at, last = at + 4, False
    while not last:
        head = _at(file, at, 4)
        last = bool(head[0] & 0x80)
        at += 4 + int.from_bytes(head[1:4], "big")
    yield at, _tail_start(file, size)


def _mp4(file: BinaryIO, size: int) -> Iterator[Span]:
    """The media data, and what the tables of the tracks call the start of each chunk of it: it has to be found, too."""
    media, chunks = list[Span](), list[int]()
    for name, start, end in _boxes(file, 0, size):
        if name == b"mdat":
            media.append((start, end))
        elif name == b"moov":
            chunks += _chunks_in(file, start, end, _TO_CHUNKS)
    yield from media
    for place in chunks:
        for start, end in media:
            if start <= place < end:
                yield place, min(place + _CHUNK_HEAD, end)


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        length, name = struct.unpack(">I4s", _at(file, at, 8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", _at(file, at + 8, 8)), 16
        behind = at + length if length else end
        if behind <= at:
            raise ValueError("an atom of it has no size")
        yield name, at + head, min(behind, end)
        at = behind


def _chunks_in(file: BinaryIO, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[int]:
    """Yield where chunks begin (ISO 14496-12, 8.7.5)."""
    for name, inner, behind in _boxes(file, start, end):
        if path and name == path[0]:
            yield from _chunks_in(file, inner, behind, path[1:])
        elif not path and name in _WIDTHS:
            width = _WIDTHS[name]
            table = _at(file, inner + 8, max(0, behind - inner - 8))
            yield from (int.from_bytes(table[at : at + width], "big") for at in range(0, len(table), width))


def _ogg(container: str) -> Callable[[BinaryIO, int], Iterator[Span]]:
    """Sound begins on a page of its own, behind the header packets; page headers are numbered anew by tag writers."""

    def spans(file: BinaryIO, size: int) -> Iterator[Span]:
        at, packets = 0, 0
        while at < size:
            head = _at(file, at, 27)
            if head[:4] != b"OggS":
                raise ValueError("a page of it does not begin where the one before ends")
            lacing = _at(file, at + 27, head[26])
            start = at + 27 + head[26]
            at = start + sum(lacing)
            if packets >= _OGG_HEADERS[container]:
                yield start, min(at, size)
            packets += sum(length < 255 for length in lacing)

    return spans


def _chunks(wanted: bytes, order: str) -> Callable[[BinaryIO, int], Iterator[Span]]:
    def spans(file: BinaryIO, size: int) -> Iterator[Span]:
        at = 12
        while at + 8 <= size:
            name, length = struct.unpack(f"{order}4sI", _at(file, at, 8))
            if name == wanted:
                yield at + 8, min(at + 8 + length, size)
            at += 8 + length + length % 2

    return spans


def _dsf(file: BinaryIO, size: int) -> Iterator[Span]:
    """The header ends with the place of the metadata (DSF file format specification 1.01)."""
    (metadata,) = struct.unpack("<Q", _at(file, 20, 8))
    yield 28, min(metadata or size, size)


def _asf(file: BinaryIO, size: int) -> Iterator[Span]:
    at = 0
    while at + 24 <= size:
        guid, length = struct.unpack("<16sQ", _at(file, at, 24))
        if length < 24:
            raise ValueError("an object of it has no size")
        if guid == bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"):  # the data object
            yield at + 24, min(at + length, size)
        at += length


_SPANS: Final[Mapping[str, Callable[[BinaryIO, int], Iterator[Span]]]] = {
    "mp3": _between_tags,
    "flac": _flac,
    "mp4": _mp4,
    "vorbis": _ogg("vorbis"),
    "opus": _ogg("opus"),
    "ape": _between_tags,
    "wavpack": _between_tags,
    "musepack": _between_tags,
    "wav": _chunks(b"data", "<"),
    "aiff": _chunks(b"SSND", ">"),
    "dsf": _dsf,
    "asf": _asf,
}
