"""An MP4 file → its facts from the boxes of `moov`. Source: ISO 14496-12 and -14, the iTunes `ilst` and ALAC cookie."""

from __future__ import annotations

from struct import Struct

from scanner.facts import Facts, Picture
from scanner.tags.fields import MP4, NAMED
from scanner.tags.normalise import Stream, Tags, facts_of
from scanner.tags.source import DoubtError, Source

FRONT_COVER = 3
PNG = 14  # the type code of a `data` box; everything else in `covr` is taken for JPEG
_ITUNES = b"com.apple.iTunes"
_TEXT_LIMIT = 1 << 14  # bytes
_CONTAINERS = frozenset((b"moov", b"udta", b"trak", b"mdia", b"meta", b"ilst", b"stbl", b"minf"))
_OUT_OF_PLACE = _CONTAINERS - {b"moov"} | {b"moof", b"traf"}  # at the top
_REFUSED = frozenset((b"moof", b"traf", b"chpl"))  # inside
_LARGE = 1  # a size with a meaning of its own: eight bytes of size follow
_IMPLICIT, _UTF8 = 0, 1  # types of data that are text

_BOX = Struct(">I4s").unpack_from
_LARGE_SIZE = Struct(">Q").unpack_from
_DATA = Struct(">I4sI").unpack_from
_PAIR = Struct(">HH").unpack_from
_TEXT_FIELDS = {name.encode("latin-1"): field for name, field in MP4.items()}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_LC, _SBR = 2, 5  # audio object types
_SYNC_EXTENSION = 0x2B7

Boxes = dict[bytes, tuple[int, int]]  # path without `moov` → offset and length of the content


def read(source: Source) -> Facts:
    """Walk all boxes by their lengths. Raises DoubtError when mutagen should decide."""
    boxes: Boxes = {}
    position = 0
    while position + 8 <= source.size:
        start = source.reach(position, 8)
        size, name = _BOX(source.window, start)
        if size == _LARGE:
            (size,) = _LARGE_SIZE(source.bytes_at(position + 8, 8))
            if name != b"mdat" or size < 16:
                raise DoubtError("a large box of an unusual kind")
        elif size < 8 or name in _OUT_OF_PLACE or (name == b"moov" and boxes):
            raise DoubtError("an endless box, a fragment, or a container out of place")
        if name == b"moov":
            _walk(source, position + 8, position + size, b"", boxes)
        position += size
        if position > source.size:
            raise DoubtError("a box beyond the end of the file")
    if b"/udta/meta/ilst" not in boxes or position != source.size:
        raise DoubtError("no tags, or loose bytes at the end")
    tags, pictures = _tags(source, boxes[b"/udta/meta/ilst"])
    return facts_of(tags, _stream(source, boxes), pictures)


def _walk(source: Source, position: int, end: int, path: bytes, boxes: Boxes) -> None:
    """Note where the boxes below one container are; the children of `ilst` are read later."""
    while position < end:
        start = position - source.base
        if not 0 <= start <= len(source.window) - 8:
            start = source.reach(position, 8)
        size, name = _BOX(source.window, start)
        below = path + b"/" + name
        if size < 8 or position + size > end or (below in boxes and name in _CONTAINERS) or name in _REFUSED:
            raise DoubtError("an odd box, one that leaves its container, several tracks, or chapters")
        if below not in boxes:
            boxes[below] = (position + 8, size - 8)
        if name in _CONTAINERS and name != b"ilst":
            _walk(source, position + (12 if name == b"meta" else 8), position + size, below, boxes)
        position += size


def _stream(source: Source, boxes: Boxes) -> Stream:
    if source.bytes_at(boxes[b"/trak/mdia/hdlr"][0] + 8, 4) != b"soun":
        raise DoubtError("a track that is not sound")
    offset, length = boxes[b"/trak/mdia/mdhd"]
    media = source.bytes_at(offset, min(length, 32))
    if media[0] == 0:
        unit, duration = int.from_bytes(media[12:16], "big"), int.from_bytes(media[16:20], "big")
    elif media[0] == 1:
        unit, duration = int.from_bytes(media[20:24], "big"), int.from_bytes(media[24:32], "big")
    else:
        raise DoubtError("a media header of an unknown version")
    offset, length = boxes[b"/trak/mdia/minf/stbl/stsd"]
    if length > _TEXT_LIMIT:
        raise DoubtError("a very long sample description")
    return _sample_entry(source.bytes_at(offset, length), float(duration) / unit)


def _sample_entry(description: bytes, seconds: float) -> Stream:
    """Read the first entry of `stsd`: behind version and count stands the entry, and in it the box of the codec."""
    size, codec = _BOX(description, 8)
    inner_size, inner = _BOX(description, 44)
    if description[0] or size + 8 > len(description) or inner_size + 36 > size or description[4:8] == b"\0\0\0\0":
        raise DoubtError("a sample entry of an odd size")
    channels = int.from_bytes(description[32:34], "big")
    rate = int.from_bytes(description[40:42], "big")
    config = description[56 : 44 + inner_size]  # behind the box header, version and flags
    if description[52]:
        raise DoubtError("a codec box of an unknown version")
    if codec == inner == b"alac":
        if config[4]:
            raise DoubtError("an ALAC cookie of an unknown version")
        bitrate, rate = int.from_bytes(config[16:20], "big"), int.from_bytes(config[20:24], "big")
        return Stream("alac", seconds, bitrate, rate, config[5], config[9])
    if codec == b"mp4a" and inner == b"esds":
        bitrate, rate, channels = _elementary_stream(config, rate, channels)
        return Stream("aac", seconds, bitrate, rate, 0, channels)
    raise DoubtError("a codec of another kind")


def _elementary_stream(config: bytes, rate: int, channels: int) -> tuple[int, int, int]:
    """Return bitrate, sample rate and channels of an ES descriptor (ISO 14496-1 section 7.2.6) that holds AAC-LC."""
    place, _ = _descriptor(config, 0, 3)
    if config[place + 2] & 0xE0:
        raise DoubtError("a stream that depends on another")
    place, length = _descriptor(config, place + 3, 4)
    if config[place] != 0x40 or config[place + 1] >> 2 != 5 or length <= 13:
        raise DoubtError("not MPEG-4 audio")
    bitrate = int.from_bytes(config[place + 9 : place + 13], "big")
    place, length = _descriptor(config, place + 13, 5)
    specific = config[place : place + length]
    if not 2 <= length <= 8 or len(specific) != length:
        raise DoubtError("a decoder configuration of an odd size")
    return bitrate, *_audio_config(int.from_bytes(specific, "big") << 64 - 8 * length, length, rate, channels)


def _descriptor(config: bytes, place: int, tag: int) -> tuple[int, int]:
    """Return start and length of the content of the descriptor at `place`."""
    if config[place] != tag:
        raise DoubtError("another descriptor than expected")
    length = 0
    for here in range(place + 1, place + 5):
        length = length << 7 | config[here] & 0x7F
        if config[here] < 0x80:
            return here + 1, length
    raise DoubtError("a length without an end")


def _audio_config(bits: int, length: int, rate: int, channels: int) -> tuple[int, int]:
    """Return sample rate and channels of an AudioSpecificConfig (ISO 14496-3 section 1.6.2.1) in the top of 64 bits."""
    kind, rate_index, layout, flags = bits >> 59, bits >> 55 & 15, bits >> 51 & 15, bits >> 48 & 7
    if kind != _AAC_LC or rate_index >= len(_AAC_RATES) or not 1 <= layout <= 7 or flags & 3:
        raise DoubtError("not plain AAC-LC")
    told = False  # whether the config says that there is no spectral band replication
    if length >= 4 and bits >> 37 & 0x7FF == _SYNC_EXTENSION:
        if bits >> 31 & 0x3F != _SBR << 1:
            raise DoubtError("spectral band replication")
        told = True
    if told or _AAC_RATES[rate_index] > 24000:
        rate = _AAC_RATES[rate_index]
    if layout > 1:  # one channel may become two
        channels = 8 if layout == 7 else layout
    return rate, channels


def _tags(source: Source, ilst: tuple[int, int]) -> tuple[Tags, list[Picture]]:
    tags: Tags = {}
    named: Tags = {}  # from free-form boxes; a box of its own wins
    pictures: list[Picture] = []
    position, end = ilst[0], ilst[0] + ilst[1]
    while position < end:
        start = position - source.base
        if not 0 <= start <= len(source.window) - 8:
            start = source.reach(position, 8)
        size, name = _BOX(source.window, start)
        if size < 8 or position + size > end or name in _CONTAINERS:
            raise DoubtError("an odd box among the tags")
        if name == b"covr":
            _add_covers(source, position + 8, position + size, pictures)
        elif name in _READ:
            if size > _TEXT_LIMIT:
                raise DoubtError("a very long text")
            _add(name, source.bytes_at(position + 8, size - 8), tags, named)
        elif name == b"gnre":
            raise DoubtError("a genre by number")
        position += size
    return {**named, **tags}, pictures


def _add(name: bytes, data: bytes, tags: Tags, named: Tags) -> None:
    if name == b"----":
        _add_named(data, named)
        return
    for kind, value in _values(data, 0):
        if name in _TEXT_FIELDS:
            if kind not in (_IMPLICIT, _UTF8):
                raise DoubtError("a text of an unknown type")
            tags.setdefault(_TEXT_FIELDS[name], []).append(value.decode())
        elif name == b"cpil":
            if len(value) != 1:
                raise DoubtError("a flag of an odd size")
            tags["compilation"] = ["1" if value[0] else "0"]
        else:
            number, total = _PAIR(value, 2)
            field = "track" if name == b"trkn" else "disc"
            tags.setdefault(field, []).append(str(number) if number else "")
            tags.setdefault(field + "_total", []).append(str(total) if total else "")


def _add_named(data: bytes, named: Tags) -> None:
    mean_size, mean = _BOX(data, 0)
    name_size, name = _BOX(data, mean_size)
    if mean != b"mean" or name != b"name" or mean_size < 12 or name_size < 12:
        raise DoubtError("a free-form box without its names")
    values = _values(data, mean_size + name_size)
    field = NAMED.get(data[mean_size + 12 : mean_size + name_size].decode("utf-8", "replace").upper())
    if field is not None and data[12:mean_size] == _ITUNES:
        named.setdefault(field, []).extend([v.decode("utf-8", "replace") for kind, v in values if kind in (0, 1)])


def _values(data: bytes, position: int) -> list[tuple[int, bytes]]:
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


_READ = frozenset((*_TEXT_FIELDS, b"----", b"cpil", b"trkn", b"disk"))
