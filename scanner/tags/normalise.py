"""Raw tag values by field, a stream and its pictures → Facts, the same for every container."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from scanner.facts import Facts, Picture

Tags = dict[str, list[str]]  # by name of a field of Facts; also r128_track, r128_album (Q7.8 dB)

TEXT_LIMIT = 4096  # bytes of UTF-8 in one value
LIST_LIMIT = 64  # values of one field
R128_OFFSET = 5.0  # dB from the -23 LUFS of R128 to ReplayGain's 89 dB reference

_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(r"([0-9]{4})(?:[-./ ]?([0-9]{1,2})(?:[-./ ]?([0-9]{1,2}))?)?(?![0-9])")
_YEAR_LAST = re.compile(r"[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ]([0-9]{4})$")
_DECIMAL = re.compile(r"([-+]?[0-9]*[.,]?[0-9]+(?:[eE][-+]?[0-9]{1,3})?)\s*(?:dB)?", re.IGNORECASE)
_LARGEST_NUMBER = 9999  # of a track or disc; more is a mistake or a date
_LARGEST_DECIBEL = 200.0
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
    if "\0" in text:
        text = text.strip("\0 ").replace("\0", " ")
    text = text.strip()
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    if len(text) > TEXT_LIMIT // 4:
        text = text.encode()[:TEXT_LIMIT].decode(errors="ignore").rstrip()
    return text or None


def texts(values: Iterable[str] | None) -> tuple[str, ...]:
    """Return the values that say something, in their order, each once, at most `LIST_LIMIT`."""
    if not values:
        return ()
    return tuple(dict.fromkeys([text for text in map(clean, values) if text]))[:LIST_LIMIT]


def first(values: Iterable[str] | None) -> str | None:
    """Return the first value that says something."""
    if values:
        for value in values:
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
    total = number(first(totals))
    if text is None:
        return None, total
    if "/" in text:
        text, _, behind = text.partition("/")
        return number(text.strip()), total or number(behind.strip())
    return number(text), total


def date(values: list[str] | None) -> str | None:
    """Return YYYY, YYYY-MM or YYYY-MM-DD of the first value that has a year; a month or day of 0 is unknown."""
    for value in values or ():
        text = value.strip("\0 \t\r\n")
        found = _DATE.match(text)
        if found:
            year, month, day = found.groups()
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
    """Return the number of "-7.25 dB" or "0.988"; nonsense beyond ±200 is None."""
    text = first(values)
    found = _DECIMAL.fullmatch(text) if text else None
    if not found:
        return None
    value = float(found[1].replace(",", "."))
    return value if abs(value) <= _LARGEST_DECIBEL else None


def gain(values: list[str] | None, r128: list[str] | None) -> float | None:
    """Return dB; an R128 gain (RFC 7845 section 5.2.1: integer, 1/256 dB) wins, raised to ReplayGain's reference."""
    if r128:
        steps = decimal_integer(first(r128))
        if steps is not None:
            return steps / 256 + R128_OFFSET
    return decimal(values)


def decimal_integer(text: str | None) -> int | None:
    """Return a 16-bit integer written in ASCII."""
    if text and re.fullmatch(r"[-+]?[0-9]{1,5}", text, re.ASCII) and -32768 <= int(text) <= 32767:
        return int(text)
    return None


def facts_of(tags: Tags, stream: Stream, pictures: Iterable[Picture]) -> Facts:
    """Put everything into the shape of Facts. Cheap on purpose: this runs once for every file of a scan."""
    get = tags.get
    artist_names = texts(get("artist"))
    album_artist_names = texts(get("album_artist"))
    track, track_total = number_and_total(get("track"), get("track_total"))
    disc, disc_total = number_and_total(get("disc"), get("disc_total"))
    codec, seconds, bitrate, sample_rate, bits, channels = stream
    compilation = first(get("compilation"))
    return Facts(
        first(get("title")),
        "; ".join(artist_names) or None,
        texts(get("artists")) or artist_names,
        first(get("album")),
        "; ".join(album_artist_names) or None,
        texts(get("album_artists")) or album_artist_names,
        track,
        track_total,
        disc,
        disc_total,
        first(get("disc_subtitle")),
        date(get("date")),
        date(get("original_date")),
        texts(get("genre")),
        first(get("label")),
        _FLAGS.get(compilation.lower()) if compilation else None,
        first(get("mb_recording_id")),
        first(get("mb_track_id")),
        first(get("mb_release_id")),
        first(get("mb_release_group_id")),
        texts(get("mb_artist_ids")),
        texts(get("mb_album_artist_ids")),
        gain(get("rg_track_gain"), get("r128_track")),
        decimal(get("rg_track_peak")),
        gain(get("rg_album_gain"), get("r128_album")),
        decimal(get("rg_album_peak")),
        codec,
        round(seconds * 1000) or None,
        round(bitrate) or None,
        round(sample_rate) or None,
        bits or None,
        channels or None,
        tuple(pictures)[:LIST_LIMIT],
    )
