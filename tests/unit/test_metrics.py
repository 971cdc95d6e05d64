"""Figures are counted no more often than is worth it, and never kept for long."""

from __future__ import annotations

import pytest

from daemon.web.metrics import LONGEST, SHARE, Figures


class Counting:
    """A clock, and a count that takes some of its time."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.counted = 100.0, seconds, 0

    def count(self) -> tuple[bytes, str]:
        self.now += self.seconds
        self.counted += 1
        return str(self.counted).encode(), "text"

    def clock(self) -> float:
        return self.now


def test_figures_are_kept_in_proportion_to_what_they_took() -> None:
    world = Counting(0.1)
    figures = Figures(world.count, world.clock)
    assert [figures.read()[0] for _ in range(3)] == [b"1"] * 3
    world.now += 0.1 / SHARE - 0.01
    assert figures.read()[0] == b"1"
    world.now += 0.02
    assert figures.read()[0] == b"2"


def test_what_takes_very_long_is_counted_again_all_the_same() -> None:
    world = Counting(10.0)
    figures = Figures(world.count, world.clock)
    figures.read()
    world.now += LONGEST
    assert figures.read()[0] == b"2"


def test_a_count_that_fails_is_not_remembered() -> None:
    world = Counting(0.1)

    def second_time_lucky() -> tuple[bytes, str]:
        found = world.count()
        if world.counted == 1:
            raise TimeoutError
        return found

    figures = Figures(second_time_lucky, world.clock)
    with pytest.raises(TimeoutError):
        figures.read()
    assert figures.read()[0] == b"2"
