"""The INFO list of a WAV file → raw tags, where mutagen reads only ID3. Source: Microsoft RIFF MCI, section 2."""

from __future__ import annotations

from struct import unpack_from

from scanner.tags.normalise import Tags
from scanner.tags.source import LONGEST, DoubtError, Source

_FIELDS = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"IPRT": "track",
    b"ITRK": "track",
    b"ICRD": "date",
    b"IGNR": "genre",
}
_MOST_CHUNKS = 1000


def read_info(source: Source) -> Tags:
    """Return what the INFO lists say; nothing beyond the first odd byte."""
    tags: Tags = {}
    position = 12
    try:
        for _ in range(_MOST_CHUNKS):
            name, size = unpack_from("<4sI", source.bytes_at(position, 8))
            if name == b"LIST" and size <= LONGEST:
                _read_list(source.bytes_at(position + 8, size), tags)
            position += 8 + size + (size & 1)
    except DoubtError:  # the end of the file
        pass
    return tags


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
