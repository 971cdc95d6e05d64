"""The heartbeat: when cycles start, what is skipped, and what it survives. No clock but the one moved here."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from config.errors import Retryable
from config.libraries import Library
from config.reasons import Reason
from config.sections import StagingScan
from config.settings import load_section
from daemon.beats import FromNow
from daemon.fire_times import Position, first_position, follow
from daemon.hints import LONGEST_WAIT
from daemon.scheduler import AGAIN_SECONDS, Heartbeat

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
WAIT = 60.0  # seconds until a test that would hang fails instead


def settings(schedule: str = "0 * * * *", *, enabled: bool = True, zone: str = "UTC", quiet: int = 60) -> StagingScan:
    return StagingScan(enabled=enabled, schedule=schedule, timezone=zone, quiet_seconds=quiet)


def later(**span: float) -> dt.datetime:
    return NOON + dt.timedelta(**span)


@dataclass(frozen=True)
class Report:
    status: str = "done"
    counts = {"albums": 3, "staged": 3, "failed": 0}  # noqa: RUF012 - never changed


@dataclass
class Installation:
    """An installation in memory: what the table says, what the heartbeat asked for, and cycles that last as told."""

    table: StagingScan = field(default_factory=settings)
    problems: list[str] = field(default_factory=list)
    last: tuple[dt.datetime, str] | None = None
    root: bytes | None = b"/srv/inbound"
    outage: Exception | None = None  # of the database
    cycle_error: Exception | None = None
    is_taken: bool = False  # by somebody else, who works on the roots
    cycles: list[tuple[str, dt.datetime | None]] = field(default_factory=list)
    skips: list[tuple[dt.datetime, str]] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)

    def staging_settings(self) -> tuple[StagingScan, list[str]]:
        if self.outage:
            raise self.outage
        return self.table, self.problems

    def inbound(self) -> Library | None:
        return Library(1, "inbound", "music", self.root, "uuid") if self.root else None

    def last_fire(self) -> tuple[dt.datetime, str] | None:
        return self.last

    def run_cycle(self, *, trigger: str, fire_time: dt.datetime | None, stop: threading.Event) -> Report:
        self.cycles.append((trigger, fire_time))
        assert self.may_end.wait(WAIT)
        if self.cycle_error:
            raise self.cycle_error
        return Report("skipped" if self.is_taken else "done")

    def record_skip(self, fire_time: dt.datetime, why: Reason) -> None:
        self.skips.append((fire_time, why.message))


@dataclass
class Watch:
    """A watch whose folder changes when the test says so."""

    root: bytes
    change: Callable[[], None]
    running: bool = False
    is_waiting: bool = False  # for its disk

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class Daemon:
    """A heartbeat with an installation and clocks of its own."""

    def __init__(self, app: Installation) -> None:
        self.app, self.now, self.seconds, self.stop = app, NOON, 0.0, threading.Event()
        self.watches: list[Watch] = []
        self.late: list[str] = []  # what is said of disks that do not answer
        self.busy: list[bool] = []  # whether one might be waited for, at each beat
        self.heart = Heartbeat(
            app,
            self.stop,
            clock=lambda: self.now,
            monotonic=lambda: self.seconds,
            watch=self._make_watch,
            silent=self._silent,
        )
        app.may_end.set()

    def _make_watch(self, root: bytes, change: Callable[[], None]) -> Watch:
        self.watches.append(Watch(root, change))
        return self.watches[-1]

    def _silent(self, busy: bool) -> list[str]:
        self.busy.append(busy)
        return self.late

    def beat(self, *, settle: bool = True, **span: float) -> None:
        """Let time pass and beat once; then wait for the cycle that may have started."""
        passed = dt.timedelta(**span)
        self.now, self.seconds = self.now + passed, self.seconds + passed.total_seconds()
        self.heart.beat()
        if settle:
            self.settle()

    def settle(self) -> None:
        assert self.heart.is_idle(WAIT)

    def hold_cycles(self) -> None:
        self.app.may_end.clear()

    def release_cycles(self) -> None:
        self.app.may_end.set()
        self.settle()


# --- the pure part ---


def test_after_a_start_a_fire_time_missed_while_down_is_due_once() -> None:
    hourly = settings()
    position = first_position(hourly, (later(hours=-5), hourly.schedule), NOON)
    position, fire = follow(position, hourly, NOON)
    assert fire == NOON
    assert follow(position, hourly, NOON) == (position, None)


@pytest.mark.parametrize("last", [None, (later(hours=-5), "*/5 * * * *")])
def test_after_a_start_without_a_run_of_this_schedule_time_counts_from_now(
    last: tuple[dt.datetime, str] | None,
) -> None:
    position = first_position(settings(), last, NOON)
    assert position == Position(settings().as_schedule(), NOON)
    assert follow(position, settings(), later(minutes=59)) == (position, None)


def test_a_disabled_schedule_has_no_position() -> None:
    assert first_position(settings(enabled=False), (later(hours=-5), "0 * * * *"), NOON) is None
    assert follow(Position(settings().as_schedule(), NOON), settings(enabled=False), later(days=1)) == (None, None)


@pytest.mark.parametrize("table", [settings("*/5 * * * *"), settings(zone="Asia/Kolkata")])
def test_another_schedule_or_zone_counts_from_now(table: StagingScan) -> None:
    before = Position(settings().as_schedule(), later(days=-300))
    assert follow(before, table, NOON) == (Position(table.as_schedule(), NOON), None)


def test_a_clock_set_back_a_little_does_not_repeat_a_fire_time() -> None:
    position = Position(settings().as_schedule(), NOON)
    assert follow(position, settings(), later(seconds=-3)) == (position, None)
    assert follow(position, settings(), later(seconds=1)) == (position, None)


@pytest.mark.parametrize("back", [dt.timedelta(hours=3), dt.timedelta(days=20_000)])
def test_a_clock_set_back_far_waits_no_longer_than_a_period(back: dt.timedelta) -> None:
    position, fire = follow(Position(settings().as_schedule(), NOON), settings(), NOON - back)
    assert fire is None
    position, fire = follow(position, settings(), NOON - back + dt.timedelta(hours=1))
    assert fire == NOON - back + dt.timedelta(hours=1)


def test_the_beat_after_a_clock_that_jumped_ahead_by_decades_is_one() -> None:
    assert FromNow(2.0).get_next_fire_time(later(days=-20_000), NOON) == later(seconds=2)


# --- the heartbeat ---


def test_a_cycle_starts_at_its_fire_time_and_only_once() -> None:
    daemon = Daemon(Installation())
    for _ in range(2000):  # more than an hour
        daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", later(hours=1))]
    assert daemon.heart.state == "next cycle 2026-11-21 14:00 UTC, last: 3 staged"


def test_the_state_says_so_where_there_was_nothing_to_do_and_where_no_cycle_will_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Report, "counts", {"albums": 3, "staged": 0})
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.beat(hours=1)
    daemon.app.table = settings("0 0 */31 * 1#5")  # a fifth Monday that is the 1st
    daemon.beat(seconds=2)
    assert daemon.heart.state == "next cycle never, last: nothing to do"


def test_nothing_runs_until_it_is_enabled_and_then_from_that_moment_on() -> None:
    daemon = Daemon(Installation(settings(enabled=False), last=(later(hours=-5), "0 * * * *")))
    daemon.beat(hours=5)
    assert daemon.heart.state == "off: staging_scan.enabled is false"
    daemon.app.table = settings()
    daemon.beat(seconds=2)
    assert daemon.app.cycles == []
    daemon.beat(hours=1)
    assert daemon.app.cycles == [("schedule", later(hours=6))]


def test_a_schedule_changed_from_yearly_to_every_minute_fires_within_seventy_seconds() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *")))
    daemon.beat(seconds=2)
    daemon.app.table = settings("* * * * *")
    for _ in range(35):
        daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", later(minutes=1))]


def test_a_disabled_schedule_stops_at_the_next_beat() -> None:
    daemon = Daemon(Installation(settings("* * * * *")))
    daemon.beat()
    daemon.app.table = settings("* * * * *", enabled=False)
    daemon.beat(hours=1)
    assert daemon.app.cycles == []


def test_a_fire_time_during_a_cycle_is_recorded_as_one_skip() -> None:
    daemon = Daemon(Installation(settings("* * * * *")))
    daemon.hold_cycles()
    daemon.beat(settle=False)
    for _ in range(65):  # over two minutes: one starts a cycle, the other meets it
        daemon.beat(settle=False, seconds=2)
    assert daemon.app.cycles == [("schedule", later(minutes=1))]
    assert [at for at, _ in daemon.app.skips] == [later(minutes=2)]
    assert daemon.heart.state == "cycle running since 12:01:00"
    daemon.release_cycles()
    daemon.beat(seconds=50)
    assert daemon.app.cycles[1:] == [("schedule", later(minutes=3))]


def test_a_cycle_that_met_somebody_at_work_is_tried_again_each_minute_until_it_ran() -> None:
    daemon = Daemon(Installation(settings(quiet=0)))
    daemon.beat()
    daemon.app.is_taken = True
    daemon.beat(hours=1)
    for _ in range(45):  # a minute and a half
        daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", later(hours=1)), ("watch", None)]
    daemon.app.is_taken = False
    for _ in range(60):
        daemon.beat(seconds=2)
    assert daemon.app.cycles[2:] == [("watch", None)]


def test_fire_times_missed_while_the_machine_slept_make_one_run() -> None:
    daemon = Daemon(Installation(settings("* * * * *")))
    daemon.beat()
    daemon.beat(days=3, seconds=30)
    daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", later(days=3))]


def test_a_database_that_is_away_is_told_once_and_the_run_is_made_up_for(logged: list[str]) -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.app.outage = Retryable("the database did not answer")
    for _ in range(3):
        daemon.beat(hours=1)
    assert daemon.heart.state == "heartbeat failed: the database did not answer"
    daemon.app.outage = None
    daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", later(hours=3))]
    assert logged == ["WARNING failed; the next beat tries again", "INFO works again"]


def test_a_database_that_is_away_at_the_start_does_not_lose_the_missed_run() -> None:
    daemon = Daemon(Installation(last=(later(hours=-2), "0 * * * *"), outage=Retryable("away")))
    daemon.beat()
    daemon.app.outage = None
    daemon.beat(seconds=2)
    assert daemon.app.cycles == [("schedule", NOON)]


def test_an_error_nobody_thought_of_is_logged_with_its_traceback_and_the_beat_goes_on(logged: list[str]) -> None:
    daemon = Daemon(Installation(outage=KeyError("surprise")))
    daemon.beat()
    daemon.beat(seconds=2)
    assert len([line for line in logged if "Traceback" in line and "surprise" in line]) == 1
    daemon.app.outage = None
    daemon.beat(seconds=2)
    daemon.beat(hours=1)
    assert len(daemon.app.cycles) == 1


@pytest.mark.parametrize("error", [Retryable("the database went away"), ZeroDivisionError("bug")])
def test_a_cycle_that_raises_does_not_stop_the_next_one(error: Exception) -> None:
    daemon = Daemon(Installation(cycle_error=error))
    daemon.beat()
    daemon.beat(hours=1)
    daemon.beat(seconds=2)
    assert daemon.heart.state.endswith("last: failed")
    daemon.beat(hours=1)
    assert len(daemon.app.cycles) == 2


def test_a_cycle_whose_end_could_not_be_recorded_is_tried_again_and_no_trouble_while_it_is() -> None:
    """As one whose database went away: by the schedule alone it would be said to fail for up to an hour, or a year."""
    daemon = Daemon(Installation(settings(quiet=0), cycle_error=Retryable("the database went away")))
    daemon.beat()
    daemon.beat(hours=1)
    assert daemon.heart.trouble == "cycle failed: the database went away"
    daemon.app.cycle_error = None
    daemon.hold_cycles()
    daemon.beat(seconds=AGAIN_SECONDS - 1)
    assert len(daemon.app.cycles) == 1
    daemon.beat(settle=False, seconds=2)
    assert daemon.app.cycles[1:] == [("watch", None)]
    assert daemon.heart.trouble == ""
    daemon.release_cycles()
    assert daemon.heart.trouble == ""


def test_unreadable_settings_are_told_once_per_change_and_nothing_runs(logged: list[str]) -> None:
    table, problems = load_section("staging_scan", {"enabled": "true", "schedule": '"soon"'})
    assert isinstance(table, StagingScan)
    daemon = Daemon(Installation(table, problems=problems))
    for _ in range(3):
        daemon.beat(hours=1)
    daemon.app.problems = ["another"]
    daemon.beat(seconds=2)
    assert daemon.app.cycles == []
    assert daemon.heart.state == "off: another"
    assert logged == ["ERROR a setting cannot be read; nothing runs until it is put right"] * 2


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_cycle_for_which_no_thread_can_be_had_is_begun_by_a_later_beat(
    is_watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    daemon = Daemon(Installation(settings("0 0 1 1 *" if is_watched else "0 * * * *", quiet=60)))
    daemon.beat()
    if is_watched:
        daemon.watches[0].change()
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuse)
        daemon.beat(hours=1)  # settles, as a daemon does that is to end now
    assert daemon.app.cycles == []
    daemon.beat(minutes=2)
    assert daemon.app.cycles == [("watch", None) if is_watched else ("schedule", later(hours=1))]


def test_no_cycle_starts_once_the_daemon_is_stopping() -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.stop.set()
    daemon.beat(hours=1)
    assert daemon.app.cycles == []


# --- disks that do not answer ---


def test_a_disk_that_does_not_answer_is_in_the_state_and_in_what_is_skipped_for_it() -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.hold_cycles()
    daemon.beat(settle=False, hours=1)
    daemon.late = ["/srv/inbound was asked at 13:00"]
    daemon.beat(settle=False, seconds=2)
    assert daemon.heart.state == "/srv/inbound was asked at 13:00; cycle running since 13:00:00"
    daemon.app.table = settings("*/30 * * * *")
    daemon.beat(settle=False, seconds=2)
    daemon.beat(settle=False, hours=1)
    ((_, why),) = daemon.app.skips
    assert "13:00:00 UTC was still running; /srv/inbound was asked at 13:00" in why
    assert daemon.busy == [False, True, True, True, True]
    daemon.late = []
    daemon.beat(settle=False, seconds=2)  # the cycle goes on by itself: nothing is to be made up for
    daemon.release_cycles()
    daemon.beat(seconds=2)
    daemon.beat(seconds=3600 / 4)
    assert [trigger for trigger, _ in daemon.app.cycles] == ["schedule"]


def test_what_a_disk_kept_from_being_done_is_done_once_when_it_answers_again() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *", quiet=0)))
    daemon.late = ["/srv/inbound has not answered"]
    for _ in range(3):
        daemon.beat(seconds=LONGEST_WAIT)
    assert daemon.app.cycles == []
    daemon.late = []
    for _ in range(3):
        daemon.beat(seconds=2)
    assert daemon.app.cycles == [("watch", None)]


def test_a_watch_that_waits_for_its_disk_is_reason_enough_to_ask() -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.watches[0].is_waiting = True
    daemon.beat(seconds=2)
    assert daemon.busy == [False, True]


# --- hints from the watch ---


def test_a_change_asks_for_a_cycle_when_the_folder_went_quiet() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *", quiet=60)))
    daemon.beat()
    for _ in range(10):  # a copy that takes five minutes
        daemon.watches[0].change()
        daemon.beat(seconds=30)
    assert daemon.app.cycles == []
    daemon.beat(seconds=30)
    daemon.beat(seconds=600)
    assert daemon.app.cycles == [("watch", None)]


def test_a_folder_that_never_becomes_quiet_gets_a_cycle_after_a_while() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *", quiet=60)))
    daemon.beat()
    for _ in range(int(LONGEST_WAIT / 30) + 1):
        daemon.watches[0].change()
        daemon.beat(seconds=30)
    assert daemon.app.cycles == [("watch", None)]


def test_a_change_during_a_cycle_asks_for_another_one_after_it() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *", quiet=0)))
    daemon.hold_cycles()
    daemon.beat()
    daemon.watches[0].change()
    daemon.beat(settle=False, seconds=2)
    daemon.watches[0].change()
    daemon.beat(settle=False, seconds=2)
    assert daemon.app.cycles == [("watch", None)]
    assert daemon.app.skips == []
    daemon.release_cycles()
    daemon.beat(seconds=2)
    daemon.beat(seconds=2)
    assert daemon.app.cycles == [("watch", None)] * 2


@pytest.mark.parametrize(
    ("schedule", "passed", "cycles"),
    [("0 0 1 1 *", 6, [("watch", None)]), ("0 * * * *", 6, [("schedule", NOON)])],
)
def test_what_is_heard_while_listening_begins_is_for_the_cycle_that_is_due_or_else_asks_for_one(
    schedule: str, passed: float, cycles: list[tuple[str, dt.datetime | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(Installation(settings(schedule, quiet=5), last=(later(hours=-1), schedule)))
    monkeypatch.setattr(Watch, "start", lambda watch: watch.change())
    daemon.beat()
    daemon.beat(seconds=passed)
    daemon.beat(seconds=passed)
    assert daemon.app.cycles == cycles
    assert daemon.app.skips == []


def test_a_change_shortly_before_a_fire_time_is_left_to_it_which_would_be_skipped_else() -> None:
    daemon = Daemon(Installation(settings("0 * * * *", quiet=60)))
    daemon.beat(minutes=58)
    daemon.watches[0].change()
    daemon.hold_cycles()
    daemon.beat(settle=False, seconds=61)
    daemon.beat(settle=False, seconds=59)
    assert daemon.app.cycles == [("schedule", later(hours=1))]
    assert daemon.app.skips == []
    daemon.release_cycles()


def test_a_schedule_that_fires_all_the_time_needs_no_hints() -> None:
    daemon = Daemon(Installation(settings("every 10s", quiet=0)))
    daemon.beat()
    daemon.watches[0].change()
    daemon.hold_cycles()
    daemon.beat(settle=False, seconds=8)
    daemon.beat(settle=False, seconds=4)
    assert daemon.app.cycles == [("schedule", later(seconds=10))]
    assert daemon.app.skips == []
    daemon.release_cycles()


def test_a_hint_outlives_a_reload() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *", quiet=5)))
    daemon.beat()
    daemon.heart.hint()
    daemon.heart.stop_listening()
    daemon.beat(seconds=6)
    assert daemon.app.cycles == [("watch", None)]


def test_a_disabled_daemon_does_not_listen() -> None:
    daemon = Daemon(Installation(settings("0 0 1 1 *")))
    daemon.beat()
    daemon.watches[0].change()
    daemon.app.table = settings("0 0 1 1 *", enabled=False)
    daemon.beat(seconds=600)
    assert not daemon.watches[0].running
    assert daemon.app.cycles == []


def test_listening_can_be_switched_off_alone() -> None:
    daemon = Daemon(Installation(settings().model_copy(update={"watch": False})))
    daemon.beat()
    assert daemon.watches == []


def test_another_inbound_library_is_listened_to_at_the_next_beat() -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.app.root = b"/srv/other"
    daemon.beat(seconds=2)
    daemon.app.root = None
    daemon.beat(seconds=2)
    assert [(watch.root, watch.running) for watch in daemon.watches] == [
        (b"/srv/inbound", False),
        (b"/srv/other", False),
    ]


def test_after_a_reload_the_folder_is_listened_to_anew() -> None:
    daemon = Daemon(Installation())
    daemon.beat()
    daemon.heart.stop_listening()
    daemon.beat()
    assert [watch.running for watch in daemon.watches] == [False, True]


def test_a_hint_from_elsewhere_starts_a_cycle_only_where_cycles_are_switched_on() -> None:
    daemon = Daemon(Installation(settings().model_copy(update={"watch": False})))
    daemon.beat()
    daemon.heart.hint()
    daemon.beat(seconds=settings().quiet_seconds + 1)
    assert daemon.app.cycles == [("watch", None)]
    daemon.app.table = settings().model_copy(update={"enabled": False})
    daemon.heart.hint()
    daemon.beat(seconds=3600)
    assert daemon.app.cycles == [("watch", None)]
