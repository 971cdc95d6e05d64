"""An installation → what verification read and found, and when it reads again."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from daemon.bootstrap import Application
from processor.verification import rows
from processor.verification.rows import Totals
from workflow.chores import verify
from workflow.engine.job import OPEN, Job
from workflow.phase import settings_of


class Standing(NamedTuple):
    """How it goes with verification."""

    totals: Totals
    days: int  # after which an album is read again
    is_on: bool  # whether that happens by itself
    due_at: dt.datetime | None  # when the next album is due; None: nothing is, or nothing happens by itself
    round: Job | None  # that waits or runs


def standing(app: Application) -> Standing:
    """Return how it goes."""
    with app.database.read() as connection:
        totals = rows.totals(connection)
        settings = settings_of(connection, verify.Verify.name)
    is_on = settings.mode == "auto" and not settings.paused
    due = dt.datetime.now(dt.UTC) if totals.never else totals.oldest and totals.oldest + dt.timedelta(settings.days)
    jobs = app.engine.list(statuses=OPEN, phase=verify.Verify.name, limit=1)
    return Standing(totals, settings.days, is_on, due if is_on else None, jobs[0] if jobs else None)
