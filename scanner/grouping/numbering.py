"""Names of files whose style tells the disc, too → disc and track of each. Pure.

Files of a record are called after its sides, "A1 Title", and each side is a disc, as a folder "Side A" is one; others
write both into one number, "101 Title", "201 Title". A style is believed only if all files of a place follow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.grouping.folding import clean
from scanner.grouping.names import TrackName, split_artist

_SIDE_FIRST = re.compile(
    r"(?P<side>[a-h])\s?(?P<track>\d{1,2})(?:[\s._)\]–-]+(?P<rest>.*))?", re.IGNORECASE | re.DOTALL
)
_FIRST = 1, 1  # disc and track


def by_sides(stems: Sequence[str]) -> list[TrackName] | None:
    """Read names without extension that all begin with a side; None if one does not, or A1 is not among them."""
    named = [_side(stem) for stem in stems]
    sides = [name for name in named if name]
    numbers = {name[:2] for name in sides}
    return sides if 1 < len(stems) == len(numbers) and _FIRST in numbers else None


def _side(stem: str) -> TrackName | None:
    found = _SIDE_FIRST.fullmatch(stem.replace("_", " ").strip())
    if found is None:
        return None
    disc = ord(found["side"].lower()) - ord("a") + 1
    return TrackName(disc, int(found["track"]), *split_artist(clean(found["rest"])))


def by_hundreds(numbers: Sequence[int | None]) -> list[tuple[int, int]] | None:
    """Split 101, 102, 201 … into disc and track; None unless there are several discs, each with its first track."""
    split = [divmod(number or 0, 100) for number in numbers]
    discs = {disc for disc, _ in split}
    whole = 0 not in discs and len(discs) == max(discs) > 1
    return split if whole and {(disc, 1) for disc in discs}.issubset(split) else None
