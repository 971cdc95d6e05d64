"""Cycles of one process: followed while they run, one at a time for those who ask, ended with the process."""

from __future__ import annotations

import threading

import pytest

from config.errors import Busy, Retryable, Stopped
from daemon.actions.ongoing import Ongoing, Stage

ONE, TWO = Stage("one"), Stage("two")
WAIT = 60  # seconds; far more than a loaded machine needs


def test_a_cycle_is_known_while_it_lasts_and_tells_both_who_follow_and_who_began_it() -> None:
    ongoing, told = Ongoing(), []
    with ongoing.following(ONE, lambda *stage: told.append(stage)) as progress:
        assert ongoing.stages() == [ONE]
        progress("move", 2, 7)
        assert [(stage.name, stage.done, stage.total) for stage in ongoing.stages()] == [("move", 2, 7)]
    assert ongoing.stages() == []
    assert told == [("move", 2, 7)]


def test_a_cycle_that_is_waited_for_no_longer_is_not_shown_again_when_its_disk_wakes_up() -> None:
    ongoing, told = Ongoing(), []
    with ongoing.following(ONE, lambda *stage: told.append(stage)) as progress:
        pass
    progress("move", 2, 7)
    assert ongoing.stages() == []
    assert told == []


def test_whoever_asks_while_one_runs_is_told_which() -> None:
    ongoing, may_end = Ongoing(), threading.Event()
    ongoing.ask(ONE, lambda _stop: may_end.wait(WAIT))
    with pytest.raises(Busy, match="one"):
        ongoing.ask(TWO, lambda _stop: None)
    assert not ongoing.is_idle(0)
    may_end.set()
    assert ongoing.is_idle(WAIT)
    ongoing.ask(TWO, lambda _stop: None)
    assert ongoing.is_idle(WAIT)
    assert ongoing.stages() == []


def test_a_cycle_that_no_thread_can_be_had_for_is_not_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ongoing, ran = Ongoing(), threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        with pytest.raises(Retryable, match="can't start new thread"):
            ongoing.ask(ONE, lambda _stop: ran.set())
    assert (ongoing.stages(), ongoing.is_idle()) == ([], True)
    ongoing.ask(TWO, lambda _stop: ran.set())
    assert ran.wait(WAIT)


def test_a_stop_reaches_the_cycle_at_hand_and_none_begins_after_it() -> None:
    ongoing, stopped = Ongoing(), []
    ongoing.ask(ONE, lambda stop: stopped.append(stop.wait(WAIT)))
    ongoing.stop()
    assert ongoing.is_idle(WAIT)
    assert stopped == [True]
    with pytest.raises(Stopped):
        ongoing.ask(TWO, lambda _stop: None)


def test_a_database_that_goes_away_ends_the_cycle_and_not_the_next_one() -> None:
    ongoing = Ongoing()

    def fails(_stop: threading.Event) -> None:
        raise Retryable("the database did not answer")

    ongoing.ask(ONE, fails)
    assert ongoing.is_idle(WAIT)
    ongoing.ask(TWO, lambda _stop: None)
    assert ongoing.is_idle(WAIT)
