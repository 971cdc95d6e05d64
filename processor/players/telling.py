"""Folders that changed → players told of them, each asked whether it sees the albums, and asked elsewhere if not.

Folders are told together: each round is one place a folder, the same place once, and none below another that is told.
What a player does not show after a round is told one step up its ladder; what it never shows is missed, with the paths
that were tried. A player is asked for nothing while it scans.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from config.errors import Rejected, Retryable
from config.reasons import show_path
from processor.players.debts import Debt
from processor.players.kinds import kind_of
from processor.players.paths import mapped, outermost, within
from processor.players.player import STRANGE, Line, Player, PlayerKind, Sight, Step, Wanted

SCAN_SECONDS: Final = 3600.0  # a scan may take so long before the job gives its place to others
BEGIN_SECONDS: Final = 1.0  # from an OK until a scan shows; a Kodi told again before that would stop the first one
LOOK_FIRST, LOOK_MOST = 0.5, 10.0  # seconds between two looks, which grow
TOGETHER: Final = 20  # more places than this are told as the folder they have in common

EVERYTHING: Final = None
GONE: Final[tuple[Step, ...]] = ("folder", "parent")
Place = str | None  # a folder as the player calls it; None: all of them


@dataclass(frozen=True, slots=True)
class World:
    """Waiting and the clock, in seconds."""

    wait: Callable[[float], None]
    clock: Callable[[], float]


class Case(NamedTuple):
    """One debt with what the player should show for it."""

    debt: Debt
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one debt: seen, or every place that was asked for in vain."""

    debt: Debt
    sight: Sight | None
    tried: tuple[str, ...]


def tell(line: Line, cases: Sequence[Case], world: World) -> list[Outcome]:
    """Tell a player of folders and return what it shows.

    Raises Retryable `still_scanning` where it never comes to rest, and what the client raises: then nothing is settled,
    and telling it all again does no harm.
    """
    kind = kind_of(line.player.kind)
    gone = [case for case in cases if case.debt.owed.change == "gone"]
    there = [case for case in cases if case.debt.owed.change != "gone"]
    return [*_told_of_gone(line, kind, gone, world), *_told_of_there(line, kind, there, world)]


def _told_of_there(line: Line, kind: PlayerKind, cases: Sequence[Case], world: World) -> list[Outcome]:
    """Let a player look at what is there, one step further up in each round, until it shows it."""
    outcomes: dict[int, Outcome] = {}
    tried: dict[int, list[str]] = {case.debt.id: [] for case in cases}
    for case in cases:
        if case.debt.owed.change != "new":
            _rest(line, kind, world)
            kind.prepare(line, case.wanted)
    strange: list[str] = []  # places the player has not, so that nothing there or below is asked for again
    is_told = False
    for places in rounds(line, kind, [case.debt for case in cases]):
        left = [case for case in cases if case.debt.id not in outcomes and case.debt.id in places]
        left = [case for case in left if not any(_is_at(place, tried[case.debt.id]) for place in strange)]
        roots = [_place(line.player, case.debt, "root") for case in left]
        for place in coalesced([places[case.debt.id] for case in left], roots):
            try:
                _ask(line, kind, place, world)
                is_told = True
            except Rejected as error:
                if place is None or error.reason_code != STRANGE:
                    raise
                strange.append(place)
                refused = error
        if strange and not is_told:
            raise refused
        for case in left:
            tried[case.debt.id].append(places[case.debt.id] or "everything")
        outcomes |= _confirmed(line, kind, left, tried, world)
    missing = [case for case in cases if case.debt.id not in outcomes]
    return [*outcomes.values(), *(Outcome(case.debt, None, tuple(tried[case.debt.id])) for case in missing)]


def _told_of_gone(line: Line, kind: PlayerKind, gone: Sequence[Case], world: World) -> list[Outcome]:
    """Let a player look where something was: at the folder and at its parent. Most keep what is gone for a while."""
    steps = [step for step in kind.ladder(line, is_new=False) if step in GONE] or ["all"] if gone else []
    wanted = [_place(line.player, case.debt, step) for case in gone for step in steps]
    for place in dict.fromkeys(place for place in wanted if place != ""):
        try:
            _ask(line, kind, place, world)
        except Rejected as error:
            if error.reason_code != STRANGE:
                raise
    return [Outcome(case.debt, Sight("", None), ()) for case in gone]


def _is_at(place: str, tried: Sequence[str]) -> bool:
    """Whether a folder that was asked for is a place or below it."""
    return any(within(one, place) for one in tried)


def _ask(line: Line, kind: PlayerKind, place: Place, world: World) -> None:
    _rest(line, kind, world)
    kind.tell(line, place)
    world.wait(BEGIN_SECONDS)


def rounds(line: Line, kind: PlayerKind, debts: Sequence[Debt]) -> Iterable[Mapping[int, Place]]:
    """Yield, round by round, the place each debt is told at; what has no place left is left out."""
    steps = {is_new: kind.ladder(line, is_new=is_new) for is_new in {debt.owed.change == "new" for debt in debts}}
    ladders = {debt.id: _places(line.player, debt, steps[debt.owed.change == "new"]) for debt in debts}
    for step in range(max((len(ladder) for ladder in ladders.values()), default=0)):
        yield {id: ladder[step] for id, ladder in ladders.items() if step < len(ladder)}


def _places(player: Player, debt: Debt, steps: Sequence[Step]) -> list[Place]:
    """Return the steps of a ladder as places; the player has no name for what its path map does not cover."""
    found = [_place(player, debt, step) for step in steps]
    return list(dict.fromkeys(place for place in found if place != ""))


def _place(player: Player, debt: Debt, step: Step) -> Place:
    """Return a step of the ladder as a place; "" where the player has no name for it."""
    if step == "all":
        return EVERYTHING
    root, folder = debt.owed.root, os.path.join(debt.owed.root, debt.owed.folder).rstrip(b"/")
    parent = os.path.dirname(folder) if debt.owed.folder else root
    return mapped(player.path_map, {"folder": folder, "parent": parent, "root": root}[step]) or ""


def coalesced(wanted: Sequence[Place], roots: Sequence[Place]) -> list[Place]:
    """Return places, each once, without those below another; everything stands for all, and roots for too many.

    Never a folder above a root, even if all have it in common: Kodi would take whatever is there for music.
    """
    if EVERYTHING in wanted:
        return [EVERYTHING]
    outer = outermost(place for place in wanted if place)
    if len(outer) > TOGETHER and "" not in roots and set(roots) != set(wanted):
        return coalesced(roots, roots)
    return [*outer]


def _rest(line: Line, kind: PlayerKind, world: World) -> None:
    """Return when the player does not scan."""
    end, pause = world.clock() + SCAN_SECONDS, LOOK_FIRST
    while kind.scanning(line):
        if world.clock() > end:
            message = f"{line.player.name} scans for more than {SCAN_SECONDS / 60:.0f} minutes; it is asked again later"
            raise Retryable(message, code="still_scanning")
        world.wait(pause)
        pause = min(pause * 1.5, LOOK_MOST)


def _confirmed(
    line: Line, kind: PlayerKind, cases: Sequence[Case], tried: Mapping[int, Sequence[str]], world: World
) -> dict[int, Outcome]:
    """Look until everything is seen, or nothing more comes; let the player read again what no scan shows it."""
    found: dict[int, Outcome] = {}
    end, pause = world.clock() + kind.patience, LOOK_FIRST
    while True:
        _rest(line, kind, world)
        for case in cases:
            if case.debt.id not in found and (sight := is_shown(line, kind, case.wanted)):
                kind.refresh(line, case.wanted, sight, is_new=case.debt.owed.change == "new")
                found[case.debt.id] = Outcome(case.debt, sight, tuple(tried[case.debt.id]))
        if len(found) == len(cases) or world.clock() > end:
            return found
        world.wait(pause)
        pause = min(pause * 1.5, LOOK_MOST)


def is_shown(line: Line, kind: PlayerKind, wanted: Wanted) -> Sight | None:
    """Return the album as the player shows it, with all its tracks; None as long as any of them is missing."""
    sight = kind.find(line, wanted)
    return None if sight is None or (sight.tracks is not None and sight.tracks < wanted.tracks) else sight


def explained(line_name: str, outcome: Outcome) -> str:
    """Return why a debt was missed, as a sentence for people."""
    folder = show_path(os.path.join(outcome.debt.owed.root, outcome.debt.owed.folder))
    if not outcome.tried:
        return f"no path map of {line_name} covers {folder}, so it could not be told of it"
    asked = ", then ".join(outcome.tried)
    why = "is that its path, and may it read what is there?"
    return f"{line_name} was asked to look at {asked}, and still does not show what is in {folder}: {why}"
