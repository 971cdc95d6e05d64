"""What is known of a picture → a score from 0 to 100, as the sum of five parts that are stored and shown. Pure.

| part | points | how |
|---|---|---|
| resolution | 40 | 30 for the ideal size, in proportion below; up to 10 more towards the best; never less for larger |
| aspect | 20 | 20 for the ideal aspect, 0 at half as wide or twice as wide, by the logarithm between |
| language | 15 | the wanted language or no text, as the type wants it: 15; the other of the two 8; another 0 |
| votes | 15 | 15 · (v + 2) / (v + 7), as if two more had voted for it and five more against; unknown counts as none |
| provider | 10 | 10 for the user's own; of others by their order 10, 8, 6, 4, 2 and 0 |

Unknown dimensions count as half of the ideal size and the ideal aspect: that is only to decide what to download first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from processor.artwork.offer import LOCAL
from processor.artwork.types import PictureType

_IDEAL_SIZE, _BEST_SIZE, _ASPECT, _LANGUAGE, _OTHER_LANGUAGE = 30.0, 10.0, 20.0, 15.0, 8.0
_VOTES, _PROVIDER = 15.0, 10.0
_PLACES: Final = 5  # of providers that are trusted at all; so that one more at the end moves nobody
_DIGITS: Final = 2  # more would suggest a precision that no taste has


class Parts(NamedTuple):
    """The parts of a score."""

    resolution: float
    aspect: float
    language: float
    votes: float
    provider: float

    @property
    def total(self) -> float:
        """Return the score."""
        return round(sum(self), _DIGITS)


class Claim(NamedTuple):
    """What is known of a picture when it is scored; None is unknown, and a `language` of None is no text."""

    width: int | None
    height: int | None
    language: str | None
    votes: int | None
    provider: str


def score(claim: Claim, kind: PictureType, language: str, providers: Sequence[str]) -> Parts:
    """Return the parts of the score of a picture of one type; `providers` has the best first."""
    parts = (
        _resolution(claim, kind),
        _aspect(claim, kind),
        _text(claim.language, kind, language),
        _VOTES * ((claim.votes or 0) + 2) / ((claim.votes or 0) + 7),
        _trust(claim.provider, providers),
    )
    return Parts(*(round(part, _DIGITS) for part in parts))


def _resolution(claim: Claim, kind: PictureType) -> float:
    if not claim.width or not claim.height:
        return _IDEAL_SIZE / 2
    ideal = min(claim.width / kind.ideal[0], claim.height / kind.ideal[1])
    best = min(kind.best[0] / kind.ideal[0], kind.best[1] / kind.ideal[1])
    return _IDEAL_SIZE * min(1.0, ideal) + _BEST_SIZE * min(1.0, max(0.0, (ideal - 1) / (best - 1)))


def _aspect(claim: Claim, kind: PictureType) -> float:
    if not claim.width or not claim.height:
        return _ASPECT
    return _ASPECT * max(0.0, 1 - abs(math.log2(claim.width / claim.height / kind.aspect)))


def _text(found: str | None, kind: PictureType, wanted: str) -> float:
    if kind.text == "any":
        return _LANGUAGE if found in (None, wanted) else 0.0
    if found not in (None, wanted):
        return 0.0
    return _LANGUAGE if (found is None) == (kind.text == "unwanted") else _OTHER_LANGUAGE


def _trust(provider: str, providers: Sequence[str]) -> float:
    if provider in LOCAL:
        return _PROVIDER
    others = [one for one in providers if one not in LOCAL]
    place = others.index(provider) if provider in others else len(others) + _PLACES
    return max(0.0, _PROVIDER * (1 - place / _PLACES))
