"""What a person says of an item, its fields and their notes → rows, and an entry in its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from config.database import Database
from config.errors import Rejected
from processor.metadata import rows
from processor.metadata.fields import clean
from workflow import history, progress
from workflow.history import Because
from workflow.operations.deciding import Seen, as_seen

LONGEST_NOTE: Final = 5000  # characters


def say(
    database: Database, item_id: int, part: str, values: Mapping[str, Any], *, actor: str, seen: Seen | None = None
) -> list[str]:
    """Let a person say what fields of an album, or of one of its tracks, are; None lets the sources speak again.

    What was said is locked: no source changes it. All is said, or nothing; returns the fields that were news. Raises
    Rejected for a field, part or value that cannot be, and what `as_seen` raises.
    """
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        item = as_seen(connection, item_id, seen)
        news = [name for name, value in values.items() if rows.say(connection, item_id, part, name, value, now)]
        told = [f"{name}: {_shown(values[name])}" for name in news]
        if told:
            where = f" of {part}" if part else ""
            history.note(
                connection, item, Because("edit", actor, f"said{where}: {'; '.join(told)}"[:LONGEST_NOTE]), now
            )
    return news


def note(database: Database, item_id: int, text: str, *, actor: str) -> None:
    """Keep a person's note with the history of an item. Raises Rejected for an empty or endless one."""
    written = clean(text).strip()
    if not written or len(written) > LONGEST_NOTE:
        raise Rejected(f"a note has from 1 to {LONGEST_NOTE} characters", code="bad_note")
    with database.begin() as connection:
        item = progress.find(connection, item_id)
        history.note(connection, item, Because("note", actor, written), dt.datetime.now(dt.UTC))


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return clean(", ".join(entry if isinstance(entry, str) else str(entry[0]) for entry in value))
    return "left to the sources" if value is None else clean(str(value))
