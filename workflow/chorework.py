"""Phases apart from the chain → jobs about no item: daily ones wanted once a day, all carried as any other job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from config.database import Database, one_writer
from workflow.engine import listing, wanting
from workflow.engine.context import Context
from workflow.engine.engine import wanted
from workflow.engine.failure import Cancelled, NotHere
from workflow.engine.job import Job
from workflow.engine.tables import JobRow
from workflow.engine.work import Ending, Work
from workflow.phase import Chore, ChoreSettings, all_chores, settings_of


class ChoreWork:
    """A chore as the engine carries it."""

    def __init__(self, chore: Chore) -> None:
        self.name, self.payload, self.retries = chore.name, chore.payload, chore.retries
        self._chore = chore

    def run(self, context: Context, job: Job, payload: Any) -> Ending | None:
        """Do the chore, if it may still be done."""
        with context.database.read() as connection:
            settings: ChoreSettings = settings_of(connection, self.name)
        if settings.paused:
            raise NotHere(f"{self.name} waits: it is paused")
        if settings.mode != "auto" and not job.manual:
            raise Cancelled(f"{self.name} is {settings.mode} now")
        context.check()
        return self._chore.run(context, payload, settings)


def want_daily(database: Database, works: Mapping[str, Work], now: dt.datetime) -> int:
    """Want each daily chore that has something to do, once a day (UTC); return how many were wanted."""
    found = 0
    for chore in all_chores().values():
        if not chore.daily:
            continue
        with database.read() as connection:
            due = _is_due(connection, chore, now)
        if due:
            with database.begin() as connection:
                one_writer(connection, JobRow.__tablename__)  # two hosts could want it, one after the other
                if _is_due(connection, chore, now):
                    new = wanted(works, chore.name, None, actor="calendar", priority="idle")
                    wanting.submit(connection, [new], now)
                    found += 1
    return found


def _is_due(connection: Connection, chore: Chore, now: dt.datetime) -> bool:
    settings: ChoreSettings = settings_of(connection, chore.name)
    if settings.mode != "auto" or settings.paused or _was_wanted(listing.newest(connection, chore.name), now):
        return False
    return chore.has_work(connection, settings, now)


def _was_wanted(last: dt.datetime | None, now: dt.datetime) -> bool:
    """Tell whether a chore was wanted today; tomorrow is today by another host's clock, later a clock was wrong."""
    return last is not None and now.date() <= last.date() <= now.date() + dt.timedelta(days=1)
