"""Rows nobody needs any more → removed, a few at a time, once a day. Files are for blobs.py."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from loguru import logger
from pydantic import Field
from sqlalchemy import Connection

from config.database import Database
from processor.client import memory
from processor.transfers import journal
from workflow import events, history, runs
from workflow.engine import jobs, listing
from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.phase import Chore, ChoreSettings

AT_ONCE: Final = 500  # rows in one transaction: on SQLite others wait meanwhile


def _days(default: int, what: str) -> Any:
    return Field(default, ge=1, le=36_500, description=what, json_schema_extra={"unit": "days"})


class CleanupSettings(ChoreSettings):
    """How long rows are kept that say what was."""

    keep_jobs_days: int = _days(90, "Jobs that ended; what failed stays until a person has dealt with it.")
    keep_history_days: int = _days(365, "What happened to items that are no more.")
    keep_events_days: int = _days(30, "Events that everybody has heard.")
    keep_answers_days: int = _days(30, "Answers of providers beyond their time, for when nobody answers.")
    keep_runs_days: int = _days(365, "Runs; the newest fifty always stay.")
    keep_reasons_days: int = _days(14, "Why albums stayed where they were, of a run; the newest fifty always tell it.")
    keep_transfers_days: int = _days(365, "Moves that nobody can take back any more.")


class _Kept(NamedTuple):
    """One table: how long its rows are kept, which are older, and how they go."""

    name: str
    days: Callable[[CleanupSettings], int]
    old: Callable[[Connection, dt.datetime, int], Sequence[Any]]
    remove: Callable[[Connection, Sequence[Any]], None]


KEPT: Final = (
    _Kept("jobs", lambda settings: settings.keep_jobs_days, listing.old, jobs.remove),
    _Kept("history", lambda settings: settings.keep_history_days, history.old, history.remove),
    _Kept("events", lambda settings: settings.keep_events_days, events.old, events.remove),
    _Kept("answers", lambda settings: settings.keep_answers_days, memory.surplus, memory.forget),
    _Kept("runs", lambda settings: settings.keep_runs_days, runs.old, runs.remove),
    _Kept("reasons", lambda settings: settings.keep_reasons_days, runs.telling, runs.forget_reasons),
    _Kept("transfers", lambda settings: settings.keep_transfers_days, journal.old, journal.remove),
)


class Cleanup(Chore):
    """Removes rows that are older than their settings say."""

    name = "cleanup"
    description = "Remove old rows: ended jobs, runs, events and moves that cannot be taken back."
    settings = CleanupSettings
    daily = True

    def has_work(self, connection: Connection, settings: CleanupSettings, now: dt.datetime) -> bool:
        """Whether anything is old enough."""
        return any(kept.old(connection, before, 1) for kept, before in _limits(settings, now))

    def run(self, context: Context, payload: Payload, settings: CleanupSettings) -> None:
        """Remove what is old enough."""
        removed = remove_old(context.database, settings, dt.datetime.now(dt.UTC), context.check)
        logger.bind(**removed).debug("old rows removed")


def remove_old(
    database: Database, settings: CleanupSettings, now: dt.datetime, check: Callable[[], object]
) -> dict[str, int]:
    """Remove rows that are old enough; return how many, by what they tell of. `check` raises when we should stop."""
    removed: Counter[str] = Counter()
    for kept, before in _limits(settings, now):
        ids: Sequence[Any] = [None] * AT_ONCE
        while len(ids) == AT_ONCE:
            check()
            with database.begin() as connection:
                ids = kept.old(connection, before, AT_ONCE)
                if ids:
                    kept.remove(connection, ids)
            removed[kept.name] += len(ids)
    return dict(removed)


def _limits(settings: CleanupSettings, now: dt.datetime) -> Iterator[tuple[_Kept, dt.datetime]]:
    return ((kept, now - dt.timedelta(days=kept.days(settings))) for kept in KEPT)


CHORE = Cleanup()
