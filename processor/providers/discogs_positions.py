"""Positions as they are printed on a release, and its formats → the medium of each, and the format of that. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_ON_DISC: Final = re.compile(r"(\d{1,3})[-.](\d{1,3})[a-z]?", re.IGNORECASE)  # 2-05
# CD2-5, DVD-1, LP-A1, V-1
_ON_NAMED: Final = re.compile(r"(([A-Z]{2,4}|[IVX]) ?\d{0,3})[-.][A-Z]?\d{0,3}[a-z]?", re.IGNORECASE)
_ON_SIDE: Final = re.compile(r"(?:([A-Z])|(\d{1,2})[A-Z])(?:-?\d{1,2})?[a-z]?")  # A, A1, A-1, B2a; 5A and 5B in a box
_MEDIA: Final = ("CD", "DVD", "LP", "BD")  # as positions name them
_SIDED: Final = ("Vinyl", "Cassette", "Shellac")


class Placed(NamedTuple):
    """The medium of each position, counted from 1, and the format of each medium, if that is known."""

    of: Sequence[int]
    formats: Mapping[int, str | None]


def media_of(positions: Sequence[str], formats: Sequence[str | None]) -> Placed:
    """Return the medium of each position; `formats` has one for each medium, in their order."""
    sided = any(name in _SIDED for name in formats)
    lettered = sided and not any(position.startswith("II") for position in positions)  # else I-1 is on no side I
    found: list[int] = []
    named: dict[str, int] = {}  # media whose name stands in positions
    names = dict(enumerate(formats, 1))
    disc = 1
    for position in positions:
        if (by_name := _ON_NAMED.fullmatch(position)) and not (lettered and _ON_SIDE.fullmatch(position)):
            disc = named.setdefault(by_name[1].upper(), max(found, default=0) + 1)
            alike = (name for name in (*formats, *_MEDIA) if name and name.startswith(by_name[2].upper()))
            names[disc] = next(alike, names.get(disc))
        else:
            disc = _disc(position, sided, disc)
        found.append(disc)
    return Placed(found, names)


def _disc(position: str, sided: bool, current: int) -> int:
    """Return the medium of a printed position; two sides are one record."""
    if found := _ON_DISC.fullmatch(position):
        return max(1, int(found[1]))
    if sided and (side := _ON_SIDE.fullmatch(position)):
        return (ord(side[1]) - ord("A")) // 2 + 1 if side[1] else max(1, int(side[2]))
    return current
