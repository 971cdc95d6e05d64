"""What a container says field by field, a stream and its pictures → a row of facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from scanner.facts import Facts, Picture
from scanner.tags.normalise import (
    LIST_LIMIT,
    Texts,
    artists,
    date,
    decimal,
    disc,
    first,
    flag,
    ids,
    r128_gain,
    texts,
    total,
    track,
)

_LARGEST_MEASURE = 1e12  # milliseconds, bit/s, Hz; a database column holds it, and only a broken header says more


# The sound itself: codec, seconds, bits per second, Hz, bits per sample, channels; 0 means unknown, as in most headers.
Stream = tuple[str | None, float, float, float, int, int]

# The values of Facts, in its order. A list, because every file comes by here and few become Facts where they are read.
Row = list[Any]

# What one tag says: the place of its field in a row, what belongs there, and the values as written.
# Plain tuples and not classes of their own: there are a dozen of them in every file of a scan.
Said = tuple[int, Any, Texts]


class Field(NamedTuple):
    """Where the value of a field belongs in a row, and how it is made of what was written."""

    place: int
    convert: Callable[[Texts], Any]
    shared: bool  # by the tracks of an album, so that it is worth remembering


def say(field: str, values: Texts) -> Said:
    """Convert the values of one field."""
    place, convert, _ = FIELDS[field]
    return place, convert(values), values


def joined(said: list[Said]) -> list[Said]:
    """Return what was said of each field once; values of one field that stand apart belong together."""
    if len({one[0] for one in said}) == len(said):
        return said
    values: dict[int, list[str]] = {}
    for place, _, more in said:
        values.setdefault(place, []).extend(more)
    one_each = {one[0]: one for one in said}
    return [
        one if len(values[place]) == len(one[2]) else (place, _CONVERTERS[place](values[place]), values[place])
        for place, one in one_each.items()
    ]


def row_of(said: Iterable[Said], stream: Stream, pictures: list[Picture]) -> Row:
    """Put everything into its place, where the last that is said counts.

    Without a loop it could do without, because every file comes by here.
    """
    row = _NOTHING[:]
    for place, value, _ in said:
        row[place] = value
    row[_ARTIST], names = row[_ARTIST_AND_NAMES]
    row[_ARTISTS] = row[_ARTISTS] or names
    row[_ALBUM_ARTIST], names = row[_ALBUM_ARTIST_AND_NAMES]
    row[_ALBUM_ARTISTS] = row[_ALBUM_ARTISTS] or names
    row[_TRACK], total, on_disc = row[_TRACK_AND_TOTAL]
    row[_TRACK + 1] = row[_TRACK + 1] or total
    row[_DISC], total = row[_DISC_AND_TOTAL]
    row[_DISC] = on_disc or row[_DISC]  # the tag may tell the record of two sides
    row[_DISC + 1] = row[_DISC + 1] or total
    if row[_R128_TRACK] is not None:
        row[_RG_TRACK] = row[_R128_TRACK]
    if row[_R128_ALBUM] is not None:
        row[_RG_ALBUM] = row[_R128_ALBUM]
    codec, seconds, bitrate, sample_rate, bits, channels = stream
    milliseconds = seconds * 1000
    row[_CODEC:_ARTISTS] = (
        codec,
        round(milliseconds) or None if milliseconds < _LARGEST_MEASURE else None,
        round(bitrate) or None if bitrate < _LARGEST_MEASURE else None,
        round(sample_rate) or None if sample_rate < _LARGEST_MEASURE else None,
        bits or None,
        channels or None,
    )
    row[_PICTURES:] = (tuple(pictures[:LIST_LIMIT]) if pictures else (),)
    return row


# Behind a row that is being filled stand the values that go to two places, or only maybe to one, when all is said.
_PLACES = {field: place for place, field in enumerate(Facts._fields)}
_ARTIST, _ALBUM_ARTIST, _TRACK, _DISC, _CODEC, _ARTISTS, _ALBUM_ARTISTS, _PICTURES, _RG_TRACK, _RG_ALBUM = (
    *(_PLACES[field] for field in ("artist", "album_artist", "track", "disc", "codec")),
    *(_PLACES[field] for field in ("artists", "album_artists", "pictures", "rg_track_gain", "rg_album_gain")),
)
_ARTIST_AND_NAMES, _ALBUM_ARTIST_AND_NAMES, _TRACK_AND_TOTAL, _DISC_AND_TOTAL, _R128_TRACK, _R128_ALBUM, ELSEWHERE = (
    range(len(_PLACES), len(_PLACES) + 7)
)
_NOTHING: list[Any] = [*Facts(), (None, ()), (None, ()), (None, None, None), (None, None), None, None, None]
UNWANTED: Said = (ELSEWHERE, None, ())  # what a tag says that fills no field

# What no two tracks share, and nobody should remember.
UNIQUE = frozenset(("title", "mb_recording_id", "mb_track_id"))
_ONE_TEXT = ("title", "album", "disc_subtitle", "label", "catalog_number", "barcode", "country", "media")
_BY_FIELD: dict[str, tuple[int, Callable[[Texts], Any]]] = {
    **{field: (_PLACES[field], first) for field in _ONE_TEXT},
    **{field: (_PLACES[field], first) for field in _PLACES if field.startswith("mb_") and field.endswith("_id")},
    **{field: (_PLACES[field], ids) for field in _PLACES if field.startswith("mb_") and field.endswith("_ids")},
    **{field: (_PLACES[field], texts) for field in ("artists", "album_artists")},
    **{field: (_PLACES[field], total) for field in ("track_total", "disc_total")},
    **{field: (_PLACES[field], date) for field in ("date", "original_date")},
    **{field: (_PLACES[field], decimal) for field in _PLACES if field.startswith("rg_")},
    "genre": (_PLACES["genres"], texts),
    "compilation": (_PLACES["compilation"], flag),
    "artist": (_ARTIST_AND_NAMES, artists),
    "album_artist": (_ALBUM_ARTIST_AND_NAMES, artists),
    "track": (_TRACK_AND_TOTAL, track),
    "disc": (_DISC_AND_TOTAL, disc),
    "r128_track": (_R128_TRACK, r128_gain),
    "r128_album": (_R128_ALBUM, r128_gain),
}
FIELDS = {field: Field(*where, field not in UNIQUE) for field, where in _BY_FIELD.items()}
_CONVERTERS = dict(_BY_FIELD.values())
