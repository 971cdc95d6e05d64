"""What is known of an album and a track → the tags its file shall have, by Picard's names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from processor.metadata.known import AlbumMetadata, Credit, TrackMetadata, credited

Wanted = dict[str, list[str]]  # by name of a Vorbis comment; what is unknown is not in it, and stays what it was


def wanted(album: AlbumMetadata, track: TrackMetadata) -> Wanted:
    """Return the tags of one file.

    `MUSICBRAINZ_TRACKID` is the recording's id, `MUSICBRAINZ_RELEASETRACKID` the track's (Picard's tag mapping).
    """
    credits = track.credits or album.credits
    types = [name for name in (album.type, *album.secondary_types) if name]
    tags = {
        "TITLE": _one(track.title),
        "ARTIST": _one(credited(credits)),
        "ARTISTS": [credit.name for credit in credits],
        "ARTISTSORT": _sorted(credits),
        "ALBUM": _one(album.title),
        "ALBUMARTIST": _one(credited(album.credits)),
        "ALBUMARTISTSORT": _sorted(album.credits),
        "DATE": _one(album.date),
        "ORIGINALDATE": _one(album.original_date),
        "TRACKNUMBER": _one(track.position),
        "DISCNUMBER": _one(track.disc),
        "GENRE": list(album.genres),
        "LABEL": list(album.labels),
        "CATALOGNUMBER": list(album.catalog_numbers),
        "BARCODE": _one(album.barcode),
        "ISRC": list(track.isrcs),
        "COMPILATION": ["1"] if album.compilation else [],
        "RELEASETYPE": [name.lower() for name in types],
        "RELEASESTATUS": _one(album.status and album.status.lower()),
        "RELEASECOUNTRY": _one(album.country),
        "MUSICBRAINZ_ALBUMID": _one(album.release_id),
        "MUSICBRAINZ_RELEASEGROUPID": _one(album.release_group_id),
        "MUSICBRAINZ_TRACKID": _one(track.recording_id),
        "MUSICBRAINZ_RELEASETRACKID": _one(track.track_id),
        "MUSICBRAINZ_ARTISTID": _ids(credits),
        "MUSICBRAINZ_ALBUMARTISTID": _ids(album.credits),
    }
    return {name: values for name, values in tags.items() if values}


def _one(value: str | int | None) -> list[str]:
    return [] if value is None else [str(value)]


def _sorted(credits: Sequence[Credit]) -> list[str]:
    """Return the credit in the order it is sorted by, if everybody's is known."""
    if any(credit.sort_name is None for credit in credits):
        return []
    return _one(credited([credit._replace(name=credit.sort_name or "") for credit in credits]))


def _ids(credits: Iterable[Credit]) -> list[str]:
    """Return the ids of all artists, or nothing: tags pair them with the names by their order."""
    found = [credit.artist_id for credit in credits]
    return [one for one in found if one] if all(found) else []
