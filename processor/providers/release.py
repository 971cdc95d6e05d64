"""A release as a provider tells of it: its edition, media, tracks and credits; whatever it does not say is None."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from processor.metadata.known import VARIOUS_ARTISTS, Credit

PSEUDO: Final = "Pseudo-Release"  # MusicBrainz's status of a track list in another language or script

# Formats that are to be looked at or read, and the second layers of discs that are to be heard.
_BESIDE: Final = (
    "dvd-video", "hd-dvd", "blu-ray", "vhs", "laserdisc", "vcd", "umd", "betamax", "(sacd layer", "(dvd-audio side",
    "data cd",
)  # fmt: skip

Place = Literal["track", "pregap", "data"]


class Label(NamedTuple):
    """Who brought a release out, and under which number."""

    name: str | None = None
    catalog_number: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseTrack:
    """One track of a medium."""

    title: str | None = None
    position: int | None = None  # on its medium; 0 before the first
    number: str | None = None  # as printed: "A1"
    length_ms: int | None = None
    credits: tuple[Credit, ...] = ()
    track_id: str | None = None
    recording_id: str | None = None
    isrcs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # what else it is called: the recording's title, a translation
    place: Place = "track"
    video: bool = False


@dataclass(frozen=True, slots=True)
class Medium:
    """One disc, side or download."""

    position: int | None = None
    format: str | None = None  # CD, 12" Vinyl, Digital Media, DVD-Video
    track_count: int | None = None  # as told; the tracks may not be
    tracks: tuple[ReleaseTrack, ...] = ()

    @property
    def is_beside(self) -> bool:
        """Whether nobody misses its tracks beside a disc to be heard: a film, or the same in another layer."""
        name = (self.format or "").casefold()
        return name == "dvd" or any(word in name for word in _BESIDE)


@dataclass(frozen=True, slots=True)
class Release:
    """One edition of an album. `ids` are all it is known by: the id asked for may have been merged into its own."""

    source: str  # the provider
    id: str
    title: str | None = None
    ids: frozenset[str] = frozenset()
    also: tuple[str, ...] = ()  # other titles: aliases, the group's, a translation's
    credits: tuple[Credit, ...] = ()
    artist_also: tuple[str, ...] = ()  # other names of the artists
    group_id: str | None = None
    type: str | None = None
    secondary_types: tuple[str, ...] = ()
    original_date: str | None = None
    status: str | None = None
    disambiguation: str | None = None
    date: str | None = None
    country: str | None = None
    countries: tuple[str, ...] = ()  # all it was released in
    barcode: str | None = None
    labels: tuple[Label, ...] = ()
    genres: tuple[str, ...] = ()
    language: str | None = None
    media: tuple[Medium, ...] = ()
    translates: str | None = None  # the release a pseudo-release is a translation of

    @property
    def is_various(self) -> bool:
        """Whether its tracks are of many artists, so that none of them is the album's."""
        return any(credit.artist_id == VARIOUS_ARTISTS for credit in self.credits)

    @property
    def is_live(self) -> bool:
        """Whether all of it is of a concert, so that its titles may say so or not."""
        return "live" in map(str.casefold, self.secondary_types)

    @property
    def is_pseudo(self) -> bool:
        """Whether it was never sold: a translation of another release's track list."""
        return self.status == PSEUDO

    @property
    def track_count(self) -> int | None:
        """How many tracks it has, as far as every medium says."""
        return _count(self.media)

    @property
    def heard_count(self) -> int | None:
        """The same, without what is beside them."""
        return _count([medium for medium in self.media if not medium.is_beside])

    @property
    def has_tracks(self) -> bool:
        """Whether the tracks themselves are told; answers to a search hold only how many there are."""
        return any(medium.tracks for medium in self.media)

    def translated_by(self, pseudo: Release) -> Release:
        """Return this release, known by the titles of a translation of its track list, too."""
        titles = {(medium.position, track.position): track.title for medium, track in pseudo.tracks()}

        def named(medium: Medium, track: ReleaseTrack) -> ReleaseTrack:
            title = titles.get((medium.position, track.position))
            return replace(track, also=(*track.also, title)) if title else track

        media = (replace(one, tracks=tuple(named(one, track) for track in one.tracks)) for one in self.media)
        names = (credit.name + credit.join for credit in pseudo.credits)
        return replace(
            self,
            media=tuple(media),
            also=(*self.also, *([pseudo.title] if pseudo.title else []), *pseudo.also),
            artist_also=(*self.artist_also, *filter(None, ["".join(names)]), *pseudo.artist_also),
        )

    def tracks(self) -> Iterator[tuple[Medium, ReleaseTrack]]:
        """Yield all tracks with their media, in order."""
        return ((medium, track) for medium in self.media for track in medium.tracks)


def _count(media: Sequence[Medium]) -> int | None:
    counts = [medium.track_count if medium.track_count is not None else len(medium.tracks) for medium in media]
    return sum(counts) if counts else None
