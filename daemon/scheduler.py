"""The settings table, read every few seconds → cycles, started when the schedule or a change in the folder asks.

`Heartbeat` acts, called by `daemon.beats`, at the times `daemon.fire_times` tells. A cycle has a thread of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol

from loguru import logger

from config.cron import SHORTEST_INTERVAL
from config.errors import GreenroomError
from config.libraries import Library
from config.reasons import Reason, show_time
from config.sections import StagingScan
from daemon.fire_times import Position, first_position, follow
from daemon.hints import Hints
from daemon.listening import Listener, Listening

HEARTBEAT_SECONDS = 2.0  # how soon a changed setting is obeyed, and how late a cycle may start
AGAIN_SECONDS = 60.0  # until one that failed, or met somebody at work, is tried again: each try is a row of runs

FAILED = "failed"
SKIPPED = "skipped"  # what a report says of a cycle that met somebody at work
Trigger = Literal["schedule", "watch"]


class Report(Protocol):
    """What the heartbeat tells about a cycle that ended."""

    @property
    def status(self) -> str:
        """done, failed or skipped."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many albums came to which outcome."""


class Application(Protocol):
    """What the heartbeat needs of the installation. Every call may raise Retryable when the database is away."""

    def staging_settings(self) -> tuple[StagingScan, list[str]]:
        """Return the settings of this moment, with what could not be read."""

    def inbound(self) -> Library | None:
        """Return the inbound library of this moment, or None."""

    def last_fire(self) -> tuple[dt.datetime, str] | None:
        """Return the fire time and the schedule of the newest scheduled run."""

    def run_cycle(self, *, trigger: str, fire_time: dt.datetime | None, stop: threading.Event) -> Report:
        """Run one cycle to its end."""

    def record_skip(self, fire_time: dt.datetime, why: Reason) -> None:
        """Record a fire time of the schedule at which no cycle could start."""


class Heartbeat:
    """Beats every few seconds; beat() never raises, nor does it wait for the disk of a root.

    `clock` is the wall clock, `monotonic` counts seconds. `silent` says which disks do not answer; it is told whether
    any of them may be waited for here.
    """

    def __init__(
        self,
        app: Application,
        stop: threading.Event,
        *,
        clock: Callable[[], dt.datetime],
        monotonic: Callable[[], float],
        watch: Callable[[bytes, Callable[[], None]], Listener],
        carry: Callable[[], None] = lambda: None,
        silent: Callable[[bool], list[str]] = lambda busy: [],
    ) -> None:
        self.state = "starting"  # one line for people
        self.beaten = monotonic()  # when the last beat ended
        self._app, self._stop, self._clock, self._monotonic = app, stop, clock, monotonic
        self._carry, self._silent = carry, silent
        self._beating = threading.Lock()
        self._position: Position | None = None
        self._started = False  # whether the position of the run before us was looked up
        self._cycle: threading.Thread | None = None
        self._cycle_began = clock()
        self._last = "nothing yet"
        self._hints = Hints(monotonic)
        self._listening = Listening(watch, self._hints.hear)
        self._late: list[str] = []  # what is to be said of disks that do not answer
        self._problems: list[str] = []
        self._trouble: dict[str, str] = {}  # by what was tried: the error that was logged last

    def beat(self) -> None:
        """Read the settings, start what is due, listen where changes are to be heard."""
        with self._beating:
            with self._survive("heartbeat"):
                self._beat()
            self.beaten = self._monotonic()

    @property
    def trouble(self) -> str:
        """What fails at each try, and why; empty where all goes well. A cycle that runs may end well."""
        found = dict(self._trouble)
        if self._is_running():
            found.pop("cycle", None)
        return "; ".join(f"{what} failed: {error}" for what, error in found.items())

    def hint(self) -> None:
        """Ask for a cycle once it is quiet, if cycles are switched on; somebody says that something arrived."""
        self._hints.hear()

    def stop_listening(self) -> None:
        """Free the watch; a beat that follows listens anew, for the folder may be another one under the old name."""
        with self._beating:
            self._listening.to(None)

    def is_idle(self, timeout: float) -> bool:
        """Wait so many seconds for the running cycle, if there is one; return whether none runs now."""
        if self._cycle is not None:
            self._cycle.join(timeout)
        return not self._is_running()

    def _beat(self) -> None:
        now = self._clock()
        settings, problems = self._app.staging_settings()
        self._report(problems)
        if not self._started:
            self._position = first_position(settings, self._app.last_fire(), now)
            self._started = True
        with self._survive("watch"):
            self._listen(settings)  # first, so that what it begins with is known to the cycle that is due
        position, fire = follow(self._position, settings, now)
        if fire is not None:
            self._fire(fire)
        self._position = position  # only now: a skip that could not be recorded is met again
        with self._survive("jobs"):
            self._carry()
        with self._survive("disks"):
            self._look()
        if not settings.enabled:
            self._hints.clear()
        quiet = max(settings.quiet_seconds, AGAIN_SECONDS if self._last in (SKIPPED, FAILED) else 0)
        lasts = max(settings.quiet_seconds, SHORTEST_INTERVAL)  # about as long as a cycle with news
        if self._hints.due(quiet) and not self._is_running() and not self._is_due_within(lasts, now):
            self._start("watch", None)
        self.state = "; ".join([*self._late, self._describe()])

    def _fire(self, fire: dt.datetime) -> None:
        if not self._is_running():
            self._start("schedule", fire)
            return
        why = f"the cycle that began at {show_time(self._cycle_began)} was still running"
        self._app.record_skip(fire, Reason("busy", "; ".join([why, *self._late])))
        logger.bind(fire_time=fire).warning("fire time skipped: a cycle is still running")

    def _is_due_within(self, seconds: float, now: dt.datetime) -> bool:
        """Whether the schedule fires so soon: a cycle begun now would still run, and the fire time be skipped."""
        upcoming = self._position.schedule.next_after(now) if self._position else None
        return upcoming is not None and upcoming <= now + dt.timedelta(seconds=seconds)

    def _is_running(self) -> bool:
        return self._cycle is not None and self._cycle.is_alive()

    def _start(self, trigger: Trigger, fire_time: dt.datetime | None) -> None:
        if self._stop.is_set():
            return
        self._hints.clear()  # whatever changed until now, this cycle sees
        self._cycle_began = self._clock()
        cycle = threading.Thread(target=self._run, args=(trigger, fire_time), name="cycle")
        try:
            cycle.start()
        except RuntimeError:  # no thread can be had just now
            self._hints.hear()
            raise
        self._cycle = cycle

    def _run(self, trigger: Trigger, fire_time: dt.datetime | None) -> None:
        self._last = FAILED  # until we know better
        with self._survive("cycle"):
            try:
                report = self._app.run_cycle(trigger=trigger, fire_time=fire_time, stop=self._stop)
            except GreenroomError:
                self._hints.hear()  # the database did not even take how it ended, and is back before the schedule fires
                raise
            told = [f"{count} {name}" for name in ("staged", "failed") if (count := report.counts.get(name, 0))]
            self._last = report.status if report.status != "done" else ", ".join(told) or "nothing to do"
            if self._last == SKIPPED:
                self._hints.hear()  # a publication is done with the roots long before the schedule says so again

    def _listen(self, settings: StagingScan) -> None:
        library = self._app.inbound() if settings.enabled and settings.watch else None
        self._listening.to(library.path if library else None)

    def _look(self) -> None:
        was_late = bool(self._late)
        self._late = self._silent(self._is_running() or self._listening.is_waiting)
        if was_late and not self._late and not self._is_running():
            self._hints.hear()  # what could not be done meanwhile is done now, and not only when it is due again

    def _report(self, problems: list[str]) -> None:
        if problems != self._problems:
            for problem in problems:
                logger.bind(problem=problem).error("a setting cannot be read; nothing runs until it is put right")
            self._problems = problems

    def _describe(self) -> str:
        if self._problems:
            return f"off: {self._problems[0]}"
        if self._position is None:
            return "off: staging_scan.enabled is false"
        zone = self._position.schedule.zone
        if self._is_running():
            return f"cycle running since {self._cycle_began.astimezone(zone):%H:%M:%S}"
        upcoming = self._position.schedule.next_after(self._position.considered)
        when = "never" if upcoming is None else f"{upcoming.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        return f"next cycle {when}, last: {self._last}"

    @contextlib.contextmanager
    def _survive(self, what: str) -> Iterator[None]:
        """Log what went wrong, once until it changes, and let the next beat try again."""
        try:
            yield
        except GreenroomError as error:
            if self._is_news(what, error.message):
                logger.bind(what=what, error=error.message).warning("failed; the next beat tries again")
        except Exception as error:  # noqa: BLE001 - the tick: one broken beat or cycle must not end the daemon
            if self._is_news(what, repr(error)):
                logger.bind(what=what).exception("failed unexpectedly; the next beat tries again")
        else:
            if self._trouble.pop(what, None):
                logger.bind(what=what).info("works again")

    def _is_news(self, what: str, error: str) -> bool:
        self.state = f"{what} failed: {error}"
        known = self._trouble.get(what)
        self._trouble[what] = error
        return error != known
