"""The chunks of a WAV file → its sound, and the tags of its INFO lists. Source: Microsoft RIFF MCI, EBU Tech 3306."""

from __future__ import annotations

from collections.abc import Iterator
from struct import error as StructError
from struct import unpack_from
from typing import NamedTuple

from scanner.tags.normalise import Tags
from scanner.tags.said import Stream
from scanner.tags.source import LONGEST, DoubtError, Source

LARGE = 0xFFFFFFFF  # a size that stands in `ds64`, or that nobody knew when it was written
_FIELDS = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"IPRT": "track",
    b"ITRK": "track",
    b"ICRD": "date",
    b"IGNR": "genre",
}
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# Format tags of mmreg.h.
_CODECS = {_PCM: "pcm", _FLOAT: "pcm", 2: "adpcm", 6: "alaw", 7: "mulaw", 0x11: "adpcm", 0x50: "mp2", 0x55: "mp3"}
_FORM, _FACT = 26, 4  # bytes of them that matter
_MOST_CHUNKS = 1000


class Chunk(NamedTuple):
    """One chunk: its name, and where its content is."""

    name: bytes
    start: int
    size: int  # as far as the file goes


def chunks(source: Source) -> Iterator[Chunk]:
    """Walk the chunks up to the first odd byte."""
    position, large = 12, 0
    try:
        for _ in range(_MOST_CHUNKS):
            name, size = unpack_from("<4sI", source.bytes_at(position, 8))
            position += 8
            if name == b"ds64":
                (large,) = unpack_from("<Q", source.bytes_at(position + 8, 8))
            elif name == b"data" and size == LARGE and large:
                size = large
            yield Chunk(name, position, min(size, source.size - position))
            position += size + (size & 1)
    except DoubtError:  # the end of the file
        pass


def read_wave(source: Source) -> tuple[Stream, Tags]:
    """Return the sound, as long as there are bytes of it, and what the INFO lists say. Raises ValueError without."""
    tags: Tags = {}
    form = fact = b""
    data = None
    for chunk in chunks(source):
        if chunk.name == b"LIST" and chunk.size <= LONGEST:
            _read_list(source.bytes_at(chunk.start, chunk.size), tags)
        elif chunk.name == b"fmt " and not form:
            form = source.bytes_at(chunk.start, min(chunk.size, _FORM))
        elif chunk.name == b"fact" and chunk.size >= _FACT:
            fact = source.bytes_at(chunk.start, _FACT)
        elif chunk.name == b"data" and data is None:
            data = chunk.size
    try:
        return _stream(form, fact, data or 0), tags
    except StructError as error:
        raise ValueError("a WAV file without a format") from error


def _stream(form: bytes, fact: bytes, size: int) -> Stream:
    """Of a compressed sound the samples are told, for the bytes of a second are often made up."""
    kind, channels, rate, byte_rate, _, bits = unpack_from("<HHIIHH", form)
    if kind == _EXTENSIBLE and len(form) == _FORM:
        (kind,) = unpack_from("<H", form, 24)
    codec = _CODECS.get(kind)
    seconds = size / byte_rate if byte_rate else 0.0
    if codec == "pcm":
        return codec, seconds, byte_rate * 8, rate, bits, channels
    samples = int.from_bytes(fact, "little")
    if samples not in (0, LARGE) and rate:
        seconds = samples / rate
    return codec, seconds, size * 8 / seconds if seconds else 0, rate, 0, channels


def _read_list(data: bytes, tags: Tags) -> None:
    place = 4
    while data.startswith(b"INFO") and place + 8 <= len(data):
        name, size = unpack_from("<4sI", data, place)
        if field := _FIELDS.get(name):
            text = data[place + 8 : place + 8 + size].partition(b"\0")[0]
            tags.setdefault(field, [_decode(text)])
        place += 8 + size + (size & 1)


def _decode(text: bytes) -> str:
    """The standard names no encoding; what is not UTF-8 is taken for Latin-1."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
