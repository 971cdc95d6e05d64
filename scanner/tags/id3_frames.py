"""Raw ID3 frames → what they say; pure, so that it can be remembered. Source: id3.org, 2.3.0 and 2.4.0 section 4."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from scanner.facts import Picture
from scanner.tags.fields import ID3, NAMED
from scanner.tags.remembered import SHORT, Remembered, remember
from scanner.tags.said import ELSEWHERE, FIELDS, UNWANTED, Said, joined, say
from scanner.tags.source import DoubtError

MUSICBRAINZ_OWNER = b"http://musicbrainz.org"
LINK = "-->"  # the mime type of a picture that is only a link
PICTURE_HEAD = 512  # bytes of a frame that hold mime and description
_PICTURE_START = 80  # bytes that nearly always do
_LATIN, _UTF16, _UTF16BE, _UTF8 = range(4)
_CODECS = {_LATIN: "latin-1", _UTF16: "utf-16", _UTF16BE: "utf-16-be", _UTF8: "utf-8"}
_BOMS = (b"\xff\xfe", b"\xfe\xff")

_TEXT_FIELDS = {name.encode(): field for name, field in ID3.items()}
_TYER, _TDAT, _TIME, _TORY = "\0TYER", "\0TDAT", "\0TIME", "\0TORY"  # no description has a NUL
_OLD_DATES = {key[1:].encode(): key for key in (_TYER, _TDAT, _TIME, _TORY)}
_OLD_KEYS = frozenset(_OLD_DATES.values())
_DATE, _ORIGINAL_DATE = FIELDS["date"].place, FIELDS["original_date"].place
# Frames that mutagen reads without ever giving up on the whole tag, and that hold nothing we want.
_SKIPPED = frozenset(
    b"TBPM TCAT TCOM TCOP TDEN TDES TDLY TDRL TDTG TENC TEXT TFLT TGID TIPL TIT1 TIT3 TKEY TKWD TLAN TLEN TMCL TMED "
    b"TMOO TOAL TOFN TOLY TOPE TOWN TPE3 TPE4 TPRO TRSN TRSO TSO2 TSOA TSOC TSOP TSOT TSRC TSSE MVNM MVIN GRP1 COMM "
    b"USLT PRIV GEOB PCNT POPM MCDI WCOM WCOP WOAF WOAR WOAS WORS WPAY WPUB WXXX IPLS RVAD EQUA TSIZ TRDA SYLT ETCO "
    b"MLLT USER OWNE PCST WFED RGAD NCON XSOA XSOP XSOT".split()
)
_STAMP = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:[T ][0-9]{2}(?::[0-9]{2}){0,2})?)?)?")
_REFERENCE = re.compile(r"[(\d]|RX\Z|CR\Z|.*\n")  # to a genre of ID3v1, or a text cut at its first line
_YEAR = re.compile(r"([0-9]{4})(-[0-9]{2}-[0-9]{2})?\Z")
_DAY_MONTH = re.compile(r"([0-9]{2})([0-9]{2})\Z")

# Kinds of frames: with a field of their own; that wait until the whole tag is read; and others.
TEXT, APART, PICTURE, SKIPPED, PADDING = range(5)
KINDS = {
    **dict.fromkeys(_SKIPPED, SKIPPED),
    **dict.fromkeys((*_TEXT_FIELDS, b"UFID"), TEXT),
    **dict.fromkeys((b"TXXX", *_OLD_DATES), APART),
    b"APIC": PICTURE,
}


class PictureHead(NamedTuple):
    """What stands in front of the bytes of a picture, and how many bytes that is."""

    length: int
    type: int
    mime: str


def said_in(frames: list[bytes], apart: list[bytes]) -> list[Said]:
    """Return what the frames of one tag say. Raises DoubtError, ValueError or LookupError at anything unusual."""
    said = [_text_said(frame) or _text_in(frame) for frame in frames]
    places = {one[0] for one in said}
    if len(places) < len(said):
        raise DoubtError("a frame that is there twice")
    if not apart:
        return said
    by_key = dict([_apart_said(frame) or _apart_in(frame) for frame in apart])
    if len(by_key) < len(apart):
        raise DoubtError("a frame that is there twice")
    if not _OLD_KEYS.isdisjoint(by_key):
        said += _old_dates(by_key, places)
    return [*joined([one for one in by_key.values() if one[0] != ELSEWHERE]), *said]  # a frame of its own wins


def _text_in(frame: bytes) -> Said:
    """Return what a frame says that has a field of its own."""
    own = _OWN.get(frame[:4])
    if own is None:  # UFID
        owner, separator, identifier = frame[10:].partition(b"\0")
        if owner != MUSICBRAINZ_OWNER or not separator:
            return UNWANTED
        return say("mb_recording_id", (identifier.decode("ascii"),))
    (place, convert, shared), check = own
    values = _values(frame)
    if check:
        values = check(values)
    said = place, convert(values), values
    if shared and len(frame) <= SHORT:
        remember(_TEXTS, frame, said)
    return said


def _apart_in(frame: bytes) -> tuple[str, Said]:
    """Return what a frame says that has to wait, by its description or its name."""
    key, *values = _values(frame)
    said, shared = UNWANTED, True
    if frame[:4] != b"TXXX":
        if values:
            raise DoubtError("several years")
        key, said = _OLD_DATES[frame[:4]], (ELSEWHERE, key, ())
    elif field := _FREE.get(key) or _FREE.get(key.upper()):
        place, convert, shared = field
        said = place, convert(values), values
    if shared and len(frame) <= SHORT:
        remember(_APARTS, frame, (key, said))
    return key, said


def _values(frame: bytes) -> list[str]:
    """Decode the strings of a text frame. Raises DoubtError, LookupError or ValueError at what is not strict."""
    encoding = frame[10]
    if encoding == _UTF16 and frame[11:13] not in _BOMS:
        raise DoubtError("UTF-16 without a byte order mark")
    text = str(frame[11:], _CODECS[encoding]).rstrip("\0")
    if "\0" not in text:
        return [text]
    if encoding != _UTF16:
        return text.split("\0")
    first, *more = text.split("\0")
    if not all([not value or value[0] == "\ufeff" for value in more]):  # each has a mark of its own
        raise DoubtError("UTF-16 without a byte order mark")
    return [first, *[value[1:] for value in more]]


def _genres(values: list[str]) -> list[str]:
    """Resolve "17", "(17)" and "(17)Rock" as mutagen does, which holds the list of names."""
    if not any(map(_REFERENCE.match, values)):
        return values
    from mutagen.id3 import TCON

    frame: Any = TCON
    return [str(genre) for genre in frame(encoding=_UTF8, text=values).genres]


def _stamps(values: list[str]) -> list[str]:
    if not all(_STAMP.fullmatch(value) for value in values if value):
        raise DoubtError("a date of another form")
    return values


def _old_dates(apart: dict[str, Said], places: set[int]) -> Iterator[Said]:
    """Join the dates of v2.3; the frames of v2.4 win when both are there."""
    year, day, original = apart.get(_TYER), apart.get(_TDAT), apart.get(_TORY)
    if year and _DATE not in places and (date := _old_date(year[1], day[1] if day else "")):
        yield date
    if original and _ORIGINAL_DATE not in places:
        yield say("original_date", _stamps([original[1] or " "]))


@lru_cache(maxsize=256)
def _old_date(year: str, day: str) -> Said | None:
    """Join year (YYYY) and day (DDMM)."""
    years, days = _YEAR.match(year), _DAY_MONTH.match(day)
    if not years:
        return None
    return say("date", (f"{years[1]}-{days[2]}-{days[1]}" if days else years[0],))


def picture_in(frame: bytes, length: int) -> Picture | None:
    """Return the picture in a frame of `length` bytes that begins with `frame`; None when it is only a link."""
    head = _PICTURE_HEADS[frame[10:_PICTURE_START]] or _picture_head(frame[10:])
    if head is None:
        raise DoubtError("a picture that does not begin where it should")
    return Picture(length - 10 - head.length, head.type, head.mime or None) if head.mime != LINK else None


def _picture_head(data: bytes) -> PictureHead | None:
    """Read the content of an APIC frame, or its first bytes; None when they say too little. Raises ValueError."""
    encoding = data[0]
    mime_end = data.find(b"\0", 1)
    wide = encoding in (_UTF16, _UTF16BE)
    start = mime_end + 2
    end = data.find(b"\0\0" if wide else b"\0", start)
    while wide and end >= 0 and (end - start) % 2:
        end = data.find(b"\0\0", end + 1)
    behind = end + (2 if wide else 1)
    if mime_end < 0 or end < 0 or not data[behind:].strip(b"\0"):
        return None
    mime, description = data[1:mime_end].decode("latin-1"), data[start:end]
    if mime in ("PNG", "JPG") or encoding not in _CODECS or (encoding == _UTF16 and description[:2] not in _BOMS):
        raise DoubtError("a picture in an old or odd notation")
    description.decode(_CODECS[encoding])
    return PictureHead(behind, data[mime_end + 1], mime)


_CHECKS: dict[str, Callable[[list[str]], list[str]]] = {"date": _stamps, "original_date": _stamps, "genre": _genres}
_OWN = {name: (FIELDS[field], _CHECKS.get(field)) for name, field in _TEXT_FIELDS.items()}
_FREE = {name: FIELDS[field] for name, field in NAMED.items()}
_PICTURE_HEADS = Remembered(_picture_head)
_TEXTS: dict[bytes, Said] = {}
_APARTS: dict[bytes, tuple[str, Said]] = {}
_text_said, _apart_said = _TEXTS.get, _APARTS.get
