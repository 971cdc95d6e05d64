"""An album → the releases it could be, asked of one provider with few questions; its tracks only of the likely ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from processor.matching.comparison import Comparison, compare
from processor.matching.own import OwnAlbum
from processor.matching.verdict import Thresholds, Verdict, judge
from processor.providers.provider import Search
from processor.providers.release import Release
from scanner.grouping.placeholders import is_various

MOST_LOOKED_AT: Final = 8  # releases whose tracks are asked for


class Releases(Protocol):
    """A provider that knows releases. Its methods raise what the client raises."""

    def release(self, release_id: str) -> Release | None:
        """Return a release with its tracks; None when there is none of that id."""

    def releases(self, wanted: Search) -> list[Release]:
        """Return what a search finds, the likeliest first, perhaps without tracks."""


def look_up(own: OwnAlbum, provider: Releases, limits: Thresholds, also: Sequence[str] = ()) -> Verdict:
    """Find the releases an album could be, and judge them; `also` are ids somebody else suggests, of a fingerprint.

    The id of the tags comes first: where its release is the album, nothing more is asked. Then numbers, then names,
    then names as people misspell them; the next only if the one before found nothing near. An id that the provider
    does not know, of what was deleted or merged, says nothing.
    """
    own = _identified(own, provider)
    found: dict[str, Comparison] = {}
    if own.release_id:
        _look_at(own, provider, own.release_id, found)
        own = own if found else replace(own, release_id=None)
    for release_id in also:
        _look_at(own, provider, release_id, found)
    verdict = judge(list(found.values()), limits)
    if own.release_id and verdict.kind == "accepted":
        return verdict
    for wanted in searches(own):
        releases = provider.releases(wanted)
        if wanted.group_id and not releases:
            own = replace(own, group_id=None)
        for release in _likely(own, releases, limits):
            if len(found) < MOST_LOOKED_AT:
                _look_at(own, provider, release.id, found)
            elif release.id not in found:
                found[release.id] = compare(own, release)
        verdict = judge(list(found.values()), limits)
        if verdict.kind != "none":
            break
    return verdict


def _identified(own: OwnAlbum, provider: Releases) -> OwnAlbum:
    """Return the album with an id that is a release's or its group's as the one it is."""
    if own.either_id is None or own.release_id:
        return own
    if provider.release(own.either_id) is not None:
        return replace(own, release_id=own.either_id)
    return replace(own, group_id=own.group_id or own.either_id)


def searches(own: OwnAlbum) -> Iterator[Search]:
    """Yield what is worth searching for, the surest first."""
    artist = None if is_various(own.artist) else own.artist
    tracks = len(own.tracks) or None
    if barcode := "".join(c for c in own.barcode or "" if c.isalnum()):
        yield Search(barcode=barcode)
    if own.group_id:
        yield Search(group_id=own.group_id)
    if own.catalog_number and (own.title or artist):
        yield Search(own.title, artist, catalog_number=own.catalog_number)
    if own.title:
        yield Search(own.title, artist, tracks)
        yield Search(own.title, artist, is_loose=True)


def _likely(own: OwnAlbum, found: Sequence[Release], limits: Thresholds) -> list[Release]:
    """Return what could be the album by what a search tells: all that are about as near as the nearest, that first."""
    compared = sorted(((compare(own, release).distance, n) for n, release in enumerate(found)))
    near = [(away, n) for away, n in compared if away - compared[0][0] < limits.gap + limits.medium]
    return [found[n] for _, n in near]


def _look_at(own: OwnAlbum, provider: Releases, release_id: str, found: dict[str, Comparison]) -> None:
    """Compare the album with a release, and with the original if it is a translation of one."""
    if release_id in found and found[release_id].pairs:
        return
    release = provider.release(release_id)
    if release is None:
        return
    if release.is_pseudo and release.translates:
        original = provider.release(release.translates)
        if original is not None:
            found[original.id] = compare(own, original.translated_by(release))
    found[release.id] = compare(own, release)
