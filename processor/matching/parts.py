"""One thing an album and a release both say → how far apart they are in it, how much it weighs, and a sentence. Pure.

The weights are those beets uses, whose users have tried them for years; group, barcode are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from typing import Final, NamedTuple

from config.reasons import show_text
from processor.matching.names import IS_EDITION, artist_distance, parsed, title_distance
from processor.matching.own import OwnAlbum
from processor.metadata.fields import mbid
from processor.metadata.known import Credit, credited
from processor.providers.release import Release
from scanner.grouping.folding import fold
from scanner.grouping.placeholders import is_various

WEIGHTS: Final = {
    "release id": 5.0, "group id": 2.0, "artist": 3.0, "album": 3.0, "tracks": 2.0, "missing": 0.9, "unmatched": 0.6,
    "barcode": 2.0, "media": 1.0, "mediums": 1.0, "year": 1.0, "country": 0.5, "label": 0.5, "catalogue number": 0.5,
    "disambiguation": 0.5,
}  # fmt: skip
ORIGINAL_YEAR: Final = 0.1  # the year is that of the first edition, which people like to write into a later one's tags
UNSAID: Final = 0.5  # our title says nothing of an edition, theirs does
YEARS: Final = 10  # so many years apart are as bad as it gets
_MEDIA: Final = {"compact disc": "cd", "lp": "vinyl", "web": "digital media", "file": "digital media", "cdr": "cd r"}
_EDITION_WORDS: Final = {"edited": "clean", "japanese": "japan", "european": "europe", "american": "us", "usa": "us"}
_COUNTRIES: Final = {"UK": "GB", "USA": "US"}  # as people write them
ANY_COUNTRY: Final = {"XW", "XE", "XU"}  # worldwide, Europe, unknown

_ANY: Final = {"edition", "version", "release", "album", "lyrics"}  # words of any edition
_SEVERAL = re.compile(r"[;,/]")
_NO_ALNUM = re.compile(r"[\W_]+")


class Part(NamedTuple):
    """One thing that was compared."""

    name: str
    weight: float
    penalty: float  # 0 agrees, 1 could not be further apart
    why: str


def album_parts(own: OwnAlbum, release: Release) -> list[Part]:
    """Return what can be compared of an album itself; what either does not say is left out."""
    found = [
        _release_id(own, release),
        _group_id(own, release),
        _artist(own, release),
        _album(own, release),
        _year(own, release),
        _media(own, release),
        _mediums(own, release),
        _country(own, release),
        _label(own, release),
        _numbered("catalogue number", own.catalog_number, {label.catalog_number for label in release.labels} - {None}),
        _numbered("barcode", own.barcode, {release.barcode} - {None}),
        _disambiguation(own, release),
    ]
    return [part for part in found if part is not None]


def part(name: str, penalty: float, why: str) -> Part:
    """Return a part with the weight of its name."""
    return Part(name, WEIGHTS[name], penalty, why)


def code(text: str) -> str:
    """Return a catalogue number or barcode without what people write into it: spaces, dashes, leading zeros."""
    return _NO_ALNUM.sub("", text.casefold()).lstrip("0")


def shown(text: str | None) -> str:
    """Return text of strangers for a sentence."""
    return f"“{show_text(text)[:120]}”" if text else "nothing"


def artist_names(credits: Iterable[Credit]) -> Iterator[str]:
    """Yield the ways a credit may be written."""
    listed = list(credits)
    if together := credited(listed):
        yield together
    if len(listed) == 1 and listed[0].sort_name:
        yield listed[0].sort_name
    elif listed:
        yield "; ".join(credit.name for credit in listed)


def titles(release: Release, listed: Iterable[str]) -> Iterator[str]:
    """Yield titles as they may be written: shops add "(Live)" to all of a concert, MusicBrainz to none."""
    for title in listed:
        yield title
        if release.is_live:
            yield f"{title} (Live)"


def _same(name: str, ours: str | None, theirs: Set[str | None]) -> Part | None:
    """Compare what is a code, not a name: it is the same or it is not."""
    known = sorted(one for one in theirs if one)
    if not ours or not known:
        return None
    is_same = code(ours) in map(code, known)
    says = f"The {name} {'is' if is_same else 'is not'} {shown(ours)}"
    return part(name, 0.0 if is_same else 1.0, f"{says}." if is_same else f"{says} but {shown(known[0])}.")


def _release_id(own: OwnAlbum, release: Release) -> Part | None:
    """Compare ids of one database: some programs write another one's number into MusicBrainz's tag."""
    is_alike = own.release_id is not None and (mbid(own.release_id) is None) == (mbid(release.id) is None)
    return _same("release id", own.release_id, {release.id, *release.ids}) if is_alike else None


def _group_id(own: OwnAlbum, release: Release) -> Part | None:
    """Compare the groups of two editions; that of the very release may have been merged into another since."""
    is_it = own.release_id in (release.id, *release.ids)
    return None if is_it else _same("group id", own.group_id, {release.group_id} - {None})


def _numbered(name: str, ours: str | None, theirs: Set[str | None]) -> Part | None:
    """Compare one number, or several, of each label one; what has no digit, as "none", is no number.

    A number may have in it what stands between several: "PCS 7067/8", of two records.
    """
    each = [one for one in (ours or "", *_SEVERAL.split(ours or "")) if any(c.isdigit() for c in code(one))]
    known = {one for one in theirs if one and any(c.isdigit() for c in code(one))}
    found = [_same(name, one, known) for one in each]
    return min((one for one in found if one), key=lambda one: one.penalty, default=None)


def _artist(own: OwnAlbum, release: Release) -> Part | None:
    theirs = [*artist_names(release.credits), *release.artist_also]
    if own.artist is None or not theirs:
        return None
    if is_various(own.artist) or release.is_various:
        agree = is_various(own.artist) and (release.is_various or is_various(theirs[0]))
        return part("artist", 0.0 if agree else 1.0, f"Here by {shown(own.artist)}, there by {shown(theirs[0])}.")
    away = min(artist_distance(own.artist, name) for name in theirs)
    return part("artist", away, _compared("artist", away, own.artist, theirs[0]))


def _album(own: OwnAlbum, release: Release) -> Part | None:
    if own.title is None or release.title is None:
        return None
    theirs = [release.title, *release.also]
    if release.disambiguation:
        theirs.append(f"{release.title} ({release.disambiguation})")
    away = min(title_distance(own.title, name) for name in titles(release, theirs))
    return part("album", away, _compared("album", away, own.title, release.title))


def _year(own: OwnAlbum, release: Release) -> Part | None:
    theirs, first = _year_of(release.date), _year_of(release.original_date)
    if own.year is None or (theirs is None and first is None):
        return None
    if own.year == theirs:
        return part("year", 0.0, f"The year is {theirs}.")
    if own.year == first:
        return part("year", ORIGINAL_YEAR, f"{first} is the year of the first edition; this one is of {theirs}.")
    away = min(abs(own.year - year) for year in (theirs, first) if year is not None)
    return part("year", min(1.0, 0.3 + away / YEARS), f"The year is {own.year} here and {theirs or first} there.")


def _media(own: OwnAlbum, release: Release) -> Part | None:
    """Compare what it came on: "CD" is right of an "Enhanced CD", "Vinyl" of a '12" Vinyl'."""
    theirs = sorted({medium.format for medium in release.media if medium.format})
    if own.media is None or not theirs:
        return None
    ours = set(_MEDIA.get(fold(own.media), fold(own.media)).split())
    is_same = any(ours <= words or words <= ours for words in (set(fold(one).split()) for one in theirs))
    return part("media", 0.0 if is_same else 1.0, _compared("media", not is_same, own.media, theirs[0]))


def _mediums(own: OwnAlbum, release: Release) -> Part | None:
    theirs, heard = len(release.media), sum(not medium.is_beside for medium in release.media)
    if own.discs is None or not theirs:
        return None
    penalty = 0.0 if own.discs in (theirs, heard) else 1.0
    return part("mediums", penalty, f"Discs: {own.discs} here, {theirs} there.")


def _country(own: OwnAlbum, release: Release) -> Part | None:
    if own.country in ANY_COUNTRY and release.country in ANY_COUNTRY:
        return None
    ours = own.country and own.country.upper()
    return _same("country", _COUNTRIES.get(ours or "", ours), {release.country, *release.countries})


def _label(own: OwnAlbum, release: Release) -> Part | None:
    theirs = [label.name for label in release.labels if label.name]
    if own.label is None or not theirs:
        return None
    away = min(artist_distance(own.label, name) for name in theirs)
    return part("label", away, _compared("label", away, own.label, theirs[0]))


def _disambiguation(own: OwnAlbum, release: Release) -> Part | None:
    if not release.disambiguation or own.title is None:
        return None
    there = set(_edition(release.disambiguation))
    if there <= set(_edition(own.title)):
        penalty = 0.0
    else:  # who says another edition is further away than who says none, but "(1998)" or "[FLAC]"
        said = parsed(own.title).beside
        ours = set(_edition(said)) - {*there, *_edition(release.title or "")}
        penalty = 1.0 if ours and IS_EDITION.search(said) else UNSAID
    return part("disambiguation", penalty, f"It is the edition {shown(release.disambiguation)}.")


def _edition(text: str) -> Iterator[str]:
    """Yield the words that name an edition, alike however they are written."""
    words = ("remaster" if word.startswith("remaster") else word for word in fold(text).split() if word not in _ANY)
    return (_EDITION_WORDS.get(word, word) for word in words)


def _year_of(date: str | None) -> int | None:
    return int(date[:4]) if date else None


def _compared(what: str, away: float, ours: str, theirs: str) -> str:
    if away == 0:
        return f"The {what} is the same: {shown(ours)}."
    return f"The {what} is {shown(ours)} here and {shown(theirs)} there."
