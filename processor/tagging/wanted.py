"""What is known of an album and a track → the tags its file shall have, by Picard's names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from processor.metadata.known import VARIOUS_ARTISTS, AlbumMetadata, Credit, TrackMetadata, credited
from scanner.grouping.folding import fold
from scanner.grouping.placeholders import is_various

# By name of a Vorbis comment; what is unknown is not in it, and stays what it was; a tag without a value goes.
Wanted = dict[str, list[str]]
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def wanted(album: AlbumMetadata, track: TrackMetadata, said: Mapping[str, Any] = _NOTHING) -> Wanted:
    """Return the tags of one file; `said` is what it says so far, by fields of scanner.facts.

    `MUSICBRAINZ_TRACKID` is the recording's id, `MUSICBRAINZ_RELEASETRACKID` the track's (Picard's tag mapping).
    """
    artist, last = said.get("artist"), max((one.disc or 0 for one in album.tracks), default=0)
    types = [name for name in (album.type, *album.secondary_types) if name]
    tags = {
        "TITLE": _one(track.title),
        "ALBUM": _one(album.title),
        "DATE": _one(album.date),
        "ORIGINALDATE": _one(album.original_date),
        "TRACKNUMBER": _on_disc(track, album, said.get("track_total")),
        "DISCNUMBER": _of_all(track.disc, said.get("disc_total"), last),
        "GENRE": list(album.genres),
        "LABEL": list(album.labels),
        "CATALOGNUMBER": list(album.catalog_numbers),
        "BARCODE": _one(album.barcode),
        "ISRC": list(track.isrcs),
        "COMPILATION": ["1"] if album.compilation else [],
        "RELEASETYPE": [name.lower() for name in types],
        "RELEASESTATUS": _one(album.status and album.status.lower()),
        "RELEASECOUNTRY": _one(album.country),
        "MUSICBRAINZ_ALBUMCOMMENT": _one(album.disambiguation),
        "MUSICBRAINZ_ALBUMID": _one(album.release_id),
        "MUSICBRAINZ_RELEASEGROUPID": _one(album.release_group_id),
        "MUSICBRAINZ_TRACKID": _one(track.recording_id),
        "MUSICBRAINZ_RELEASETRACKID": _one(track.track_id),
    }
    return {
        **{name: values for name, values in tags.items() if values},
        **({"COMPILATION": []} if album.compilation is False else {}),
        **_by("ARTIST", track.credits or album.credits, artist, said.get("artists", ())),
        **_by("ALBUMARTIST", album.credits, said.get("album_artist", artist), said.get("album_artists", ())),
    }


def _by(tag: str, credits: Sequence[Credit], shown: str | None, names: Sequence[str]) -> Wanted:
    """Return the tags of a credit, where a file shows another one, or the same, and has told `names` apart in it.

    Ids and sort names that nobody knows go with the names they belonged to: to players an id is the artist, who would
    have the new name from then on, in all albums.
    """
    credit = credited(credits)
    if credit is None:
        return {}
    tags = {
        tag: [credit],
        f"{tag}S": [credit.name for credit in credits],
        f"{tag}SORT": _sorted(credits),
        f"{tag}SSORT": [credit.sort_name or credit.name for credit in credits] if len(credits) > 1 else [],
        f"MUSICBRAINZ_{tag}ID": _ids(credits),
    }
    if shown is not None and fold(shown) != fold(credit):
        return tags
    if len(names) > len(credits):
        del tags[f"{tag}S"]
    return {name: values for name, values in tags.items() if values}


def _on_disc(track: TrackMetadata, album: AlbumMetadata, total: int | None) -> list[str]:
    """Return a track's number, with the total of its disc where the file has that of all: "15/20" of two discs."""
    there = sum((one.disc or 1) == (track.disc or 1) for one in album.tracks)
    is_of_all = total == len(album.tracks) != there
    return [f"{track.position}/{there}"] if track.position and is_of_all else _one(track.position)


def _of_all(disc: int | None, total: int | None, last: int) -> list[str]:
    """Return a disc's number, with a total where the file has one that the album is beyond: "1/1" of two discs."""
    return _one(disc) if disc is None or total is None or total >= last else [f"{disc}/{last}"]


def _one(value: str | int | None) -> list[str]:
    return [] if value is None else [str(value)]


def _sorted(credits: Sequence[Credit]) -> list[str]:
    """Return the credit in the order it is sorted by, if everybody's is known."""
    if any(credit.sort_name is None for credit in credits):
        return []
    return _one(credited([credit._replace(name=credit.sort_name or "") for credit in credits]))


def _ids(credits: Iterable[Credit]) -> list[str]:
    """Return the ids of all artists, or nothing: tags pair them with the names by their order."""
    found = [credit.artist_id or (VARIOUS_ARTISTS if is_various(credit.name) else None) for credit in credits]
    return [one for one in found if one] if all(found) else []
