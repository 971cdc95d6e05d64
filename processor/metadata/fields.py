"""The fields of albums, tracks and artists as a table: how each is called, what it may be, how it is stored as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from config.errors import Rejected
from processor.metadata.known import Credit

Subject = Literal["album", "track", "artist"]

LONGEST: Final = 1000  # characters of a name
LONGEST_TEXT: Final = 100_000  # of a review, a biography, lyrics
MOST: Final = 200  # entries of a list
_NEITHER: Final = "\x7f\ufffe\uffff"  # allowed by Unicode or XML, and by none of their readers
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)  # no player reads other digits
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d\d)")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Field(NamedTuple):
    """One field. `read` makes the value of its JSON, or raises ValueError with what is wrong."""

    name: str
    label: str
    kind: str  # a key of KINDS, which pages choose their input by
    read: Callable[[Any], Any]


def clean(text: str) -> str:
    """Return a text both databases, JSON and XML take: no control characters, no halves of surrogate pairs."""
    plain = text.encode("utf-8", "replace").decode()
    return "".join(c for c in plain if c in "\n\t" or (c >= " " and c not in _NEITHER))


def mbid(value: Any) -> str | None:
    """Return an id of MusicBrainz as documents hold it; None for what is none, such as one of another database."""
    return value.lower() if isinstance(value, str) and _ID.fullmatch(value.lower()) else None


def length_ms(text: str | None) -> int | None:
    """Return a length as people write it, `4:33` or `1:02:03`, in milliseconds; None for what is none."""
    found = _CLOCK.fullmatch(text or "")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 or None


def _text(value: Any, longest: int = LONGEST) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    found = clean(value).strip()
    if not found or len(found) > longest:
        raise ValueError(f"must have from 1 to {longest} characters")
    return found


def _line(value: Any) -> str:
    return " ".join(_text(value).split())


def _long(value: Any) -> str:
    return _text(value, LONGEST_TEXT)


def _date(value: Any) -> str:
    found = _text(value)
    if not _DATE.fullmatch(found):
        raise ValueError("must be a date such as 1998, 1998-11 or 1998-11-02")
    return found


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise ValueError("must be a whole number that is not negative")
    return value


def _rating(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        raise ValueError("must be a number from 0 to 10")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _each(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def all_of(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > MOST:
            raise ValueError(f"must be a list of at most {MOST}")
        return tuple(dict.fromkeys(read(entry) for entry in value))

    return all_of


def _credit(value: Any) -> Credit:
    if isinstance(value, str):
        return Credit(_line(value))
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= len(Credit._fields):
        raise ValueError("must be a name, or a name with its id, what joins it to the next, and its sort name")
    given = [*value, None, None, None]
    name, artist_id, join, sort_name = _line(given[0]), *given[1:4]
    return Credit(
        name,
        _mbid(artist_id) if artist_id else None,
        clean(join)[:LONGEST] if isinstance(join, str) else "",
        _line(sort_name) if sort_name else None,
    )


def _mbid(value: Any) -> str:
    if (found := mbid(_text(value))) is None:
        raise ValueError("must be a MusicBrainz id")
    return found


KINDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "line": _line,
    "text": _long,
    "lines": _each(_line),
    "credits": _each(_credit),
    "date": _date,
    "id": _mbid,
    "count": _count,
    "rating": _rating,
    "flag": _flag,
}


def _table(*rows: tuple[str, str, str]) -> Mapping[str, Field]:
    return {name: Field(name, label, kind, KINDS[kind]) for name, label, kind in rows}


FIELDS: Final[Mapping[Subject, Mapping[str, Field]]] = {
    "album": _table(
        ("title", "Title", "line"),
        ("credits", "Artists", "credits"),
        ("date", "Date", "date"),
        ("original_date", "First released", "date"),
        ("type", "Type", "line"),
        ("secondary_types", "Further types", "lines"),
        ("compilation", "Various artists", "flag"),
        ("genres", "Genres", "lines"),
        ("styles", "Styles", "lines"),
        ("moods", "Moods", "lines"),
        ("themes", "Themes", "lines"),
        ("labels", "Labels", "lines"),
        ("catalog_numbers", "Catalogue numbers", "lines"),
        ("barcode", "Barcode", "line"),
        ("country", "Country", "line"),
        ("status", "Status", "line"),
        ("disambiguation", "Edition", "line"),
        ("language", "Language", "line"),
        ("review", "Review", "text"),
        ("rating", "Rating", "rating"),
        ("votes", "Votes", "count"),
        ("release_id", "MusicBrainz release", "id"),
        ("release_group_id", "MusicBrainz release group", "id"),
    ),
    "track": _table(
        ("title", "Title", "line"),
        ("credits", "Artists", "credits"),
        ("disc", "Disc", "count"),
        ("position", "Number", "count"),
        ("isrcs", "ISRC", "lines"),
        ("instrumental", "Instrumental", "flag"),
        ("lyrics", "Lyrics", "text"),
        ("synced_lyrics", "Lyrics with times", "text"),
        ("recording_id", "MusicBrainz recording", "id"),
        ("track_id", "MusicBrainz track", "id"),
    ),
    "artist": _table(
        ("name", "Name", "line"),
        ("sort_name", "Sort name", "line"),
        ("type", "Type", "line"),
        ("gender", "Gender", "line"),
        ("disambiguation", "Which one", "line"),
        ("country", "Country", "line"),
        ("born", "Born", "date"),
        ("formed", "Formed", "date"),
        ("died", "Died", "date"),
        ("disbanded", "Disbanded", "date"),
        ("years_active", "Years active", "lines"),
        ("genres", "Genres", "lines"),
        ("styles", "Styles", "lines"),
        ("moods", "Moods", "lines"),
        ("instruments", "Instruments", "lines"),
        ("biography", "Biography", "text"),
        ("artist_id", "MusicBrainz artist", "id"),
    ),
}  # fmt: skip


def checked(subject: Subject, name: str, value: Any) -> Any:
    """Return the value of a field given as JSON. Raises Rejected for an unknown field or what it cannot be."""
    field = FIELDS[subject].get(name)
    if field is None:
        there = ", ".join(f"{one.name} ({one.label})" for one in FIELDS[subject].values())
        raise Rejected(f"{subject}s have no field {name!r}; there are {there}", code="no_field")
    try:
        return field.read(value)
    except ValueError as error:
        raise Rejected(f"{name} of the {subject} {error}", code="bad_value") from None
