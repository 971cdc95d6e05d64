"""How far an album is from each release → which one it is, or that a person has to say so, with reasons. Pure.

Taking the wrong release is worse than asking: an edition is taken only when nothing speaks against it, and when every
other edition as near as it is ruled out by something that tells editions apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from config.reasons import Reason
from processor.matching.comparison import Comparison
from processor.matching.parts import shown

Kind = Literal["accepted", "ambiguous", "none"]

SAME: Final = 0.05  # penalty of a name that is written a little differently
OTHER: Final = 0.4  # of one that is another
EXACT: Final = 3.0  # seconds: lengths of one master agree so well
OTHER_MASTER: Final = 10.0
NUMBERS: Final = ("barcode", "catalogue number")


class Thresholds(NamedTuple):
    """Distances, from 0 to 1."""

    strong: float = 0.04  # so near it may be taken
    medium: float = 0.25  # so near it is worth a look
    gap: float = 0.1  # another one that is further away than the best by less than this competes with it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of all candidates, the nearest first; `group_id` is sure also where the edition is not."""

    kind: Kind
    ranked: tuple[Comparison, ...]
    reasons: tuple[Reason, ...]
    group_id: str | None = None

    @property
    def best(self) -> Comparison | None:
        """The nearest candidate."""
        return self.ranked[0] if self.ranked else None


def judge(found: Sequence[Comparison], limits: Thresholds = Thresholds()) -> Verdict:  # noqa: B008  a constant
    """Return what becomes of an album, given all releases it was compared with, of one provider."""
    ranked = tuple(sorted(found, key=_rank))
    if not ranked or ranked[0].distance > limits.medium:
        return Verdict("none", ranked, (_nothing(ranked),))
    best = ranked[0]
    rivals = [other for other in ranked[1:] if other.distance - best.distance < limits.gap]
    open_rivals = [other for other in rivals if ruled_out(best, other) is None]
    groups = {one.release.group_id for one in (best, *open_rivals)}
    sure = best.release.group_id if len(groups) == 1 and best.distance <= limits.strong and not best.doubts else None
    against = [*best.doubts, *_contradicted(best), *_competing(open_rivals)]
    if best.distance > limits.strong:
        against.insert(0, Reason("not_near_enough", f"It is {best.distance:.3f} away; up to {limits.strong} is taken."))
    if against:
        return Verdict("ambiguous", ranked, tuple(against), sure)
    why = f"{shown(best.release.title)} is {best.distance:.3f} away in all that was compared."
    out = [ruled_out(best, other) or "" for other in rivals]
    return Verdict(
        "accepted", ranked, (Reason("near", why), *(Reason("ruled_out", r) for r in dict.fromkeys(out) if r)), sure
    )


def ruled_out(best: Comparison, other: Comparison) -> str | None:
    """Return why another candidate, as near as the best, is not the album; None where it could be just as well."""
    if other.release.translates == best.release.id:
        return "The other is a translation of this one's track list."
    for name in ("release id", *NUMBERS):
        if best.agrees(name) and not other.agrees(name):
            return f"The {name} is this one's and not the other's."
    for name in ("artist", "album"):
        if (best.penalty(name) or 0) <= SAME and (other.penalty(name) or 0) >= OTHER:
            return f"The other has another {'title' if name == 'album' else name}."
    if best.is_whole and (other.has_others or (not other.is_whole and _is_told_otherwise(best, other))):
        return "The other has not the same tracks."
    if None not in (best.furthest, other.furthest) and best.furthest <= EXACT and other.furthest >= OTHER_MASTER:  # type: ignore[operator]
        return f"The lengths agree within {best.furthest:.0f} s, and those of the other within {other.furthest:.0f} s."
    return None


def _is_told_otherwise(best: Comparison, other: Comparison) -> bool:
    """Whether another release's tracks, or at least their number, are known."""
    counts = {other.release.track_count, other.release.heard_count}
    return bool(other.pairs) or counts.isdisjoint({None, len(best.pairs)})


def _rank(one: Comparison) -> tuple[float, float, bool, str]:
    seconds = [pair.seconds_apart for pair in one.pairs if pair.seconds_apart is not None]
    average = sum(seconds) / len(seconds) if seconds else float("inf")
    return round(one.distance, 4), average, one.release.status != "Official", one.release.id


def _nothing(ranked: tuple[Comparison, ...]) -> Reason:
    if not ranked:
        return Reason("no_candidates", "No provider knows such an album.")
    return Reason("no_match", f"The nearest of {len(ranked)} releases is {ranked[0].distance:.2f} away.")


def _contradicted(best: Comparison) -> list[Reason]:
    """Return which number or name says that it is another edition, unless the tags name this very release."""
    if best.agrees("release id"):
        return []
    said = (*NUMBERS, "disambiguation")
    return [Reason("other_edition", part.why) for part in best.parts if part.name in said and part.penalty == 1]


def _competing(rivals: Sequence[Comparison]) -> list[Reason]:
    if not rivals:
        return []
    names = "; ".join(edition(one) for one in rivals[:3])
    more = f", and {len(rivals) - 3} more" if len(rivals) > 3 else ""
    return [Reason("editions", f"It could as well be another release: {names}{more}.")]


def edition(one: Comparison) -> str:
    """Return what tells an edition apart, in a few words."""
    release = one.release
    label = next((label for label in release.labels), None)
    said = (release.date, release.country, *(label or ()), release.barcode, release.disambiguation)
    return f"{shown(release.title)} ({', '.join(shown(word)[1:-1] for word in said if word) or 'nothing else known'})"
