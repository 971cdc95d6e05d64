"""Raw tag values by field, a stream and its pictures → Facts, the same for every container."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from scanner.facts import Facts, Picture

Tags = dict[str, list[str]]  # by name of a field of Facts; also r128_track, r128_album (Q7.8 dB)

TEXT_LIMIT = 4096  # bytes of UTF-8 in one value
LIST_LIMIT = 64  # values of one field
R128_OFFSET = 5.0  # dB from the -23 LUFS of R128 to ReplayGain's 89 dB reference

_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(
    r"([0-9]{4})(?:[-./ ]([0-9]{1,2})(?:[-./ ]([0-9]{1,2}))?(?![0-9])|([0-9]{2})([0-9]{2})(?![0-9])|(?![0-9]))"
)
_YEAR_LAST = re.compile(r"[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ]([0-9]{4})$")
_INTEGER = re.compile(r"[-+]?[0-9]{1,5}")
_LARGEST_NUMBER = 9999  # of a track or disc; more is a mistake or a date
_LARGEST_DECIBEL = 200.0
_LARGEST_MEASURE = 1e12  # milliseconds, bit/s, Hz; a database column holds it
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Stream(NamedTuple):
    """The sound itself; 0 means unknown, as in most headers."""

    codec: str | None
    seconds: float
    bitrate: float  # bits per second
    sample_rate: float  # Hz
    bits: int  # per sample
    channels: int


def clean(text: str) -> str | None:
    """Return one value without NULs, surrounding space, lone surrogates and over-length; None when nothing is left."""
    text = text.strip()
    if len(text) > TEXT_LIMIT // 4 or not text.isprintable():  # neither NULs nor surrogates are printable
        text = _SURROGATE.sub("\ufffd", text.strip("\0 \t\r\n").replace("\0", " "))
        text = text.encode()[:TEXT_LIMIT].decode(errors="ignore").strip()
    return text or None


def texts(values: list[str] | None) -> tuple[str, ...]:
    """Return the values that say something, in their order, each once, at most `LIST_LIMIT`."""
    if not values:
        return ()
    if len(values) == 1:
        only = clean(values[0])
        return (only,) if only else ()
    return tuple(dict.fromkeys([text for text in map(clean, values) if text]))[:LIST_LIMIT]


def first(values: list[str] | None) -> str | None:
    """Return the first value that says something."""
    for value in values or ():
        text = clean(value)
        if text:
            return text
    return None


def number(text: str | None) -> int | None:
    """Return a counting number; vinyl sides ("A1"), zero and dates are None."""
    if text and text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= _LARGEST_NUMBER:
        return int(text)
    return None


def number_and_total(values: list[str] | None, totals: list[str] | None) -> tuple[int | None, int | None]:
    """Split "3/12"; a total of its own field wins."""
    text = first(values)
    total = number(first(totals)) if totals else None
    if text and "/" in text:
        text, _, behind = text.partition("/")
        return number(text.strip()), total or number(behind.strip())
    return number(text), total


def date(values: list[str] | None) -> str | None:
    """Return YYYY, YYYY-MM or YYYY-MM-DD of the first value that has a year; a month or day of 0 is unknown."""
    for value in values or ():
        text = value.strip("\0 \t\r\n")
        found = _DATE.match(text)
        if found:
            year, month, day, packed_month, packed_day = found.groups()
            month, day = month or packed_month, day or packed_day
            if year == "0000":
                continue
            if not month or not 1 <= int(month) <= 12:
                return year
            if not day or not 1 <= int(day) <= 31:
                return f"{year}-{month:0>2}"
            return f"{year}-{month:0>2}-{day:0>2}"
        if late := _YEAR_LAST.match(text):
            return late[1]
    return None


def decimal(values: list[str] | None) -> float | None:
    """Return the number of "-7.25 dB" or "0.988"; nonsense, and anything beyond ±200, is None."""
    text = first(values)
    if not text:
        return None
    if text[-2:].lower() == "db":
        text = text[:-2]
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) <= _LARGEST_DECIBEL else None  # not a number is not smaller either


def r128_gain(values: list[str] | None, otherwise: float | None) -> float | None:
    """Return dB of an R128 gain (RFC 7845 section 5.2.1: a 16-bit integer, 1/256 dB) at ReplayGain's reference."""
    text = first(values)
    if text and _INTEGER.fullmatch(text) and -32768 <= int(text) <= 32767:
        return int(text) / 256 + R128_OFFSET
    return otherwise


def flag(values: list[str] | None) -> bool | None:
    """Return what "1" or "true" means."""
    text = first(values)
    return _FLAGS.get(text.lower()) if text else None


def whole(value: float) -> int | None:
    """Return a positive number rounded; None for zero, and for what only a broken header claims."""
    return round(value) or None if value < _LARGEST_MEASURE else None


def facts_of(tags: Tags, stream: Stream, pictures: list[Picture]) -> Facts:
    """Put everything into the shape of Facts; looks only at what is there, because it runs for every file of a scan."""
    row: list[Any] = list(_NOTHING)
    for field, values in tags.items():
        place, convert = _CONVERTERS.get(field, _ELSEWHERE)
        if convert:
            row[place] = convert(values)
    get = tags.get
    if "artist" in tags:
        row[_ARTISTS - 1] = "; ".join(names := texts(get("artist"))) or None
        row[_ARTISTS] = row[_ARTISTS] or names
    if "album_artist" in tags:
        row[_ALBUM_ARTISTS - 1] = "; ".join(names := texts(get("album_artist"))) or None
        row[_ALBUM_ARTISTS] = row[_ALBUM_ARTISTS] or names
    row[_TRACK : _TRACK + 2] = number_and_total(get("track"), get("track_total"))
    row[_DISC : _DISC + 2] = number_and_total(get("disc"), get("disc_total"))
    if "r128_track" in tags:
        row[_PLACES["rg_track_gain"]] = r128_gain(get("r128_track"), row[_PLACES["rg_track_gain"]])
    if "r128_album" in tags:
        row[_PLACES["rg_album_gain"]] = r128_gain(get("r128_album"), row[_PLACES["rg_album_gain"]])
    codec, seconds, bitrate, sample_rate, bits, channels = stream
    row[_CODEC:] = (
        codec,
        whole(seconds * 1000),
        whole(bitrate),
        whole(sample_rate),
        bits or None,
        channels or None,
        tuple(pictures[:LIST_LIMIT]),
    )
    return Facts._make(row)


_NOTHING = Facts()
_PLACES = {field: place for place, field in enumerate(Facts._fields)}
_ARTISTS, _ALBUM_ARTISTS = _PLACES["artists"], _PLACES["album_artists"]  # each behind the text it is shown as
_TRACK, _DISC, _CODEC = _PLACES["track"], _PLACES["disc"], _PLACES["codec"]
_ELSEWHERE: tuple[int, None] = (0, None)  # read together with another field, below
_CONVERTERS: dict[str, tuple[int, Callable[[list[str]], Any]]] = {
    **{field: (_PLACES[field], first) for field in ("title", "album", "disc_subtitle", "label")},
    **{field: (_PLACES[field], first) for field in _PLACES if field.startswith("mb_") and field.endswith("_id")},
    **{field: (_PLACES[field], texts) for field in _PLACES if field.startswith("mb_") and field.endswith("_ids")},
    **{field: (_PLACES[field], texts) for field in ("artists", "album_artists")},
    **{field: (_PLACES[field], date) for field in ("date", "original_date")},
    **{field: (_PLACES[field], decimal) for field in _PLACES if field.startswith("rg_")},
    "genre": (_PLACES["genres"], texts),
    "compilation": (_PLACES["compilation"], flag),
}
