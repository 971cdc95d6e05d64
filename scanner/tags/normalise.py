"""The values of one tag as people write them → the one value that Facts keeps, the same for every container."""

from __future__ import annotations

import re
from collections.abc import Sequence

Texts = Sequence[str]  # the values of one tag, in file order
Tags = dict[str, list[str]]  # by field, as written

TEXT_LIMIT = 4096  # bytes of UTF-8 in one value
LIST_LIMIT = 64  # values of one field
R128_OFFSET = 5.0  # dB from the -23 LUFS of R128 to ReplayGain's 89 dB reference

_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(
    r"([0-9]{4})(?:[-./ ]([0-9]{1,2})(?:[-./ ]([0-9]{1,2}))?(?![0-9])|([0-9]{2})([0-9]{2})(?![0-9])|(?![0-9]))"
)
_BETWEEN_IDS = re.compile(r"[^0-9A-Za-z-]+")
_ID_LENGTH = 36  # characters of a MusicBrainz id
_YEAR_LAST = re.compile(
    r"(?:[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ]|(?:ca?|circa|©|℗|\([cp]\))[. ]{0,2})([0-9]{4})$", re.IGNORECASE
)
_INTEGER = re.compile(r"[-+]?[0-9]{1,5}")
_DISC = re.compile(r"(?:(?:cd|dis[ck]|dvd|lp|vinyl|record|side)[\W_]*)?(?:([0-9]{1,3})|([a-h]))", re.IGNORECASE)
_ON_DISC = re.compile(r"([1-9])-([0-9]{1,2})|(aa|[a-h]|[a-t](?=[-. ]?[0-9]))(?:[-. ]?([0-9]{1,2}))?", re.IGNORECASE)
_IN_WORDS = re.compile(r"(?:(?:track|no|nr)[. ]{0,2}|#|t(?:[-. ]|(?=[0-9]{2})))?([0-9]{1,4})[.)]?", re.IGNORECASE)
_LARGEST_NUMBER = 9999  # of a track or disc; more is a mistake or a date
_LARGEST_DECIBEL = 200.0
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def clean(text: str) -> str | None:
    """Return one value without NULs, surrounding space, lone surrogates and over-length; None when nothing is left."""
    text = text.strip()
    if len(text) > TEXT_LIMIT // 4 or not text.isprintable():  # neither NULs nor surrogates are printable
        text = _SURROGATE.sub("\ufffd", text.strip("\0 \t\r\n").replace("\0", " "))
        text = text.encode()[:TEXT_LIMIT].decode(errors="ignore").strip()
    return text or None


def texts(values: Texts) -> tuple[str, ...]:
    """Return the values that say something, in their order, each once, at most `LIST_LIMIT`."""
    if len(values) == 1:
        only = clean(values[0])
        return (only,) if only else ()
    return tuple(dict.fromkeys([text for text in map(clean, values) if text]))[:LIST_LIMIT]


def first(values: Texts) -> str | None:
    """Return the first value that says something."""
    for value in values:
        text = clean(value)
        if text:
            return text
    return None


def number(text: str | None) -> int | None:
    """Return a counting number; zero and dates are None."""
    if text and text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= _LARGEST_NUMBER:
        return int(text)
    return None


def track(values: Texts) -> tuple[int | None, int | None, int | None]:
    """Return the track, the number of tracks, and the disc where "1-05", or the side of "A1", "A-1", tells that, too.

    A side of one song is called "B" alone, and "AA", if it is as good as the other.
    """
    text, of = _text_and_total(values)
    if text.isdecimal():
        return number(text), of, None
    if found := _IN_WORDS.fullmatch(text):
        return number(found[1]), of, None
    if (found := _ON_DISC.fullmatch(text)) is None:
        return None, of, None
    disc, on_disc, side, on_side = found.groups()
    count = number(on_disc or on_side or "1")
    return count, of, count and _disc(disc, side)


def disc(values: Texts) -> tuple[int | None, int | None]:
    """Return the disc and the number of discs; it may be called "CD1", and each side of a record is one: "B"."""
    text, of = _text_and_total(values)
    found = None if text.isdecimal() else _DISC.fullmatch(text)
    return _disc(*found.groups()) if found else number(text), of


def _text_and_total(values: Texts) -> tuple[str, int | None]:
    """Split "3/12", "3 of 12" and "03of12"."""
    text = first(values) or ""
    count, _, behind = text.partition("/") if "/" in text else text.lower().partition("of")
    return count.strip(), number(behind.strip())


def _disc(count: str | None, side: str | None) -> int | None:
    return ord(side[0].lower()) - ord("a") + len(side) if side else number(count)


def ids(values: Texts) -> tuple[str, ...]:
    """Return MusicBrainz ids one by one; in ID3v2.3 Picard joins several with a slash, others with semicolons."""
    if any([len(value) > _ID_LENGTH for value in values]):
        values = [one for value in values for one in _BETWEEN_IDS.split(value)]
    return texts(values)


def date(values: Texts) -> str | None:
    """Return YYYY, YYYY-MM or YYYY-MM-DD of the first value that has a year, or of one that says the same more exactly.

    A year and a date of it often stand side by side, in any order.
    """
    exact = None
    for value in values:
        said = _date(value.strip("\0 \t\r\n"))
        if said and (exact is None or said.startswith(exact)):
            exact = said
    return exact


def _date(text: str) -> str | None:
    """Return what one value says; a month or day of 0 is unknown."""
    found = _DATE.match(text)
    if not found:
        late = _YEAR_LAST.match(text)
        return late[1] if late else None
    year, month, day, packed_month, packed_day = found.groups()
    month, day = month or packed_month, day or packed_day
    if year == "0000":
        return None
    if not month or not 1 <= int(month) <= 12:
        return year
    if not day or not 1 <= int(day) <= 31:
        return f"{year}-{month:0>2}"
    return f"{year}-{month:0>2}-{day:0>2}"


def total(values: Texts) -> int | None:
    """Return the number of tracks or discs where it has a tag of its own."""
    return number(first(values))


def decimal(values: Texts) -> float | None:
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


def r128_gain(values: Texts) -> float | None:
    """Return dB of an R128 gain (RFC 7845 section 5.2.1: a 16-bit integer, 1/256 dB) at ReplayGain's reference."""
    text = first(values)
    if text and _INTEGER.fullmatch(text) and -32768 <= int(text) <= 32767:
        return int(text) / 256 + R128_OFFSET
    return None


def flag(values: Texts) -> bool | None:
    """Return what "1" or "true" means."""
    text = first(values)
    return _FLAGS.get(text.lower()) if text else None


def artists(values: Texts) -> tuple[str | None, tuple[str, ...]]:
    """Return the artists as they are shown, and one by one."""
    names = texts(values)
    return "; ".join(names) or None, names
