"""A sequence → its parts, each of so many at most, as itertools.batched of Python 3.12 will make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
STATEMENT: Final = 1000  # parameters of one IN (…) that any database takes


def batched(things: Sequence[T], most: int = STATEMENT) -> Iterator[Sequence[T]]:
    """Yield the parts, in their order."""
    return (things[start : start + most] for start in range(0, len(things), most))
