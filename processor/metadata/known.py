"""An album, its tracks and its artists as players, names and NFO files want them; unknown is None or empty.

Dates are as precise as they are known: "1998", "1998-11" or "1998-11-02".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

VARIOUS_ARTISTS: Final = "89ad4ac3-39f7-470e-963a-56509c546377"  # MusicBrainz' artist that is nobody


class Credit(NamedTuple):
    """One artist of a credit, named as on the cover. `join` stands between this name and the next: " feat. "."""

    name: str
    artist_id: str | None = None  # MusicBrainz artist
    join: str = ""
    sort_name: str | None = None


def credited(credits: Sequence[Credit]) -> str | None:
    """Return a credit as it is displayed: "Air feat. Beth"."""
    return "".join(credit.name + credit.join for credit in credits) or None


@dataclass(frozen=True, slots=True)
class TrackMetadata:
    """One track; `path` is its file, relative to the album's folder."""

    path: bytes
    title: str | None = None
    disc: int | None = None
    position: int | None = None  # on its disc
    credits: tuple[Credit, ...] = ()
    duration_ms: int | None = None
    recording_id: str | None = None  # MusicBrainz recording: what tags call MUSICBRAINZ_TRACKID
    track_id: str | None = None  # MusicBrainz track: what tags call MUSICBRAINZ_RELEASETRACKID
    isrcs: tuple[str, ...] = ()
    instrumental: bool | None = None
    lyrics: str | None = None  # plain
    synced_lyrics: str | None = None  # LRC


@dataclass(frozen=True, slots=True)
class AlbumMetadata:
    """One album. Ids are MusicBrainz's."""

    title: str | None = None
    credits: tuple[Credit, ...] = ()
    release_id: str | None = None
    release_group_id: str | None = None
    date: str | None = None  # of this release
    original_date: str | None = None  # of its first one
    country: str | None = None  # ISO 3166-1, or XW for the world
    status: str | None = None  # official, promotion, bootleg, pseudo-release …
    type: str | None = None  # album, single, ep, broadcast, other
    secondary_types: tuple[str, ...] = ()  # live, compilation, soundtrack, remix …
    compilation: bool | None = None  # of various artists
    labels: tuple[str, ...] = ()
    catalog_numbers: tuple[str, ...] = ()
    barcode: str | None = None
    disambiguation: str | None = None
    language: str | None = None  # ISO 639-3
    genres: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    review: str | None = None
    rating: float | None = None  # 0…10
    votes: int | None = None
    tracks: tuple[TrackMetadata, ...] = ()  # by disc, position, path

    @property
    def year(self) -> int | None:
        """The year people file the album under: of its first release, where that is known."""
        date = self.original_date or self.date
        return int(date[:4]) if date else None


@dataclass(frozen=True, slots=True)
class ArtistMetadata:
    """One artist; a person is born and dies, a group is formed and disbanded."""

    name: str
    artist_id: str | None = None  # MusicBrainz artist
    sort_name: str | None = None
    type: str | None = None  # person, group, orchestra, choir, character, other
    gender: str | None = None
    disambiguation: str | None = None
    country: str | None = None
    born: str | None = None
    formed: str | None = None
    died: str | None = None
    disbanded: str | None = None
    years_active: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    biography: str | None = None
