"""Cached pictures and files nobody needs any more → removed, when their grace is over, once a day."""

from __future__ import annotations

import datetime as dt

from loguru import logger
from pydantic import Field
from sqlalchemy import Connection

from processor.artwork import garbage
from processor.artwork.desk import Gallery
from processor.artwork.pool import shared
from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.phase import Chore, ChoreSettings


class BlobsSettings(ChoreSettings):
    """How long the cache keeps what nobody needs."""

    keep_blobs_days: int = Field(
        30, ge=1, le=36_500, description="Cached pictures and files that are not selected or published any more.",
        json_schema_extra={"unit": "days"},
    )  # fmt: skip


class Blobs(Chore):
    """Removes them; what was made for an album that is gone is kept as long, as it may be dropped again."""

    name = "blobs"
    description = "Remove cached pictures and files that nobody needs any more."
    settings = BlobsSettings
    daily = True

    def has_work(self, connection: Connection, settings: BlobsSettings, now: dt.datetime) -> bool:
        """Whether anything is old enough."""
        return garbage.has_garbage(connection, now, dt.timedelta(days=settings.keep_blobs_days))

    def run(self, context: Context, payload: Payload, settings: BlobsSettings) -> None:
        """Remove what is old enough."""
        gallery = Gallery(context.database, context.data_dir, shared())
        count = garbage.collect(gallery, dt.datetime.now(dt.UTC), dt.timedelta(days=settings.keep_blobs_days))
        logger.bind(blobs=count).debug("blobs removed")


CHORE = Blobs()
