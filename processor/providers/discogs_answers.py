"""What Discogs answers, version 2 of its API → releases with media and tracks, fields, the cover. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from processor.artwork.offer import Offer
from processor.metadata.fields import length_ms
from processor.metadata.known import VARIOUS_ARTISTS, Credit
from processor.providers.discogs_positions import media_of
from processor.providers.lenient import Date, Decimal, Id, Lenient, Many, Number, One, Text, Texts, named
from processor.providers.pictures import address, pixels, tail
from processor.providers.release import Label, Medium, Release, ReleaseTrack

SOURCE: Final = "discogs"
_NUMBERED: Final = re.compile(r" \(\d+\)$")  # "Nirvana (2)": one of several of that name
_COUNTRIES: Final = {
    "US": "US", "UK": "GB", "Germany": "DE", "France": "FR", "Italy": "IT", "Japan": "JP", "Netherlands": "NL",
    "Canada": "CA", "Australia": "AU", "Spain": "ES", "Sweden": "SE", "Belgium": "BE", "Brazil": "BR", "Poland": "PL",
    "Austria": "AT", "Switzerland": "CH", "Europe": "XE", "Worldwide": "XW",
}  # fmt: skip
_TYPES: Final = {"Album": "album", "LP": "album", "Mini-Album": "album", "Single": "single", "EP": "ep"}
_FORMATS: Final = {"File": "Digital Media", "CDr": "CD-R", "LP": "Vinyl", "BD": "Blu-ray"}
_VARIOUS: Final = Credit("Various Artists", VARIOUS_ARTISTS)


class _Artist(Lenient):
    name: Text = None
    anv: Text = None  # as on this cover
    join: Text = None


class _Label(Lenient):
    name: Text = None
    catno: Text = None


class _Format(Lenient):
    name: Text = None
    qty: Number = None
    descriptions: Texts = ()


class _Identifier(Lenient):
    type: Text = None
    value: Text = None


class _Track(Lenient):
    position: Text = None
    type_: Text = None
    title: Text = None
    duration: Text = None
    artists: Many[_Artist] = ()


class _Entry(_Track):
    sub_tracks: Many[_Track] = ()


class _Rating(Lenient):
    count: Number = None
    average: Decimal = None


class _Community(Lenient):
    rating: One[_Rating] = _Rating()


class _Image(Lenient):
    type: Text = None
    uri: Text = None
    uri150: Text = None
    width: Number = None
    height: Number = None


class _Release(Lenient):
    id: Id = None
    title: Text = None
    artists: Many[_Artist] = ()
    released: Date = None
    year: Number = None
    country: Text = None
    labels: Many[_Label] = ()
    formats: Many[_Format] = ()
    genres: Texts = ()
    styles: Texts = ()
    identifiers: Many[_Identifier] = ()
    tracklist: Many[_Entry] = ()
    images: Many[_Image] = ()
    community: One[_Community] = _Community()


class _Hit(Lenient):
    id: Id = None
    type: Text = None
    title: Text = None  # "Artist - Title"
    year: Date = None
    country: Text = None
    catno: Text = None
    label: Texts = ()
    barcode: Texts = ()


class _Hits(Lenient):
    results: Many[_Hit] = ()


def found_of(answer: Any) -> list[Release]:
    """Return the releases a search found, without tracks."""
    return [_hit(hit) for hit in _Hits.of(answer).results if hit.id and hit.type in (None, "release")]


def _hit(hit: _Hit) -> Release:
    artist, apart, title = (hit.title or "").partition(" - ")
    return Release(
        SOURCE, hit.id or "", title if apart else hit.title,
        credits=(_credit(artist),) if apart else (),
        date=hit.year, country=_COUNTRIES.get(hit.country or ""), barcode=next(iter(hit.barcode), None),
        labels=tuple(Label(name, hit.catno) for name in hit.label[:1]),
    )  # fmt: skip


def release_of(answer: Any) -> Release | None:
    """Return a release with its tracks; None for what is none."""
    said = _Release.of(answer)
    if said.id is None:
        return None
    described = [word for one in said.formats for word in one.descriptions]
    return Release(
        SOURCE, said.id, said.title, credits=_credits(said.artists), date=_date(said),
        type=next((_TYPES[word] for word in described if word in _TYPES), None),
        secondary_types=("compilation",) if "Compilation" in described else (),
        country=_COUNTRIES.get(said.country or ""),
        barcode=next((one.value for one in said.identifiers if one.type == "Barcode"), None),
        labels=tuple(Label(_plain(one.name), one.catno) for one in said.labels),
        genres=said.genres, media=tuple(_media(said)),
    )  # fmt: skip


def told_of(answer: Any) -> dict[str, Any]:
    """Return the fields of an album that an edition of it says."""
    said = _Release.of(answer)
    rating = said.community.rating
    known = rating.average is not None and 0 < rating.average <= 5 and bool(rating.count)
    return named(
        genres=list(said.genres),
        styles=list(said.styles),
        labels=[_plain(one.name) for one in said.labels],
        catalog_numbers=[one.catno for one in said.labels if one.catno != "none"],
        rating=round((rating.average or 0) * 2, 2) if known else None,
        votes=rating.count if known else None,
    )


def picture_of(provider: str, answer: Any, base_url: str) -> Offer | None:
    """Return the cover: the one picture of which Discogs says what it is."""
    image = next((one for one in _Release.of(answer).images if one.type == "primary"), None)
    url = address(image.uri, base_url) if image is not None else None
    if image is None or url is None:
        return None
    sizes = pixels(image.width), pixels(image.height)
    return Offer(provider, tail(url), "front", url, None, address(image.uri150, base_url), *sizes)


def _date(said: _Release) -> str | None:
    return said.released or (str(said.year) if said.year and said.year > 1000 else None)


def _plain(name: str | None) -> str | None:
    return _NUMBERED.sub("", name) if name and name != "Not On Label" else None


def _credits(artists: tuple[_Artist, ...]) -> tuple[Credit, ...]:
    named_ones = [one for one in artists if one.anv or one.name]
    last = len(named_ones) - 1
    return tuple(
        _credit(one.name or "", one.anv)._replace(join="" if n == last else _join(one.join))
        for n, one in enumerate(named_ones)
    )


def _credit(name: str, shown: str | None = None) -> Credit:
    return _VARIOUS if name == "Various" else Credit(shown or _NUMBERED.sub("", name))


def _join(word: str | None) -> str:
    return ", " if word in (None, ",") else f" {word} "


def _media(said: _Release) -> Iterator[Medium]:
    """Yield the media, each with its tracks, by the positions that are printed."""
    formats = [_format(one) for one in said.formats for _ in range(min(one.qty or 1, 50))]
    entries = [*_tracks(said)]
    placed = media_of([entry.position or "" for entry in entries], formats)
    tracks: dict[int, list[ReleaseTrack]] = {}
    for entry, disc in zip(entries, placed.of, strict=True):
        place = tracks.setdefault(disc, [])
        place.append(
            ReleaseTrack(
                entry.title, len(place) + 1, entry.position, length_ms(entry.duration), _credits(entry.artists),
                video=(entry.position or "").startswith("Video"),
            )
        )  # fmt: skip
    for number in sorted(tracks):
        name = placed.formats.get(number)
        yield Medium(number, _FORMATS.get(name or "", name), len(tracks[number]), tuple(tracks[number]))


def _format(found: _Format) -> str | None:
    """Return the name of a medium: of a DVD whether it is to be heard or to be looked at."""
    return next((word for word in found.descriptions if word.startswith(f"{found.name}-")), found.name)


def _tracks(said: _Release) -> Iterator[_Track]:
    """Yield what is a track of its own: no heading, and of a work in parts the parts where each has its position."""
    for entry in said.tracklist:
        if entry.sub_tracks and not entry.position and all(part.position for part in entry.sub_tracks):
            yield from entry.sub_tracks
        elif entry.type_ != "heading":
            yield entry
