"""An MP4 file → its facts from the boxes of `moov`. Source: ISO 14496-12 and -14."""

from __future__ import annotations

from struct import Struct

from scanner.facts import Picture
from scanner.tags.mp4_sound import sample_entry
from scanner.tags.mp4_tags import CONTAINERS, said_in
from scanner.tags.said import Row, Said, Stream, row_of
from scanner.tags.source import DoubtError, Source

_ENTRY_LIMIT = 1 << 14  # bytes of a sample description
_WANTED = {b"trak/mdia/hdlr": 12, b"trak/mdia/mdhd": 32, b"trak/mdia/minf/stbl/stsd": _ENTRY_LIMIT}  # and how much
_TAGS = b"udta/meta/ilst"
_OUT_OF_PLACE = CONTAINERS - {b"moov"} | {b"moof", b"traf"}  # at the top
_REFUSED = frozenset((b"moof", b"traf", b"chpl"))  # inside
_NOTED = CONTAINERS | _REFUSED | {path[-4:] for path in _WANTED}
_LARGE = 1  # a size with a meaning of its own: eight bytes of size follow

_BOX = Struct(">I4s").unpack_from
_LARGE_SIZE = Struct(">Q").unpack_from
_TIMES = Struct(">II").unpack_from
_LONG_TIMES = Struct(">IQ").unpack_from


class _Movie:
    """What `moov` said so far."""

    __slots__ = ("boxes", "pictures", "said")

    def __init__(self) -> None:
        self.boxes: dict[bytes, bytes] = {}  # path in `moov` → the first bytes of the first such box
        self.said: list[Said] | None = None
        self.pictures: list[Picture] = []


def read(source: Source) -> Row:
    """Walk all boxes by their lengths. Raises DoubtError when mutagen should decide."""
    movie: _Movie | None = None
    position = 0
    while position + 8 <= source.size:
        start = source.reach(position, 8)
        size, name = _BOX(source.window, start)
        if size == _LARGE:
            (size,) = _LARGE_SIZE(source.bytes_at(position + 8, 8))
            if name != b"mdat" or size < 16:
                raise DoubtError("a large box of an unusual kind")
        elif size < 8 or name in _OUT_OF_PLACE or (name == b"moov" and movie):
            raise DoubtError("an endless box, a fragment, or a container out of place")
        if name == b"moov":
            movie = _Movie()
            _walk(source, position + 8, position + size, b"", movie)
        position += size
        if position > source.size:
            raise DoubtError("a box beyond the end of the file")
    if movie is None or movie.said is None or position != source.size:
        raise DoubtError("no tags, or loose bytes at the end")
    return row_of(movie.said, _stream(movie.boxes), movie.pictures)


def _walk(source: Source, position: int, end: int, path: bytes, movie: _Movie) -> None:
    """Look at the boxes of one container; of most of them only the length matters."""
    window, base = source.window, source.base
    while position < end:
        start = position - base
        if start < 0 or start + 8 > len(window):
            start = source.reach(position, 8)
            window, base = source.window, source.base
        size, name = _BOX(window, start)
        if size < 8 or position + size > end:
            raise DoubtError("an odd box, or one that leaves its container")
        if name in _NOTED:
            here = path + name
            if here in _WANTED:
                movie.boxes.setdefault(here, source.bytes_at(position + 8, min(size - 8, _WANTED[here])))
            elif name in CONTAINERS:
                _enter(source, position, size, here, movie)
            elif name in _REFUSED:
                raise DoubtError("fragments or chapters")
            window, base = source.window, source.base
        position += size


def _enter(source: Source, position: int, size: int, path: bytes, movie: _Movie) -> None:
    """Look into a container that is there for the first time."""
    if path in movie.boxes:
        raise DoubtError("several tracks, or another container that is there twice")
    movie.boxes[path] = b""
    if path == _TAGS:
        movie.said = said_in(source, position + 8, position + size, movie.pictures)
    else:
        _walk(source, position + (12 if path[-4:] == b"meta" else 8), position + size, path + b"/", movie)


def _stream(boxes: dict[bytes, bytes]) -> Stream:
    if boxes[b"trak/mdia/hdlr"][8:] != b"soun":
        raise DoubtError("a track that is not sound")
    media = boxes[b"trak/mdia/mdhd"]
    if media[0] == 0:
        unit, duration = _TIMES(media, 12)
    elif media[0] == 1:
        unit, duration = _LONG_TIMES(media, 20)
    else:
        raise DoubtError("a media header of an unknown version")
    description = boxes[b"trak/mdia/minf/stbl/stsd"]
    if len(description) == _ENTRY_LIMIT:
        raise DoubtError("a very long sample description")
    return sample_entry(description, float(duration) / unit)
