"""What is known of an album → album.nfo, its elements in the order Kodi writes them. Pure.

Source of names and order: CAlbum::Save of Kodi (xbmc/music/Album.cpp). What is unknown is left out, but never the year
where any date is known. Ids are in the camel case that Kodi asks for; Jellyfin reads them in any.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Final

from processor.metadata.known import AlbumMetadata, Credit, TrackMetadata
from processor.nfo.xml import MOST, add, add_all

ROOT: Final = "album"


def element(album: AlbumMetadata) -> ET.Element:
    """Return the elements of the file."""
    root = ET.Element(ROOT)
    add(root, "title", album.title)
    add(root, "musicbrainzalbumid", album.release_id)
    add(root, "musicbrainzreleasegroupid", album.release_group_id)
    add_all(root, "genre", album.genres)
    add_all(root, "style", album.styles)
    add_all(root, "mood", album.moods)
    add_all(root, "theme", album.themes)
    add(root, "compilation", album.compilation)
    add(root, "review", album.review)
    add(root, "type", " / ".join(filter(None, (album.type, *album.secondary_types))))
    add(root, "releasestatus", album.status)
    _dates(root, album)
    add_all(root, "label", album.labels)
    _rating(root, album)
    date = album.date or album.original_date
    add(root, "year", date and date[:4])
    _credits(root, "albumArtistCredits", album.credits)
    for track in album.tracks[:MOST]:
        _track(root, track)
    add(root, "releasetype", album.type and ("single" if album.type == "single" else "album"))
    return root


def _dates(root: ET.Element, album: AlbumMetadata) -> None:
    add(root, "releasedate", album.date or album.original_date)
    add(root, "originalreleasedate", album.original_date)


def _rating(root: ET.Element, album: AlbumMetadata) -> None:
    if album.rating is not None:
        add(root, "rating", f"{album.rating:g}", max="10")
        add(root, "votes", album.votes)


def _credits(parent: ET.Element, tag: str, credits: Iterable[Credit]) -> None:
    for credit in credits:
        one = ET.SubElement(parent, tag)
        add(one, "artist", credit.name)
        add(one, "musicBrainzArtistID", credit.artist_id)


def _track(root: ET.Element, track: TrackMetadata) -> None:
    one = ET.SubElement(root, "track")
    _credits(one, "songArtistCredits", track.credits)
    add(one, "musicBrainzTrackID", track.recording_id)  # Kodi means the recording, as the tag of that name does
    add(one, "title", track.title)
    add(one, "position", track.position)
    add(one, "duration", None if track.duration_ms is None else _minutes(track.duration_ms))


def _minutes(milliseconds: int) -> str:
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
