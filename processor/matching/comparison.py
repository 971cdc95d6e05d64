"""An album and a release → their distance, part by part, and what forbids to take one for the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.reasons import Reason
from processor.matching.names import OTHER_NUMBER
from processor.matching.own import OwnAlbum
from processor.matching.parts import Part, album_parts, part, shown
from processor.matching.tracks import GRACE, MOST, Pair, Place, paired, places, value
from processor.providers.release import Release

TRACK: Final = 0.25  # a pair of tracks further apart than this is looked at by a person
TRACKS_DIFFER: Final = "tracks_differ"  # the code of the doubt that some tracks are not ours
MANY: Final = 4  # tracks that agree say who the artist is, too, where a release does not tell
NAMED: Final = 8  # of a list in a sentence; the others are counted


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far an album is from one release, and why."""

    release: Release
    parts: tuple[Part, ...]  # of the album, and all pairs, missing and unmatched tracks as one each
    pairs: tuple[Pair, ...]
    missing: tuple[int, ...]  # places in the release's list
    unmatched: tuple[int, ...]  # places in the album's list
    doubts: tuple[Reason, ...]  # why it is never taken without being asked

    @property
    def distance(self) -> float:
        """From 0, the same in all that both say, to 1."""
        return value(self.parts)

    @property
    def is_whole(self) -> bool:
        """Whether every track has its partner."""
        return bool(self.pairs) and not self.missing and not self.unmatched

    @property
    def has_others(self) -> bool:
        """Whether some of its tracks are not ours, though they stand where ours do."""
        return any(doubt.code == TRACKS_DIFFER for doubt in self.doubts)

    def penalty(self, name: str) -> float | None:
        """How far apart both are in one part; None where it could not be compared."""
        return next((part.penalty for part in self.parts if part.name == name), None)

    def agrees(self, name: str) -> bool:
        """Whether both say the same in one part."""
        return self.penalty(name) == 0

    @property
    def furthest(self) -> float | None:
        """The seconds the worst pair is apart in length; None unless all lengths are known."""
        found = [pair.seconds_apart for pair in self.pairs]
        return max((one for one in found if one is not None), default=None) if None not in found else None


def compare(own: OwnAlbum, release: Release) -> Comparison:
    """Compare an album with one release, with its tracks if they are told."""
    parts = album_parts(own, release)
    if not release.has_tracks:
        untold = Reason("no_tracks", "Its tracks were not looked at.")
        return Comparison(release, (*parts, *_count(own, release)), (), (), (), (untold,))
    pairing = paired(own, release)
    there = places(release)
    parts += [*_tracks(pairing.pairs), *_missing(pairing.missing, there), *_unmatched(pairing.unmatched, own)]
    doubts = tuple(_doubts(own, release, pairing.pairs, parts))
    return Comparison(release, tuple(parts), pairing.pairs, pairing.missing, pairing.unmatched, doubts)


def _tracks(pairs: tuple[Pair, ...]) -> Iterator[Part]:
    """Yield all pairs as one part: each weighs as much as one, so an album of many tracks is judged by them."""
    if pairs:
        away = sum(pair.distance for pair in pairs) / len(pairs)
        one = part("tracks", away, f"{len(pairs)} tracks have their partner, {away:.2f} apart on average.")
        yield one._replace(weight=one.weight * len(pairs))


def _missing(missing: tuple[int, ...], there: list[Place]) -> Iterator[Part]:
    if missing:
        named = _named([_called(there[n]) for n in missing])
        one = part("missing", 1.0, f"{len(missing)} of its tracks are not here: {named}.")
        yield one._replace(weight=one.weight * len(missing))


def _unmatched(unmatched: tuple[int, ...], own: OwnAlbum) -> Iterator[Part]:
    if unmatched:
        named = _named([shown(own.tracks[n].title) for n in unmatched])
        one = part("unmatched", 1.0, f"{len(unmatched)} of our tracks are not on it: {named}.")
        yield one._replace(weight=one.weight * len(unmatched))


def _count(own: OwnAlbum, release: Release) -> Iterator[Part]:
    """Compare the numbers of tracks where that is all that is told of them."""
    ours = len(own.tracks)
    counts = [count for count in (release.heard_count, release.track_count) if count is not None]
    if counts and ours:
        count = min(counts, key=lambda count: abs(count - ours))
        away = abs(count - ours) / max(count, ours)
        one = part("tracks", away, f"It has {count} tracks, {ours} are here.")
        yield one._replace(weight=one.weight * ours)


def _doubts(own: OwnAlbum, release: Release, pairs: tuple[Pair, ...], parts: list[Part]) -> Iterator[Reason]:
    if not pairs:
        yield Reason("no_pair", "None of its tracks is one of ours.")
    for one in parts:
        if one.name in ("missing", "unmatched"):
            yield Reason(f"tracks_{one.name}", one.why)
    if release.is_pseudo:
        yield Reason("pseudo_release", "It was never sold: it is another release's track list, translated.")
    yield from _doubtful_tracks(own, pairs)
    compared = {one.name for one in parts}
    if "release id" not in compared and not ("album" in compared and ("artist" in compared or len(pairs) >= MANY)):
        yield Reason("too_little_known", "Without an artist and a title nobody can be sure.")
    if pairs and not any(part.name in ("title", "track id") for pair in pairs for part in pair.parts):
        yield Reason("too_little_known", "Our tracks have no titles, so only numbers and lengths agree.")


def _doubtful_tracks(own: OwnAlbum, pairs: tuple[Pair, ...]) -> Iterator[Reason]:
    """Name tracks that are far from their partners, those of another number or disc, and a length no two share."""
    far = [pair for pair in pairs if pair.distance > TRACK or (pair.seconds_apart or 0) > MOST or _is_another(pair)]
    if far:
        named = _named([shown(own.tracks[pair.own].title) for pair in far])
        yield Reason(TRACKS_DIFFER, f"{len(far)} tracks are not alike: {named}.")
    nearest = min((apart for pair in pairs if (apart := pair.seconds_apart) is not None), default=0.0)
    if nearest > GRACE:
        yield Reason("lengths_differ", f"No track is as long as its partner: the nearest are {nearest:.0f} s apart.")
    moved = [pair for pair in pairs if any(part.name in ("index", "medium") and part.penalty for part in pair.parts)]
    if moved:
        named = _named([shown(own.tracks[pair.own].title) for pair in moved])
        yield Reason("tracks_reordered", f"{len(moved)} tracks have other numbers: {named}.")


def _is_another(pair: Pair) -> bool:
    """Whether a title says so, however much else of the tracks agrees, unless their id is the same."""
    said = {part.name: part.penalty for part in pair.parts}
    return said.get("title", 0.0) >= OTHER_NUMBER and said.get("track id") != 0


def _called(place: Place) -> str:
    return f"{place.track.number or place.track.position or place.overall} {shown(place.track.title)}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
