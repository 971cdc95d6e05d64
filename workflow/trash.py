"""The trash of the staging library → listed, or emptied under the lock."""

from __future__ import annotations

import datetime as dt
import threading

from config.database import Database
from config.locks import hold
from config.reasons import Reason
from processor import trash
from processor.trash import Trashed
from workflow.cycle import StopOrTimeout, resolve_roots


def list_trash(database: Database) -> list[Trashed]:
    """Return what lies in the trash of the staging library, what has lain there longest first."""
    return trash.listed(database, resolve_roots(database).staging.path)


def empty_trash(database: Database, days: int, stop: threading.Event) -> tuple[list[Trashed], list[Reason]]:
    """Remove for good what has lain there for so many days; return what went, and what is kept all the same.

    Raises Busy when somebody else holds the lock, and Misconfigured when there are no libraries.
    """
    roots = resolve_roots(database)
    with hold(database, [roots.staging, roots.inbound], "empty the trash", StopOrTimeout(stop)) as guard:
        trash.grow_older(database, roots.staging.path, dt.datetime.now(dt.UTC))
        return trash.empty(database, guard, roots.staging.path, dt.timedelta(days=days))
