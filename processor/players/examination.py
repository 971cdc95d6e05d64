"""A player and our libraries → what it says of itself, which path each library is there, and what to map otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.reasons import show_path
from processor.players.kinds import kind_of
from processor.players.paths import Pair, mapped, suggested, within
from processor.players.player import Health, Line


@dataclass(frozen=True, slots=True)
class Place:
    """One folder of ours as the player would be asked for it."""

    ours: str
    theirs: str | None  # None: no pair of the path map covers it
    known: bool | None  # whether that is in a folder the player has; None where it does not tell its folders


@dataclass(frozen=True, slots=True)
class Examination:
    """What testing a player found."""

    health: Health
    roots: tuple[str, ...]
    places: tuple[Place, ...]
    suggested: tuple[Pair, ...]  # what would map the libraries that are not known there

    @property
    def problems(self) -> list[str]:
        """Return what would keep albums from being seen, as sentences."""
        return [*self.health.notes, *(_problem(place, self.roots) for place in self.places if place.known is False)]


def examine(line: Line, folders: Sequence[bytes]) -> Examination:
    """Ask a player who it is and what it has; `folders` are libraries, or whatever a person wants to know of.

    Raises what the client raises, and Rejected for a player that is none, or does not take our word.
    """
    kind = kind_of(line.player.kind)
    health, roots = kind.check(line), tuple(kind.roots(line))
    places = tuple(_place(line, folder, roots) for folder in folders)
    strangers = [place.ours for place in places if place.known is False]
    return Examination(health, roots, places, suggested(strangers, roots))


def _place(line: Line, folder: bytes, roots: Sequence[str]) -> Place:
    found = mapped(line.player.path_map, folder)
    if found is None:
        return Place(show_path(folder), None, False)
    known = any(within(found, root) or within(root, found) for root in roots) if roots else None
    return Place(show_path(folder), found, known)


def _problem(place: Place, roots: Sequence[str]) -> str:
    theirs = ", ".join(roots) or "none"
    if place.theirs is None:
        return f"No path map covers {place.ours}; the player's own folders: {theirs}"
    return f"It would be asked for {place.theirs}, which is in none of its own folders: {theirs}"
