"""Two perceptual hashes → in how many bits they differ, where they can be compared at all. Pure."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

ALGORITHM: Final = "phash-8x8-of-32/1"  # goes with every hash: only those made in one way can be compared
# Half of the bits are set in the hash of any picture that shows something; of a plain surface or bare edges there is
# too little to tell it from another one.
_TELLING: Final = range(24, 41)
_SAME_SHAPE: Final = 0.1  # difference of the logarithms of the aspects; a hash does not know them


class Likeness(NamedTuple):
    """What tells whether two pictures show the same: hash in 16 hex digits, how it was made, and the size."""

    phash: str
    algorithm: str
    width: int
    height: int


def distance(one: str, other: str) -> int:
    """Return in how many of 64 bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def are_same(one: Likeness, other: Likeness, bits: int) -> bool:
    """Whether both are one picture, perhaps in two sizes: hashes differ in at most so many bits, shapes hardly."""
    return (
        one.algorithm == other.algorithm
        and abs(math.log(one.width * other.height / (one.height * other.width))) <= _SAME_SHAPE
        and all(int(hash, 16).bit_count() in _TELLING for hash in (one.phash, other.phash))
        and distance(one.phash, other.phash) <= bits
    )
