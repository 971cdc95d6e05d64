"""How much may vanish before the disk is in doubt."""

from __future__ import annotations

import pytest

from processor.items.presence import Limits, too_many


@pytest.mark.parametrize(
    ("vanished", "known", "stops"),
    [
        ([], 0, False),
        ([12], 12, False),  # the only album, taken away by hand
        ([12], 100, False),
        ([12, 10], 100, True),
        ([2, 3], 100, False),
        ([2, 4], 100, True),
        ([51], 100_000, True),
        ([50], 100_000, False),
        ([25, 25], 100_000, False),
        ([25, 26], 100_000, True),
    ],
)
def test_one_album_is_a_person_and_many_are_a_disk(vanished: list[int], known: int, stops: bool) -> None:
    assert too_many(vanished, known, Limits(files=50, percent=5)) is stops
