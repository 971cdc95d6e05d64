"""An MP4 file → its facts from the boxes of `moov`. Source: ISO 14496-12 and -14, the iTunes `ilst` and ALAC cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from struct import Struct

from scanner.facts import Picture
from scanner.tags.fields import MP4, NAMED
from scanner.tags.mp4_sound import sample_entry
from scanner.tags.remembered import SHORT, remember
from scanner.tags.said import FIELDS, UNIQUE, UNWANTED, Row, Said, Stream, joined, row_of, say
from scanner.tags.source import DoubtError, Source

FRONT_COVER = 3
PNG = 14  # the type code of a `data` box; everything else in `covr` is taken for JPEG
_ITUNES = b"com.apple.iTunes"
_TEXT_LIMIT = 1 << 14  # bytes
_WANTED = {b"/trak/mdia/hdlr": 12, b"/trak/mdia/mdhd": 32, b"/trak/mdia/minf/stbl/stsd": _TEXT_LIMIT}  # and how much
_CONTAINERS = frozenset((b"moov", b"udta", b"trak", b"mdia", b"meta", b"ilst", b"stbl", b"minf"))
_OUT_OF_PLACE = _CONTAINERS - {b"moov"} | {b"moof", b"traf"}  # at the top
_REFUSED = frozenset((b"moof", b"traf", b"chpl"))  # inside
_NOTED = _CONTAINERS | _REFUSED | {path[-4:] for path in _WANTED}
_LARGE = 1  # a size with a meaning of its own: eight bytes of size follow
_IMPLICIT, _UTF8 = 0, 1  # types of data that are text

_BOX = Struct(">I4s").unpack_from
_LARGE_SIZE = Struct(">Q").unpack_from
_DATA = Struct(">I4sI").unpack_from
_TIMES = Struct(">II").unpack_from
_LONG_TIMES = Struct(">IQ").unpack_from
_PAIR = Struct(">HH").unpack_from
_TEXT_FIELDS = {name.encode("latin-1"): field for name, field in MP4.items()}
_FREE = b"----"
_UNIQUE = frozenset(FIELDS[field].place for field in UNIQUE)
_SAID: dict[bytes, list[Said]] = {}
_remembered = _SAID.get

Values = list[tuple[int, bytes]]  # type and content of the `data` boxes of a tag


class _Movie:
    """What `moov` said so far."""

    __slots__ = ("boxes", "pictures", "said")

    def __init__(self) -> None:
        self.boxes: dict[bytes, bytes] = {}  # path without `moov` → the first bytes of the first such box
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
            _note(source, position, size, path + b"/" + name, movie)
            window, base = source.window, source.base
        position += size


def _note(source: Source, position: int, size: int, path: bytes, movie: _Movie) -> None:
    """Keep a box that matters where it stands, or enter it."""
    name = path[-4:]
    if name in _REFUSED or (path in movie.boxes and name in _CONTAINERS):
        raise DoubtError("fragments, chapters, several tracks, or another container that is there twice")
    if path in _WANTED:
        movie.boxes.setdefault(path, source.bytes_at(position + 8, min(size - 8, _WANTED[path])))
    elif name in _CONTAINERS:
        movie.boxes[path] = b""
        if path == b"/udta/meta/ilst":
            movie.said = _tags(source, position + 8, position + size, movie.pictures)
        elif name != b"ilst":
            _walk(source, position + (12 if name == b"meta" else 8), position + size, path, movie)


def _stream(boxes: dict[bytes, bytes]) -> Stream:
    if boxes[b"/trak/mdia/hdlr"][8:] != b"soun":
        raise DoubtError("a track that is not sound")
    media = boxes[b"/trak/mdia/mdhd"]
    if media[0] == 0:
        unit, duration = _TIMES(media, 12)
    elif media[0] == 1:
        unit, duration = _LONG_TIMES(media, 20)
    else:
        raise DoubtError("a media header of an unknown version")
    description = boxes[b"/trak/mdia/minf/stbl/stsd"]
    if len(description) == _TEXT_LIMIT:
        raise DoubtError("a very long sample description")
    return sample_entry(description, float(duration) / unit)


def _tags(source: Source, position: int, end: int, pictures: list[Picture]) -> list[Said]:
    own: list[list[Said]] = []
    free: list[list[Said]] = []  # from free-form boxes; a box of its own wins
    while position < end:
        start = source.reach(position, 8)
        size, name = _BOX(source.window, start)
        if size < 8 or position + size > end or name in _CONTAINERS:
            raise DoubtError("an odd box among the tags")
        if name == b"covr":
            _add_covers(source, position + 8, position + size, pictures)
        elif name in _READ:
            if size > _TEXT_LIMIT:
                raise DoubtError("a very long text")
            box = source.bytes_at(position, size)
            (free if name == _FREE else own).append(_remembered(box) or _said_in(box))
        position += size
    return _joined(own, free)


def _joined(own: list[list[Said]], free: list[list[Said]]) -> list[Said]:
    said = [*chain.from_iterable(own)]
    if len({one[0] for one in said}) < len(said):
        raise DoubtError("a box that is there twice")
    return [*joined([*chain.from_iterable(free)]), *said]


def _said_in(box: bytes) -> list[Said]:
    """Return what one box of `ilst` says. Raises DoubtError, ValueError or struct.error."""
    name = box[4:8]
    if name == _FREE:
        said = _free_in(box)
    else:
        field = _TEXT_FIELDS.get(name)
        values = _values(box, 8)
        said = [] if not values else [_text(field, values)] if field else _FORMS[name](values)
    if len(box) <= SHORT and not (said and said[0][0] in _UNIQUE):
        remember(_SAID, box, said)
    return said


def _text(field: str, values: Values) -> Said:
    if any(kind not in (_IMPLICIT, _UTF8) for kind, _ in values):
        raise DoubtError("a text of an unknown type")
    return say(field, [value.decode() for _, value in values])


def _flag(values: Values) -> list[Said]:
    if any(len(value) != 1 for _, value in values):
        raise DoubtError("a flag of an odd size")
    return [say("compilation", ["1" if values[-1][1][0] else "0"])]


def _pair(field: str, values: Values) -> list[Said]:
    numbers, totals = zip(*[_PAIR(value, 2) for _, value in values], strict=True)
    return [
        say(field, [str(n) if n else "" for n in numbers]),
        say(field + "_total", [str(n) if n else "" for n in totals]),
    ]


def _genre(values: Values) -> list[Said]:
    """Resolve the numbers of ID3v1, counted from 1, as mutagen does, which holds the list of names."""
    from mutagen._constants import GENRES

    numbers = [int.from_bytes(value, "big") for _, value in values if len(value) == 2]
    if len(numbers) < len(values) or not all(0 < number <= len(GENRES) for number in numbers):
        raise DoubtError("a genre without a name")
    return [say("genre", [GENRES[number - 1] for number in numbers])]


def _free_in(box: bytes) -> list[Said]:
    mean_size, mean = _BOX(box, 8)
    name_size, name = _BOX(box, 8 + mean_size)
    if mean != b"mean" or name != b"name" or mean_size < 12 or name_size < 12:
        raise DoubtError("a free-form box without its names")
    values = _values(box, 8 + mean_size + name_size)
    field = NAMED.get(box[20 + mean_size : 8 + mean_size + name_size].decode("utf-8", "replace").upper())
    if field is None or box[20 : 8 + mean_size] != _ITUNES:
        return [UNWANTED]
    return [say(field, [value.decode("utf-8", "replace") for kind, value in values if kind in (_IMPLICIT, _UTF8)])]


def _values(data: bytes, position: int) -> Values:
    """Return type and content of the `data` boxes from `position` to the end."""
    values = []
    while position < len(data):
        size, name, kind = _DATA(data, position)
        if name != b"data" or size < 16 or position + size > len(data) or kind >> 24:
            raise DoubtError("an odd data box")
        values.append((kind, data[position + 16 : position + size]))
        position += size
    return values


def _add_covers(source: Source, position: int, end: int, pictures: list[Picture]) -> None:
    while position < end:
        size, name, kind = _DATA(source.bytes_at(position, 12))
        if name != b"data" or size < 16 or position + size > end:
            raise DoubtError("an odd cover")
        pictures.append(Picture(size - 16, FRONT_COVER, "image/png" if kind == PNG else "image/jpeg"))
        position += size


_FORMS: dict[bytes, Callable[[Values], list[Said]]] = {
    b"cpil": _flag,
    b"gnre": _genre,
    b"trkn": partial(_pair, "track"),
    b"disk": partial(_pair, "disc"),
}
_READ = frozenset((*_TEXT_FIELDS, *_FORMS, _FREE))
