"""Pictures that were looked at → one of each likeness, and of each type those that are selected, best first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from processor.artwork.likeness import Likeness, are_same
from processor.artwork.offer import LOCAL, PERSON

Decision = Literal["chosen", "rejected"]
_CHOSEN, _OWN, _OTHERS = 0, 1, 2  # whose turn it is


class Pictured(NamedTuple):
    """One picture that may be selected. `id` is its candidate's; the later a choice, the larger its `order`."""

    id: int
    provider: str
    content: str  # the same of two that are the same bytes
    likeness: Likeness
    score: float
    decision: Decision | None = None
    order: int = 0

    @property
    def area(self) -> int:
        """Pixels."""
        return self.likeness.width * self.likeness.height


class Choice(NamedTuple):
    """What comes of the pictures of one type: the selected ones, best first, and which others stand for which."""

    selected: tuple[int, ...]
    same_as: Mapping[int, int]  # of a picture that is left out: the one that is the same, and better


def choose(
    pictures: Iterable[Pictured], most: int, bits: int, *, by_rule: bool = True, upgrade: bool = False
) -> Choice:
    """Return the selection of one type: what a person chose, then the user's own pictures, then providers' by score.

    Of several that are the same picture only one counts: a person's choice, the user's own, else the largest. With
    `upgrade` a provider's larger version stands for the user's own, in its place. What a person rejected counts for
    nothing, nor does the same picture from somewhere else, unless a person chose that. Without `by_rule` only
    a person's choices are selected. At most `most` are; every choice of a person counts among them.
    """
    found = sorted(pictures, key=_by_worth)
    rejected = [one for one in found if one.decision == "rejected"]
    leaders: list[Pictured] = []
    same_as: dict[int, int] = {}
    for one in found:
        if one.decision == "rejected":
            continue
        likes = rejected if one.decision is None else ()
        if leader := next((other for other in (*leaders, *likes) if _is_same(one, other, bits)), None):
            same_as[one.id] = leader.id
        else:
            leaders.append(one)
    taken = [one for one in sorted(leaders, key=_by_rank) if by_rule or one.decision == "chosen"]
    if upgrade:
        taken = [_larger(one, found, same_as) for one in taken]
    return Choice(tuple(one.id for one in taken[:most]), same_as)


def _turn(one: Pictured) -> int:
    if one.decision == "chosen":
        return _CHOSEN
    return _OWN if one.provider in LOCAL else _OTHERS


def _by_worth(one: Pictured) -> tuple[float, ...]:
    """Order in which pictures stand for others that are the same."""
    return _turn(one), -one.order, _kind(one), -one.area, -one.score, one.id


def _by_rank(one: Pictured) -> tuple[float, ...]:
    return _turn(one), -one.order, _kind(one), -one.score, -one.area, one.id


def _kind(one: Pictured) -> int:
    """What a person gave comes before what came with the album."""
    return 0 if one.provider == PERSON else 1


def _is_same(one: Pictured, other: Pictured, bits: int) -> bool:
    return one.content == other.content or are_same(one.likeness, other.likeness, bits)


def _larger(one: Pictured, found: Sequence[Pictured], same_as: Mapping[int, int]) -> Pictured:
    """Return the largest that is the same as one that came with the album; any other as it is."""
    if _turn(one) != _OWN or one.provider == PERSON:
        return one
    likes = [other for other in found if same_as.get(other.id) == one.id]
    return max((one, *likes), key=lambda other: other.area)
