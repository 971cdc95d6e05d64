"""What providers owe, and what was asked long ago → jobs that ask again, once a day."""

from __future__ import annotations

import datetime as dt
from typing import Final

from loguru import logger
from sqlalchemy import Connection

from processor.matching import rows
from workflow.engine import wanting
from workflow.engine.context import Context
from workflow.engine.job import PRIORITIES, NewJob, Payload
from workflow.phase import Chore, ChoreSettings, settings_of
from workflow.phases.enrich import Enrich, EnrichPayload, EnrichSettings

AT_ONCE: Final = 2000  # items a day: providers are asked once a second


class Refresh(Chore):
    """Wants enriching again for items that are owed something, and for those that were enriched long ago."""

    name = "refresh"
    description = "Ask providers again that did not answer, and about albums enriched long ago."
    daily = True

    def has_work(self, connection: Connection, settings: ChoreSettings, now: dt.datetime) -> bool:
        """Whether anything is due."""
        return bool(_due(connection, now, 1))

    def run(self, context: Context, payload: Payload, settings: ChoreSettings) -> None:
        """Want a job for everything that is due."""
        now = dt.datetime.now(dt.UTC)
        with context.database.begin() as connection:
            due = _due(connection, now, AT_ONCE)
            wanted = [
                NewJob(Enrich.name, f"item {one}", one, EnrichPayload(), PRIORITIES["idle"], "calendar", manual=True)
                for one in due
            ]
            wanting.submit(connection, wanted, now)
        logger.bind(items=len(due)).info("items are enriched again")


def _due(connection: Connection, now: dt.datetime, limit: int) -> list[int]:
    """Return items that are due; none while enriching is not done by itself."""
    settings: EnrichSettings = settings_of(connection, Enrich.name)
    if settings.mode != "auto":
        return []
    before = now - dt.timedelta(days=settings.refresh_days) if settings.refresh_days else None
    return rows.due(connection, now, before, limit)


CHORE = Refresh()
