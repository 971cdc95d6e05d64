"""A schedule as text → the times it fires.

Two spellings: five cron fields with their standard meaning (0 and 7 are Sunday; when both day fields are restricted
either may match: crontab(5)), and `every 15m`, counted from each midnight so that it does not drift with restarts:
`every 7h` is 0, 7, 14 and 21 o'clock, and `every 3d` every third midnight.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import re
import warnings
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from loguru import logger
from tzlocal import get_localzone

_INTERVAL = re.compile(r"every\s+(\d{1,5})\s*(s|m|h|d)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DAY = 86_400  # seconds
SHORTEST_INTERVAL = 10  # seconds; the heartbeat is not finer than that


def timezone(name: str) -> ZoneInfo:
    """Return the zone called `name`; "local" is the machine's. Raises ValueError for an unknown one."""
    if name == "local":
        return _machines_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use a name such as Europe/Berlin, or local") from error


@functools.cache
def _machines_zone() -> ZoneInfo:
    """Return the zone of this machine; UTC, which is told once, where TZ gives rules, as `CET-1CEST`, or nonsense."""
    try:
        with warnings.catch_warnings(action="ignore"):  # where nothing says a zone, as in small containers, it is UTC
            return get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.bind(TZ=os.environ.get("TZ")).warning(
            "this machine's time zone has no name, so schedules are read in UTC: set staging_scan.timezone to a name"
        )
        return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to fire. `text` is a cron line or an interval, read in `zone`."""

    text: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        """Raise ValueError when the text is neither."""
        interval = self._interval()
        if interval is not None:
            if interval < SHORTEST_INTERVAL:
                raise ValueError(f"{self.text!r} is shorter than {SHORTEST_INTERVAL} seconds")
            if interval > DAY and interval % DAY:
                raise ValueError(f"{self.text!r} is more than a day, so it has to be whole days")
            return
        if len(self.text.split()) != 5:  # the library also takes six fields, with seconds
            raise ValueError(
                f"{self.text!r} is no schedule: expected five cron fields (0 3 * * *) or an interval (every 15m)"
            )
        try:
            CronSim(self.text, dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
        except CronSimError as error:
            raise ValueError(f"{self.text!r} is no schedule: {error}") from error

    def _interval(self) -> int | None:
        match = _INTERVAL.fullmatch(self.text.strip())
        return int(match[1]) * _SECONDS[match[2].lower()] if match else None

    def next_after(self, when: dt.datetime) -> dt.datetime | None:
        """Return the first fire time after `when`, in UTC; None when there is none (a fifth Monday that is the 1st)."""
        interval = self._interval()
        if interval is not None:
            return self._next_multiple(interval, when)
        try:
            return next(CronSim(self.text, when.astimezone(self.zone))).astimezone(dt.UTC)
        except StopIteration:
            return None

    def _next_multiple(self, interval: int, when: dt.datetime) -> dt.datetime:
        today = when.astimezone(self.zone).date()
        midnight = self._midnight(today)
        if interval <= DAY:
            passed = (when - midnight) // dt.timedelta(seconds=interval) + 1
            return min(midnight + dt.timedelta(seconds=passed * interval), self._midnight(today + dt.timedelta(days=1)))
        days = interval // DAY
        return self._midnight(today + dt.timedelta(days=days - today.toordinal() % days))

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)


def is_due(schedule: Schedule, considered: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    """Return the newest fire time after `considered` and not after `now`, or None.

    However many were missed in between (the machine slept, the daemon was down), they make one run.
    """
    fire = schedule.next_after(considered)
    if fire is None or fire > now:
        return None
    # The newest missed one is what the run is recorded for; look back instead of stepping through a year of minutes.
    for span in (60, 3600, 86400, 32 * 86400):
        recent = schedule.next_after(max(considered, now - dt.timedelta(seconds=span)))
        if recent is not None and recent <= now:
            fire = recent
            break
    while (later := schedule.next_after(fire)) is not None and later <= now:
        fire = later
    return fire
