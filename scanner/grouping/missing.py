"""The numbers of an album's tracks, and the totals they promise → which discs and tracks are missing. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from config.reasons import Reason

SHOWN: Final = 10  # missing numbers a message lists


class Numbered(NamedTuple):
    """What one track says of its place."""

    disc: int  # 1 where nothing says otherwise
    track: int | None
    disc_total: int | None
    track_total: int | None


def missing(tracks: Iterable[Numbered]) -> Iterator[Reason]:
    """Say which discs and tracks are missing; nothing if numbers run on over the discs, or some are unknown."""
    discs: dict[int, list[Numbered]] = defaultdict(list)
    for track in tracks:
        discs[track.disc].append(track)
    promised = max((track.disc_total or 0 for members in discs.values() for track in members), default=0)
    if promised > len(discs) or max(discs, default=1) > len(discs):
        yield Reason("tracks_missing", f"{len(discs)} of {max(promised, *discs)} discs are here.")
    numbers = {disc: {track.track for track in members if track.track} for disc, members in discs.items()}
    together = set().union(*numbers.values())
    if len(together) == max(together, default=0) == sum(map(len, numbers.values())) and len(discs) > 1:
        return
    for disc, here in sorted(numbers.items()):
        members = discs[disc]
        expected = max([*here, *(track.track_total or 0 for track in members)], default=0)
        if expected > len(here) and all(track.track for track in members):
            lacking = [n for n in range(1, min(expected, len(here) + SHOWN) + 1) if n not in here][:SHOWN]
            told = ", ".join(map(str, lacking))
            yield Reason(
                "tracks_missing", f"{len(here)} of {expected} tracks of disc {disc} are here; missing: {told}."
            )
