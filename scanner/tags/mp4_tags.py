"""The boxes of `ilst`, the tags of an MP4 file → what they say. Source: ISO 14496-12, the iTunes metadata format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import Struct

from scanner.facts import Picture
from scanner.tags.fields import MP4, NAMED
from scanner.tags.remembered import SHORT, Remembered, remember
from scanner.tags.said import FIELDS, UNIQUE, UNWANTED, Said, joined, say
from scanner.tags.source import DoubtError, Source

FRONT_COVER = 3
PNG = 14  # the type code of a `data` box; everything else in `covr` is taken for JPEG
CONTAINERS = frozenset((b"moov", b"udta", b"trak", b"mdia", b"meta", b"ilst", b"stbl", b"minf"))
_ITUNES = b"com.apple.iTunes"
_TEXT_LIMIT = 1 << 14  # bytes
_IMPLICIT, _UTF8 = 0, 1  # types of data that are text
_FREE_NAME = b"----"

_BOX = Struct(">I4s").unpack_from
_SIZE = Struct(">I").unpack_from
_DATA = Struct(">I4sI").unpack_from
_PAIR = Struct(">HH").unpack_from
_TEXT_FIELDS = {name.encode("latin-1"): field for name, field in MP4.items()}
_UNIQUE = frozenset(FIELDS[field].place for field in UNIQUE)
_SAID: dict[bytes, list[Said]] = {}
_remembered = _SAID.get

# Kinds of boxes among the tags: free-form; with a name of their own; and others.
_FREE, _OWN, _COVERS, _PASSED = range(4)

Values = list[tuple[int, bytes]]  # type and content of the `data` boxes of a tag


def said_in(source: Source, position: int, end: int, pictures: list[Picture]) -> list[Said]:
    """Return what the boxes of `ilst` say; of a field the last counts, which is a box of its own if there is one."""
    said: tuple[list[Said], list[Said]] = [], []
    window, base = source.window, source.base
    room = base + len(window)
    while position < end:
        if position + 8 > room:
            source.reach(position, 8)
            window, base = source.window, source.base
            room = base + len(window)
        start = position - base
        kind, size = _HEADS[window[start : start + 8]]
        following = position + size
        if following > end:
            raise DoubtError("a box that leaves the tags")
        if kind <= _OWN:
            box = window[start : start + size] if following <= room else source.bytes_at(position, size)
            said[kind].extend(_remembered(box) or _said_of(box))
        elif kind == _COVERS:
            _add_covers(source, position + 8, following, pictures)
        position = following
    free, own = said
    if len({one[0] for one in own}) < len(own):
        raise DoubtError("a box that is there twice")
    return [*joined(free), *own]


def _head(head: bytes) -> tuple[int, int]:
    """Return what is to be done with the box among the tags that begins with these eight bytes, and its size."""
    size, name = _BOX(head)
    if size < 8 or name in CONTAINERS:
        raise DoubtError("an odd box among the tags")
    if name not in _READ:
        return _COVERS if name == b"covr" else _PASSED, size
    if size > _TEXT_LIMIT:
        raise DoubtError("a very long text")
    return _FREE if name == _FREE_NAME else _OWN, size


def _said_of(box: bytes) -> list[Said]:
    """Return what one box of `ilst` says. Raises DoubtError, ValueError or struct.error."""
    name = box[4:8]
    if name == _FREE_NAME:
        said = _free_in(box)
    else:
        field = _TEXT_FIELDS.get(name)
        values = _values(box, 8)
        said = [] if not values else [_text(field, values)] if field else _FORMS[name](values)
    if len(box) <= SHORT and not (said and said[0][0] in _UNIQUE):
        remember(_SAID, box, said)
    return said


def _text(field: str, values: Values) -> Said:
    if any([kind not in (_IMPLICIT, _UTF8) for kind, _ in values]):
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
    (mean_size,) = _SIZE(box, 8)
    (name_size,) = _SIZE(box, 8 + mean_size)
    names_end = 8 + mean_size + name_size
    names = box[8:names_end]
    field = _FREE_NAMES[names] if len(names) <= SHORT else _field_of(names)
    values = _values(box, names_end)
    if field is None:
        return [UNWANTED]
    return [say(field, [value.decode("utf-8", "replace") for kind, value in values if kind in (_IMPLICIT, _UTF8)])]


def _field_of(names: bytes) -> str | None:
    """Return the field that a free-form box is for, by its boxes `mean` and `name`."""
    mean_size, mean = _BOX(names, 0)
    name_size, name = _BOX(names, mean_size)
    if mean != b"mean" or name != b"name" or mean_size < 12 or name_size < 12:
        raise DoubtError("a free-form box without its names")
    field = NAMED.get(names[12 + mean_size : mean_size + name_size].decode("latin-1").upper())
    return field if names[12:mean_size] == _ITUNES else None


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
_HEADS = Remembered(_head)
_FREE_NAMES = Remembered(_field_of)
_READ = frozenset((*_TEXT_FIELDS, *_FORMS, _FREE_NAME))
