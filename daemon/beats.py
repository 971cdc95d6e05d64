"""A function and a number of seconds → APScheduler calling it again and again, whatever the wall clock does."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger


class FromNow(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """Fires so long after now. An interval trigger counts from the last time instead: when a machine without a clock
    battery learns in 2026 that it is not 1970, it would list every missed beat of the years between."""

    def __init__(self, seconds: float) -> None:
        self._interval = dt.timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: dt.datetime | None, now: dt.datetime) -> dt.datetime:
        """Return the time of the next beat."""
        return now + self._interval


class Beats:
    """APScheduler calling `beat` every so many seconds, in a thread of its own."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        # It warns about every beat that falls into a longer one; that is meant to happen while the database is slow.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(timezone=dt.UTC, executors={"default": ThreadPoolExecutor(1)})
        self._job = self._scheduler.add_job(beat, FromNow(seconds), max_instances=1, coalesce=True)
        self._scheduler.start()

    def now(self) -> None:
        """Beat at once. Needed too after the clock was set back: APScheduler sleeps until the time it once read."""
        self._job.modify(next_run_time=dt.datetime.now(dt.UTC))

    def stop(self) -> None:
        """Wait for the beat at hand, and beat no more."""
        self._scheduler.shutdown(wait=True)
