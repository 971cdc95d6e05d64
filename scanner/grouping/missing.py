"""The numbers of an album's tracks, and the totals they promise → which discs and tracks are missing. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
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
    """Say which discs and tracks are missing; nothing if all discs are numbered or counted as one, or some unknown."""
    discs: dict[int, list[Numbered]] = defaultdict(list)
    for track in tracks:
        discs[track.disc].append(track)
    promised = max((track.disc_total or 0 for members in discs.values() for track in members), default=0)
    if promised > len(discs) or max(discs, default=1) > len(discs):
        yield Reason("tracks_missing", f"{len(discs)} of {max(promised, *discs)} discs are here.")
    numbers = {disc: {track.track for track in members if track.track} for disc, members in discs.items()}
    if len(discs) > 1 and (_run_on(numbers.values()) or _are_all_promised(discs.values(), numbers.values())):
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


def _run_on(numbers: Collection[set[int]]) -> bool:
    """Tell whether numbers run on over the discs, without a gap."""
    together = set().union(*numbers)
    return len(together) == max(together, default=0) == sum(map(len, numbers))


def _are_all_promised(discs: Iterable[list[Numbered]], numbers: Collection[set[int]]) -> bool:
    """Tell whether the totals are those of all discs together, each of which counts on from 1."""
    promised = {track.track_total for members in discs for track in members if track.track_total}
    return promised == {sum(map(len, numbers))} and all(len(here) == max(here, default=0) for here in numbers)
