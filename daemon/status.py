"""The open application → the installation at a glance, as plain values."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from config import libraries
from config.lease import holder
from config.machine import no_room
from config.reasons import show_path
from daemon import secrecy
from daemon.bootstrap import Application
from daemon.doctor.removed import stranded
from daemon.sole import running_daemon, trouble_of_daemon
from processor.items import repository
from processor.transfers import journal
from workflow import runs

TRY_AGAIN: Final = (
    "`greenroom fsck` says where the files are, `greenroom fsck --adopt` tries again where none can be lost"
)


def at_a_glance(app: Application) -> dict[str, Any]:
    """Return the schedule, the libraries, the last run, how much waits, and how many carry jobs. Only reads.

    `held` are moves that wait for a person, which are not `unfinished`; `stranded` those of the unfinished ones that no
    cycle settles. `unreadable` tells that it is off because a setting of cycles cannot be read, which `problems` names.
    """
    settings, problems = app.staging_settings()
    fire = settings.as_schedule().next_after(dt.datetime.now(dt.UTC)) if settings.enabled else None
    with app.database.read() as connection:
        roots = libraries.list_libraries(connection)
        lost = stranded(connection)
        unfinished = journal.count_open(connection)
        last = runs.last(connection, dt.datetime.now(dt.UTC))
        return {
            "daemon": running_daemon(app.boot.data_dir),
            "enabled": settings.enabled,
            "dry_run": settings.dry_run,
            "unreadable": bool(problems),
            "schedule": settings.schedule,
            "next_fire": fire.isoformat() if fire else None,
            "problems": [
                *filter(None, [closed(app.boot.data_dir), trouble_of_daemon(app.boot.data_dir)]),
                *problems,
                *secrecy.lost(app.database),
                *lost.said,
            ],
            "libraries": [
                {"role": lib.role, "kind": lib.kind, "path": lib.path, "holder": holder(connection, lib.root_uuid)}
                for lib in roots
            ],
            "last_run": last,
            "items": repository.count_by_status(connection),
            "jobs": sum(map(Counter, app.engine.counts().values()), Counter()),
            "retried": _retried(app),
            "workers": len(app.engine.workers()),
            "unfinished": unfinished,
            "stranded": min(lost.unfinished, unfinished),  # some may have been settled since those were read
            "held": journal.count_held(connection),
        }


def _retried(app: Application) -> dict[str, Any] | None:
    count, first = app.engine.failed_before()
    if first is None:
        return None
    called = f"{first.phase} of {first.subject}" if first.item_id else first.subject
    not_before = first.not_before.isoformat()
    return {"count": count, "job": first.id, "called": called, "not_before": not_before, "error": first.error}


def closed(folder: Path, asked: Callable[[bytes], str | None] = no_room) -> str | None:
    """Say why nothing can be written into the data folder, and what to do; None if something can."""
    shown = show_path(os.fsencode(folder))
    try:
        why = asked(os.fsencode(folder))
    except OSError as error:
        return f"the data folder {shown} cannot be used: {error.strerror}"
    return f"nothing can be written into the data folder {shown}: {why}" if why else None
