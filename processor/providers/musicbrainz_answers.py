"""What MusicBrainz answers, version 2 of its web service in JSON → releases and artists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from typing import Any, Final

from processor.metadata.known import Credit
from processor.providers.lenient import (
    Date,
    Decimal,
    Flag,
    Join,
    Lenient,
    Many,
    Mbid,
    Number,
    One,
    Text,
    Texts,
    named,
    underscored,
)
from processor.providers.release import Label, Medium, Place, Release, ReleaseTrack

SOURCE: Final = "musicbrainz"
GENRES: Final = 10  # of an album, those most people agree on
AGREED: Final = 0.1  # of the votes of the first; one of fewer is somebody's own, one of none was voted down
CREDITS: Final = 100  # ways to write one credit; of two artists with ten names each, these are all
NOTHING: Final = {"[none]", "[no label]"}  # how MusicBrainz writes that there is none
TRANSLATION: Final = "transl-tracklisting"


class _Named(Lenient):
    name: Text = None


class _Genre(Lenient):
    name: Text = None
    count: Decimal = None


class _Artist(Lenient):
    id: Mbid = None
    name: Text = None
    sort_name: Text = None
    aliases: Many[_Named] = ()


class _Credit(Lenient):
    name: Text = None
    joinphrase: Join = ""
    artist: One[_Artist] = _Artist()


class _Recording(Lenient):
    id: Mbid = None
    title: Text = None
    length: Number = None
    video: Flag = False
    isrcs: Texts = ()
    artist_credit: Many[_Credit] = ()


class _Track(Lenient):
    id: Mbid = None
    title: Text = None
    number: Text = None
    position: Number = None
    length: Number = None
    artist_credit: Many[_Credit] = ()
    recording: One[_Recording] = _Recording()


class _Medium(Lenient):
    position: Number = None
    format: Text = None
    track_count: Number = None
    tracks: Many[_Track] = ()
    pregap: One[_Track] = _Track()
    data_tracks: Many[_Track] = ()


class _LabelInfo(Lenient):
    catalog_number: Text = None
    label: One[_Named] = _Named()


class _Group(Lenient):
    id: Mbid = None
    title: Text = None
    primary_type: Text = None
    secondary_types: Texts = ()
    first_release_date: Date = None
    genres: Many[_Genre] = ()


class _Area(Lenient):
    iso_3166_1_codes: Texts = ()


class _Event(Lenient):
    date: Date = None
    area: One[_Area] = _Area()


class _Words(Lenient):
    language: Text = None


class _Id(Lenient):
    id: Mbid = None


class _Relation(Lenient):
    type: Text = None
    direction: Text = None
    release: One[_Id] = _Id()


class _Release(Lenient):
    id: Mbid = None
    title: Text = None
    status: Text = None
    disambiguation: Text = None
    date: Date = None
    country: Text = None
    barcode: Text = None
    artist_credit: Many[_Credit] = ()
    release_group: One[_Group] = _Group()
    label_info: Many[_LabelInfo] = ()
    media: Many[_Medium] = ()
    release_events: Many[_Event] = ()
    text_representation: One[_Words] = _Words()
    genres: Many[_Genre] = ()
    aliases: Many[_Named] = ()
    relations: Many[_Relation] = ()
    release_relations: Many[_Relation] = ()


class _Found(Lenient):
    releases: Many[_Release] = ()


class _Span(Lenient):
    begin: Date = None
    end: Date = None


class _ArtistAnswer(_Artist):
    type: Text = None
    gender: Text = None
    country: Text = None
    disambiguation: Text = None
    life_span: One[_Span] = _Span()
    genres: Many[_Genre] = ()


def release_of(answer: Any, asked: str | None = None) -> Release | None:
    """Return the release of an answer, also known by the id that was asked for; None when it is none."""
    return _release(_Release.of(underscored(answer)), asked)


def releases_of(answer: Any) -> list[Release]:
    """Return the releases a search found, without their tracks."""
    return [found for one in _Found.of(underscored(answer)).releases if (found := _release(one, None))]


def artist_of(answer: Any) -> dict[str, Any]:
    """Return the fields of an artist as metadata has them; what is not known is left out."""
    artist = _ArtistAnswer.of(underscored(answer))
    is_person = artist.type in ("Person", "Character")
    begin, end = ("born", "died") if is_person else ("formed", "disbanded")
    return named(
        name=artist.name,
        sort_name=artist.sort_name,
        type=artist.type,
        gender=artist.gender,
        disambiguation=artist.disambiguation,
        country=artist.country,
        genres=list(_genres(artist.genres)),
        artist_id=artist.id,
        **{begin: artist.life_span.begin, end: artist.life_span.end},
    )


def _release(found: _Release, asked: str | None) -> Release | None:
    if found.id is None:
        return None
    group, credits = found.release_group, found.artist_credit
    return Release(
        SOURCE,
        found.id,
        title=found.title,
        ids=frozenset({found.id, asked} - {None}),  # type: ignore[arg-type]
        also=_others(found.title, [group.title, *(alias.name for alias in found.aliases)]),
        credits=_credits(credits),
        artist_also=_artist_names(credits),
        group_id=group.id,
        type=group.primary_type,
        secondary_types=group.secondary_types,
        original_date=group.first_release_date,
        status=found.status,
        disambiguation=found.disambiguation,
        date=found.date or next((event.date for event in found.release_events if event.date), None),
        country=found.country or next(_countries(found.release_events), None),
        countries=tuple(_countries(found.release_events)),
        barcode=_real(found.barcode),
        labels=_labels(found.label_info),
        genres=_genres(found.genres) or _genres(group.genres),
        language=found.text_representation.language,
        media=tuple(map(_medium, found.media)),
        translates=_translates(found),
    )


def _medium(found: _Medium) -> Medium:
    hidden = [_track(found.pregap, "pregap")] if found.pregap.id else []
    data = [_track(track, "data") for track in found.data_tracks]
    tracks = (*hidden, *(_track(track, "track") for track in found.tracks), *data)
    return Medium(found.position, found.format, found.track_count, tracks)


def _track(found: _Track, place: Place) -> ReleaseTrack:
    recording = found.recording
    return ReleaseTrack(
        title=found.title or recording.title,
        position=found.position,
        number=found.number,
        length_ms=found.length or recording.length,
        credits=_credits(found.artist_credit or recording.artist_credit),
        track_id=found.id,
        recording_id=recording.id,
        isrcs=recording.isrcs,
        also=_others(found.title, [recording.title]),
        place=place,
        video=recording.video,
    )


def _credits(found: Iterable[_Credit]) -> tuple[Credit, ...]:
    named = ((one, one.name or one.artist.name) for one in found)
    return tuple(Credit(name, one.artist.id, one.joinphrase, one.artist.sort_name) for one, name in named if name)


def _artist_names(credits: Sequence[_Credit]) -> tuple[str, ...]:
    """Return what a credit may read, too, where each of its artists may go by any of their names."""
    known = [[one.name, one.artist.name, *(alias.name for alias in one.artist.aliases)] for one in credits]
    each = [[name + one.joinphrase for name in _others(None, names)] for one, names in zip(credits, known, strict=True)]
    read = ("".join(names) for names in product(*each))
    return tuple(islice(read, 1, CREDITS)) if each else ()


def _others(name: str | None, names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in names if one and one != name))


def _labels(found: Iterable[_LabelInfo]) -> tuple[Label, ...]:
    labels = (Label(_real(one.label.name), _real(one.catalog_number)) for one in found)
    return tuple(dict.fromkeys(label for label in labels if any(label)))


def _real(text: str | None) -> str | None:
    return None if text is None or text.casefold() in NOTHING else text


def _genres(found: Iterable[_Genre]) -> tuple[str, ...]:
    ordered = sorted(found, key=lambda genre: -(genre.count or 0))
    least = max(1.0, AGREED * (ordered[0].count or 0)) if ordered else 1.0
    return tuple(one.name for one in ordered if one.name and (one.count is None or one.count >= least))[:GENRES]


def _countries(events: Iterable[_Event]) -> Iterator[str]:
    return (code for event in events for code in event.area.iso_3166_1_codes)


def _translates(found: _Release) -> str | None:
    related = (one for one in (*found.relations, *found.release_relations) if one.type == TRANSLATION)
    return next((one.release.id for one in related if one.direction == "backward" and one.release.id), None)
