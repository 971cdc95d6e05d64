"""Disks that hang: whoever looks is told what was seen last, and for how long nothing was heard since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.errors import Busy
from daemon.disks import MOST, Disks

AGES = 60.0


class Hanging(list[Callable[[], None]]):
    """Looks that were begun and do not end before they are told to."""

    def answer(self) -> None:
        while self:
            self.pop()()


def test_what_is_seen_in_time_is_new() -> None:
    seen = Disks[str](AGES).ask({"a": lambda: "one", "b": lambda: "two"})
    assert [(one.value, one.late) for one in seen.values()] == [("one", None), ("two", None)]


def test_a_disk_that_hangs_costs_one_look_and_shows_what_was_seen_before() -> None:
    hanging = Hanging()
    disks = Disks[str](patience=0.0, begin=hanging.append)
    disks.ask({"a": lambda: "early"})
    hanging.answer()
    seen = [disks.ask({"a": lambda: "later"})["a"] for _ in range(5)]
    assert [one.value for one in seen] == ["early"] * 5
    assert all(one.late is not None and one.at is not None for one in seen)
    assert len(hanging) == 1
    hanging.answer()
    assert disks.ask({"a": lambda: "last"})["a"].value == "later"


def test_of_a_disk_nobody_has_seen_nothing_is_known() -> None:
    seen = Disks[str](patience=0.0, begin=Hanging().append).ask({"a": lambda: "never"})["a"]
    assert (seen.value, seen.at) == (None, None)
    assert seen.late is not None


def test_disks_that_hang_do_not_eat_all_threads() -> None:
    hanging = Hanging()
    seen = Disks[int](patience=0.0, begin=hanging.append).ask({n: lambda: 1 for n in range(2 * MOST)})
    assert len(hanging) == MOST
    assert all(one.late is not None for one in seen.values())


def test_a_look_that_no_thread_can_be_had_for_is_begun_again_by_who_asks_next() -> None:
    left = [1, 1]

    def begin(act: Callable[[], None]) -> None:
        if left:
            left.pop()
            raise RuntimeError("can't start new thread")
        act()

    disks = Disks[str](AGES, begin=begin)
    assert disks.ask({"a": lambda: "one"})["a"].late is not None
    with pytest.raises(Busy):
        disks.do("a", lambda: "two")
    assert disks.do("a", lambda: "three") == "three"


def test_who_waits_for_a_work_gets_what_came_of_it_though_others_look_at_it_in_that_instant() -> None:
    def begin(act: Callable[[], None]) -> None:
        act()
        disks.came_of("a")

    disks = Disks[str](AGES, begin=begin)
    assert disks.do("a", lambda: "done") == "done"
