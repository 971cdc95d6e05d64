"""Albums not looked at for a while → every file read again, a few at a time; what is wrong with them is told."""

from __future__ import annotations

import datetime as dt

from loguru import logger
from pydantic import Field
from sqlalchemy import Connection

from processor.verification import rows
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.engine.failure import PhaseAway
from workflow.engine.job import Job, Payload
from workflow.operations.verifying import Pace, due, verify_items, verifying
from workflow.phase import Chore, ChoreSettings


class VerifySettings(ChoreSettings):
    """How often, how fast and how thoroughly files are read again."""

    days: int = Field(
        30,
        title="Read again after",
        ge=1,
        le=3650,
        description="Each album is read again after so many days.",
        json_schema_extra={"unit": "days"},
    )
    pace: int = Field(
        20, ge=0, le=100_000, description="How much is read a second; 0: as fast as it goes.",
        json_schema_extra={"unit": "MiB/s"},
    )  # fmt: skip
    decode: bool = Field(False, description="Decode music to its end, too, with ffmpeg, which must be installed.")


class Round(Payload):
    """What a round reads: what is due by the settings, or all that was not read since somebody asked for it."""

    since: dt.datetime | None = None


class Verify(Chore):
    """Reads what was not read for a while, the longest ago first; an interrupted round goes on where it was."""

    name = "verify"
    description = "Read staged and published albums again, mend pictures and NFO, tell of damage."
    settings = VerifySettings
    payload = Round
    daily = True

    def has_work(self, connection: Connection, settings: VerifySettings, now: dt.datetime) -> bool:
        """Whether any album was not read for so long."""
        return bool(rows.due(connection, now - dt.timedelta(days=settings.days), 1))

    def run(self, context: Context, payload: Round, settings: VerifySettings) -> None:
        """Read what is due of the roots that are here. Raises PhaseAway where none is."""
        pace = Pace(settings.pace, context.check, context.wait)
        given = verifying(context.database, context.data_dir, pace, context, decode=settings.decode, mend=True)
        if given.away and not given.libraries:
            raise PhaseAway(f"not on this host: {given.away[0].message}")
        for error in given.away:
            logger.bind(why=error.message).warning("the albums of a library were not verified")
        before = payload.since or dt.datetime.now(dt.UTC) - dt.timedelta(days=settings.days)
        files = trouble = 0
        for found in verify_items(given, due(context.database, before)):
            files, trouble = files + found.checked.files, trouble + len(found.fresh)
        logger.bind(files=files, trouble=trouble).info("albums verified")


def want(engine: Engine, *, actor: str, every: bool) -> Job:
    """Want a round for a person, now, of what is due or of everything; return the one there is, if one is open."""
    payload = Round(since=dt.datetime.now(dt.UTC) if every else None)
    return engine.submit(Verify.name, None, payload, actor=actor, priority="urgent").job


CHORE = Verify()
