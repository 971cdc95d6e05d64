"""The tracks of an album and of a release → who is who, and how far apart each pair is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from processor.matching.assignment import assign
from processor.matching.names import artist_distance, title_distance
from processor.matching.own import OwnAlbum, OwnTrack
from processor.matching.parts import Part, artist_names, shown, titles
from processor.providers.release import Medium, Release, ReleaseTrack

WEIGHTS: Final = {"track id": 5.0, "title": 3.0, "track artist": 2.0, "length": 2.0, "index": 1.0, "medium": 1.0}
GRACE: Final = 10.0  # seconds that do not count
MOST: Final = 30.0  # so many seconds beyond are as bad as it gets
TOO_FAR: Final = 0.6  # two tracks further apart than this are not one
OTHER_RECORDING: Final = 0.5  # its id is another: one recording may have several, and they are merged now and then
NEARER: Final = 1e-4  # for a second: of two that are as near otherwise, the one that is as long; less than any name's
LAST: Final = 1e-6  # and one to be heard comes before one to be looked at
SILENT: Final = {"[silence]", "[data track]"}  # how MusicBrainz calls what no ripper keeps


class Pair(NamedTuple):
    """One of our tracks and the release's it is taken for, by their places in the lists."""

    own: int
    theirs: int
    distance: float
    seconds_apart: float | None
    parts: tuple[Part, ...]


class Pairing(NamedTuple):
    """Who is who; `missing` are tracks of the release we have not, `unmatched` ours that it has not."""

    pairs: tuple[Pair, ...]
    missing: tuple[int, ...]
    unmatched: tuple[int, ...]


class Place(NamedTuple):
    """A release's track where it stands."""

    medium: Medium
    track: ReleaseTrack
    overall: int  # counted through all media
    heard: int  # the same, of those that are missed
    disc: int | None  # the medium's number among those to be heard
    is_missed: bool  # whether an album without it is not whole: no data, hidden, silent or video track is


def places(release: Release) -> list[Place]:
    """Return the tracks of a release, where they stand."""
    audible = [medium for medium in release.media if not medium.is_beside] or release.media
    discs = {id(medium): n for n, medium in enumerate(audible, 1)}
    found, heard = [], 0
    for n, (medium, track) in enumerate(release.tracks(), 1):
        disc = discs.get(id(medium))
        is_song = track.place == "track" and (track.title or "").casefold() not in SILENT
        is_missed = is_song and disc is not None and not track.video
        heard += is_missed
        found.append(Place(medium, track, n, heard, disc, is_missed))
    return found


def paired(own: OwnAlbum, release: Release) -> Pairing:
    """Return the pairing with the least distances; tracks that are too far apart stay alone.

    Data, hidden, silent and video tracks are not missed by anybody.
    """
    there = places(release)
    is_shared = _shares_artist(own)
    table = [[_compared(track, place, release, is_shared) for place in there] for track in own.tracks]
    costs = [
        [_cost(track, place, parts) for place, parts in zip(there, row, strict=True)]
        for track, row in zip(own.tracks, table, strict=True)
    ]
    columns = assign(costs)
    pairs = [
        Pair(ours, theirs, value(table[ours][theirs]), apart(own.tracks[ours], there[theirs].track),
             tuple(table[ours][theirs]))
        for ours, theirs in enumerate(columns)
        if theirs is not None and value(table[ours][theirs]) < TOO_FAR
    ]  # fmt: skip
    found, taken = {pair.own for pair in pairs}, {pair.theirs for pair in pairs}
    return Pairing(
        tuple(pairs),
        tuple(n for n, place in enumerate(there) if n not in taken and place.is_missed),
        tuple(n for n in range(len(own.tracks)) if n not in found),
    )


def value(parts: Sequence[Part]) -> float:
    """Return the distance that parts make: their penalties by weight, from 0 to 1; 1 where nothing was compared."""
    weight = sum(part.weight for part in parts)
    return sum(part.weight * part.penalty for part in parts) / weight if weight else 1.0


def apart(ours: OwnTrack, theirs: ReleaseTrack) -> float | None:
    """Return by how many seconds two tracks differ."""
    if ours.length_ms is None or theirs.length_ms is None:
        return None
    return abs(ours.length_ms - theirs.length_ms) / 1000


def _compared(ours: OwnTrack, place: Place, release: Release, is_shared: bool) -> list[Part]:
    track, found = place.track, []
    if (away := _id(ours, track)) is not None:
        found.append(_part("track id", away, "The id is another." if away else "The id is the same."))
    if ours.title and track.title:
        away = min(title_distance(ours.title, name) for name in titles(release, (track.title, *track.also)))
        why = "The title is the same." if away == 0 else f"{shown(ours.title)} here, {shown(track.title)} there."
        found.append(_part("title", away, why))
    if ours.artist and track.credits and not (is_shared and track.credits == release.credits):
        names = [*artist_names(track.credits), *(() if release.is_various else artist_names(release.credits))]
        away = min(artist_distance(ours.artist, name) for name in names)
        found.append(_part("track artist", away, f"By {shown(ours.artist)} here, by {shown(names[0])} there."))
    if (seconds := apart(ours, track)) is not None:
        beyond = max(0.0, seconds - GRACE)
        found.append(_part("length", min(1.0, beyond / MOST), f"The lengths are {seconds:.0f} s apart."))
    return found + _where(ours, place, release)


def _where(ours: OwnTrack, place: Place, release: Release) -> list[Part]:
    """Compare numbers; who counts through all discs is right as well."""
    if ours.position is None:
        return []
    position, medium = place.track.position, place.medium.position
    is_through = ours.position in (place.overall, place.heard)
    is_index = is_through or ours.position == position
    found = [_part("index", 0.0 if is_index else 1.0, f"Number {ours.position} here, {position} there.")]
    if ours.disc is not None and medium is not None and len(release.media) > 1:
        is_medium = is_through or ours.disc in (medium, place.disc)
        found.append(_part("medium", 0.0 if is_medium else 1.0, f"Disc {ours.disc} here, {medium} there."))
    return found


def _cost(ours: OwnTrack, place: Place, parts: Sequence[Part]) -> float:
    """Return what it costs to take two for one: their distance, and what decides where that is the same."""
    seconds = min(apart(ours, place.track) or 0.0, MOST)
    return min(value(parts), TOO_FAR) + seconds * NEARER + (0.0 if place.is_missed else LAST)


def _id(ours: OwnTrack, theirs: ReleaseTrack) -> float | None:
    """Return how far apart ids say that two tracks are; None where they say nothing."""
    recordings = {ours.recording_id} if ours.recording_id else ours.heard
    tracks = bool(ours.track_id and theirs.track_id)
    if (tracks and ours.track_id == theirs.track_id) or theirs.recording_id in recordings:
        return 0.0
    if tracks:
        return 1.0
    return OTHER_RECORDING if recordings and theirs.recording_id else None


def _shares_artist(own: OwnAlbum) -> bool:
    """Whether every track is by the album's artist, so that it was compared already."""
    return all(track.artist is None or track.artist == own.artist for track in own.tracks)


def _part(name: str, penalty: float, why: str) -> Part:
    return Part(name, WEIGHTS[name], penalty, why)
