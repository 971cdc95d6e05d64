"""The schedule as it is set now, and how far it was followed → the fire time that is due, if one is. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from config.cron import SHORTEST_INTERVAL, Schedule, is_due
from config.sections import StagingScan

# Clocks are set back a little all the time. Less than this, and a fire time that was dealt with is not met again.
CLOCK_SLACK = dt.timedelta(seconds=SHORTEST_INTERVAL)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a schedule has been followed: every fire time up to `considered` is dealt with."""

    schedule: Schedule
    considered: dt.datetime


def first_position(
    settings: StagingScan, last_fire: tuple[dt.datetime, str] | None, now: dt.datetime
) -> Position | None:
    """Return where to go on after a start: at the last fire time, if the schedule is still the same; else now.

    So a fire time that passed while the daemon was down makes one run, and a new schedule makes none at once.
    """
    if not settings.enabled:
        return None
    known = last_fire is not None and last_fire[1] == settings.schedule
    return Position(settings.as_schedule(), last_fire[0] if last_fire and known else now)


def follow(
    position: Position | None, settings: StagingScan, now: dt.datetime
) -> tuple[Position | None, dt.datetime | None]:
    """Return the next position, and the fire time that is due now, if one is.

    A schedule that is new, changed or enabled again counts from now. However many fire times have passed, one is due.
    A clock set back makes at most one fire time come twice, and the wait never longer than a period (and the slack).
    """
    if not settings.enabled:
        return None, None
    schedule = settings.as_schedule()
    if position is None or position.schedule != schedule:
        return Position(schedule, now), None
    considered = now if position.considered - now > CLOCK_SLACK else position.considered
    fire = is_due(schedule, considered, now)
    return Position(schedule, fire or considered), fire
