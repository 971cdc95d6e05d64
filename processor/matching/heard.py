"""What tracks sound like → the releases to look at, and an album whose tracks know their recordings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from processor.matching.own import OwnAlbum
from processor.providers.acoustid import Recognised

MOST: Final = 5  # releases that are suggested


def suggested(heard: Sequence[Recognised]) -> list[str]:
    """Return the releases on which most tracks are, at least half of those that were recognised."""
    counted = Counter(release for one in heard for release in sorted(one.release_ids))
    known = sum(bool(one.recording_ids) for one in heard)
    return [release for release, count in counted.most_common(MOST) if count * 2 >= known]


def with_recordings(own: OwnAlbum, heard: Sequence[Recognised]) -> OwnAlbum:
    """Return the album with the recordings that were recognised."""
    tracks = (track._replace(heard=one.recording_ids) for track, one in zip(own.tracks, heard, strict=True))
    return replace(own, tracks=tuple(tracks))
