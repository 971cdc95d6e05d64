"""An ID3v2.3 or v2.4 tag and the MPEG frames behind it → facts. Source: id3.org, informal standards 2.3.0 and 2.4.0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any

from scanner.facts import Facts, Picture
from scanner.tags.fields import ID3, NAMED
from scanner.tags.mpeg import stream_at
from scanner.tags.normalise import Tags, facts_of
from scanner.tags.source import DoubtError, Source

MUSICBRAINZ_OWNER = b"http://musicbrainz.org"
LINK = "-->"  # the mime type of a picture that is only a link
V24 = 4
_SHORT = 256  # bytes of a text that is remembered: the tracks of an album share most of theirs
_PICTURE_HEAD = 512  # bytes that hold mime and description
_LATIN, _UTF16, _UTF16BE, _UTF8 = range(4)
_CODECS = {_LATIN: "latin-1", _UTF16: "utf-16", _UTF16BE: "utf-16-be", _UTF8: "utf-8"}
_BOMS = (b"\xff\xfe", b"\xfe\xff")

_FRAME = Struct(">4sIH").unpack_from
_TEXT_FIELDS = {name.encode(): field for name, field in ID3.items()}
_STAMP = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:[T ][0-9]{2}(?::[0-9]{2}){0,2})?)?)?")
_REFERENCE = re.compile(r"[(0-9]|RX\Z|CR\Z|.*\n")  # to a genre of ID3v1, or a text cut at its first line
_YEAR = re.compile(r"([0-9]{4})(-[0-9]{2}-[0-9]{2})?\Z")
_DAY_MONTH = re.compile(r"([0-9]{2})([0-9]{2})\Z")
# Frames that mutagen reads without ever giving up on the whole tag, and that hold nothing we want.
_CHECKED = frozenset((b"TDRC", b"TDOR", b"TCON"))
_OLD_DATES = frozenset((b"TYER", b"TDAT", b"TIME", b"TORY"))
_SKIPPED = frozenset(
    b"TBPM TCAT TCOM TCOP TDEN TDES TDLY TDRL TDTG TENC TEXT TFLT TGID TIPL TIT1 TIT3 TKEY TKWD TLAN TLEN TMCL TMED "
    b"TMOO TOAL TOFN TOLY TOPE TOWN TPE3 TPE4 TPRO TRSN TRSO TSO2 TSOA TSOC TSOP TSOT TSRC TSSE MVNM MVIN GRP1 COMM "
    b"USLT PRIV GEOB PCNT POPM MCDI WCOM WCOP WOAF WOAR WOAS WORS WPAY WPUB WXXX".split()
)


class _Frames:
    """What the frames of one tag said so far."""

    __slots__ = ("named", "old_dates", "pictures", "seen", "tags", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.tags: Tags = {}
        self.named: Tags = {}  # from TXXX; a frame of its own wins
        self.pictures: list[Picture] = []
        self.seen: set[bytes | str] = set()
        self.old_dates: dict[bytes, str] = {}

    def once(self, key: bytes | str) -> None:
        """Raise DoubtError for a frame that stands there twice: mutagen merges them by rules of its own."""
        if key in self.seen:
            raise DoubtError("a frame that is there twice")
        self.seen.add(key)


def read(source: Source) -> Facts:
    """Read the tag at the start of the file and the stream behind it. Raises DoubtError when mutagen should decide."""
    head = source.head
    version, revision, flags = head[3], head[4], head[5]
    if version not in (3, V24) or revision or flags:
        raise DoubtError("an ID3v2.2 tag, or one that is unsynchronised, extended or has a footer")
    end = 10 + synchsafe(int.from_bytes(head[6:10], "big"))
    if end > source.size:
        raise DoubtError("a tag longer than the file")
    frames = _Frames(version)
    _read_frames(source, end, frames)
    if frames.old_dates:
        _add_old_dates(frames.old_dates, frames.tags)
    return facts_of({**frames.named, **frames.tags}, stream_at(source, end), frames.pictures)


def synchsafe(word: int) -> int:
    """Return the 28 bits of four bytes with seven each; DoubtError if an eighth is set."""
    if word & 0x80808080:
        raise DoubtError("a size that is not synchsafe")
    return word & 0x7F | word >> 1 & 0x3F80 | word >> 2 & 0x1FC000 | word >> 3 & 0xFE00000


def _read_frames(source: Source, end: int, frames: _Frames) -> None:
    """Walk the frames by their lengths; the window is kept at hand, because this loop is most of a scan."""
    position = 10
    window, base = source.window, source.base
    v24 = frames.version == V24
    tags = frames.tags
    while position + 10 <= end:
        start = position - base
        if start + 10 > len(window):
            start = source.reach(position, 10)
            window, base = source.window, source.base
        name, size, flags = _FRAME(window, start)
        if name == b"\0\0\0\0":
            return  # padding
        if v24 and size > 0x7F:
            size = synchsafe(size)
        position += 10
        if flags & 0xFF or position + size > end:
            raise DoubtError("a compressed, encrypted or grouped frame, or one that leaves the tag")
        if size and name not in _SKIPPED:
            length = size if name != b"APIC" else min(size, _PICTURE_HEAD)
            start += 10
            if start + length > len(window):
                start = source.reach(position, length)
                window, base = source.window, source.base
            data = window[start : start + length]
            field = _TEXT_FIELDS.get(name)
            if field is None:
                _read_frame(frames, name, data, size)
            elif field in tags:
                raise DoubtError("a frame that is there twice")
            else:
                tags[field] = [*(_texts(name, data) if size <= _SHORT else _texts.__wrapped__(name, data))]
        position += size


@lru_cache(maxsize=4096)
def _texts(name: bytes, data: bytes) -> Sequence[str]:
    values = _values(data)
    return _checked(name, values) if name in _CHECKED else values


def _read_frame(frames: _Frames, name: bytes, data: bytes, size: int) -> None:
    if name == b"TXXX":
        _add_named(frames, _values(data))
    elif name == b"APIC":
        _add_picture(frames.pictures, data, size)
    elif name == b"UFID":
        _add_identifier(frames, data)
    elif name in _OLD_DATES:
        frames.once(name)
        frames.old_dates[name] = _only(_values(data))
    else:
        raise DoubtError("a frame of an unusual kind")


def _values(data: bytes) -> list[str]:
    """Decode the strings of a text frame; DoubtError or ValueError at anything a strict writer would not write."""
    encoding = data[0]
    if encoding == _UTF16:
        if data[1:3] not in _BOMS:
            raise DoubtError("UTF-16 without a byte order mark")
    elif encoding not in _CODECS:
        raise DoubtError("an unknown text encoding")
    text = str(data[1:], _CODECS[encoding]).rstrip("\0")
    if "\0" not in text:
        return [text]
    values = text.split("\0")
    if encoding == _UTF16:  # each value has a mark of its own
        if any(value and value[0] != "\ufeff" for value in values[1:]):
            raise DoubtError("UTF-16 without a byte order mark")
        values[1:] = [value[1:] for value in values[1:]]
    return values


def _checked(name: bytes, values: list[str]) -> list[str]:
    if name != b"TCON" and not all(_STAMP.fullmatch(value) for value in values if value):
        raise DoubtError("a date of another form")
    return _genres(values) if name == b"TCON" else values


def _genres(values: list[str]) -> list[str]:
    """Resolve "17", "(17)" and "(17)Rock" as mutagen does, which holds the list of names."""
    if not any(map(_REFERENCE.match, values)):
        return values
    from mutagen.id3 import TCON

    frame: Any = TCON
    return [str(genre) for genre in frame(encoding=_UTF8, text=values).genres]


def _add_named(frames: _Frames, values: list[str]) -> None:
    description = values[0]
    frames.once(description)
    field = NAMED.get(description.upper())
    if field is not None:
        frames.named.setdefault(field, []).extend(values[1:])


def _only(values: list[str]) -> str:
    said = [value for value in values if value]
    if len(said) > 1:
        raise DoubtError("several years")
    return said[0] if said else ""


def _add_old_dates(old: dict[bytes, str], tags: Tags) -> None:
    """Join year (YYYY) and day (DDMM) of v2.3; the frames of v2.4 win when both are there."""
    year = _YEAR.match(old.get(b"TYER", ""))
    if year and "date" not in tags:
        day = _DAY_MONTH.match(old.get(b"TDAT", ""))
        tags["date"] = [f"{year[1]}-{day[2]}-{day[1]}" if day else year[0]]
    original = old.get(b"TORY")
    if original is not None and "original_date" not in tags:
        if not _STAMP.fullmatch(original):
            raise DoubtError("a date of another form")
        tags["original_date"] = [original]


def _add_picture(pictures: list[Picture], data: bytes, size: int) -> None:
    mime_end = data.index(b"\0", 1)
    mime = data[1:mime_end].decode("latin-1")
    encoding = data[0]
    start = mime_end + 2
    wide = encoding in (_UTF16, _UTF16BE)
    end = data.index(b"\0\0" if wide else b"\0", start)
    while wide and (end - start) % 2:
        end = data.index(b"\0\0", end + 1)
    description = data[start:end]
    if mime in ("PNG", "JPG") or encoding not in _CODECS or (encoding == _UTF16 and description[:2] not in _BOMS):
        raise DoubtError("a picture in an old or odd notation")
    description.decode(_CODECS[encoding])
    end += 2 if wide else 1
    if size > end and not data[end:].strip(b"\0"):
        raise DoubtError("a picture that begins with nothing but zeros")
    if mime != LINK:
        pictures.append(Picture(size - end, data[mime_end + 1], mime or None))


def _add_identifier(frames: _Frames, data: bytes) -> None:
    owner, separator, identifier = data.partition(b"\0")
    frames.once(b"UFID" + owner)
    if owner == MUSICBRAINZ_OWNER and separator:
        frames.tags["mb_recording_id"] = [identifier.decode("ascii")]
