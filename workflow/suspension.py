"""A library whose files vanished → suspended and told of; a person's word → worked on again."""

from __future__ import annotations

import datetime as dt

from config import libraries
from config.database import Database
from config.libraries import Library
from processor.items import presence
from workflow import events, history, telling


def telling_of(run_id: str) -> presence.Suspended:
    """Return what tells, in the transaction that suspends a library, which run found out why."""
    return lambda connection, library, why: events.tell(
        connection, [telling.of_suspension(library, why, run_id)], dt.datetime.now(dt.UTC)
    )


def resume(database: Database, path: bytes) -> tuple[Library, int]:
    """Let cycles work on a suspended library again; return it as it was, and how many items are now known as missing.

    Raises Misconfigured when the path is no library.
    """
    with database.read() as connection:
        known = libraries.library_at(connection, path)
    gone = presence.gone(database, known) if known.role == "staging" else []
    with database.begin() as connection:
        library = libraries.resume(connection, known.path)  # as it is stored: no disk is asked
        presence.mark(connection, gone, dt.datetime.now(dt.UTC), history.noticed)
    return library, len(gone)
