"""What an item has come through, and the settings of the moment → the phase that follows. Pure, and the only place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Literal, NamedTuple

from workflow.phase import Mode, Phase

# An item that was turned down, or that is not what its row says, goes nowhere by itself.
GOES_ON = frozenset({"pending_review", "approved", "publishing", "published"})
RENEWED = "published"  # the status of an item that is brought up to date where it is


class Next(NamedTuple):
    """What follows: the phase, and whether it begins by itself."""

    phase: str
    gate: Literal["auto", "manual"]


def next_phase(position: str, status: str, phases: Mapping[str, Phase], gates: Mapping[str, Mode]) -> Next | None:
    """Return what follows for an item at a position of the chain; None at its end, or where its status holds it.

    `gates` are of the settings now; a phase without one has no jobs. It is asked when a job is created, and again when
    it starts.
    """
    if status not in GOES_ON:
        return None
    for phase in _after(position, phases):
        gate = gates.get(phase, "off")
        if gate != "off":
            return Next(phase, gate)
    return None


def may_start(
    phase: Phase, position: str, status: str, news: bool, phases: Mapping[str, Phase], gates: Mapping[str, Mode]
) -> bool:
    """Return whether a job of a phase nobody asked for may start.

    It may if it is what follows, if it is never too late for it, or if it renews a published album and there is `news`.
    """
    if gates.get(phase.name) != "auto" or status not in GOES_ON:
        return False
    following = next_phase(position, status, phases, gates)
    is_next = following is not None and following.phase == phase.name
    return is_next or phase.late or (phase.renews and news and status == RENEWED)


def renewing(phases: Mapping[str, Phase], gates: Mapping[str, Mode]) -> Phase | None:
    """Return the phase that updates published albums by itself; None if a person does."""
    return next((one for one in phases.values() if one.renews and gates.get(one.name) == "auto"), None)


def passed_over(position: str, phases: Mapping[str, Phase], gates: Mapping[str, Mode]) -> tuple[str, ...]:
    """Return the phases that are off between a position and what follows it, or the end of the chain."""
    return tuple(takewhile(lambda phase: gates.get(phase, "off") == "off", _after(position, phases)))


def is_ahead(phase: str, position: str, phases: Mapping[str, Phase]) -> bool:
    """Tell whether an item at a position still has a phase before it."""
    return phase in _after(position, phases)


def _after(position: str, phases: Mapping[str, Phase]) -> Iterator[str]:
    """Yield the phases after a position, in the order of the chain."""
    at = next((phase.name for phase in phases.values() if phase.reached == position), None)
    while at is not None:
        at = next((phase.name for phase in phases.values() if phase.after == at), None)
        if at is not None:
            yield at
