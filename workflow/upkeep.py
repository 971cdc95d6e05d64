"""The libraries → what was left unfinished in them settled, old trash emptied: what every cycle does for them.

Apart from publishing, because most cycles need no more of it, and a command starts quicker without the rest.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Collection
from functools import partial
from pathlib import Path

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured, Unmoved
from config.lease import Guard, last_host
from config.leave import StopSignal
from config.libraries import Library, music_libraries, sole_library, verify_root
from config.reasons import Reason, show_path
from processor.artwork.blobs import Blobs
from processor.moves.move import Performance
from processor.recover import RecoveryReport, recover
from processor.transfers import journal, trash
from processor.transfers.trash import Trashed
from workflow import events, telling
from workflow.engine import hosts, listing
from workflow.holding import holding, reading
from workflow.operations.published import heal, recorded

TOLD_AGAIN = dt.timedelta(days=1)  # after which people hear anew of a library that is still away
WORKERS = 2  # files that are copied at once
OUTWARD = ("publish", "refresh", "upgrade", "restage", "unpublish")


def blobs(database: Database, data_dir: Path) -> bytes:
    """Return the folder of the cache."""
    return os.fsencode(Blobs(database, data_dir).folder)


def recover_libraries(database: Database, data_dir: Path, stop: StopSignal) -> list[RecoveryReport]:
    """Settle what was left unfinished between staging, which the caller holds, and each library.

    Costs one question where there is nothing.

    Raises LeaseLost, Stopped, Retryable; and, once all others are settled, Busy, and Misconfigured for a library that
    is not there.
    """
    with database.read() as connection:
        roots = {transfer.dst_root for transfer in journal.unsettled(connection) if transfer.kind in OUTWARD}
    if not roots:
        heal(database)
        return []
    with database.read() as connection:
        staging = sole_library(connection, "staging")
        found = [library for library in music_libraries(connection, "library") if library.path in roots]
    reports = []
    trouble: Busy | Misconfigured | None = None
    for library in found:
        work = partial(settle, database, staging, library, blobs(database, data_dir))
        try:
            verify_root(library)
            reports.append(holding(database, [library], "recover", stop, work))
        except (Busy, Misconfigured) as error:
            trouble = trouble or error
    heal(database)
    if trouble is not None:
        raise trouble
    return reports


def settle(database: Database, staging: Library, library: Library, cache: bytes, guard: Guard) -> RecoveryReport:
    """Settle what was left unfinished between staging and a library, both of which the caller holds."""
    return told(database, recover(performance(database, guard, cache), (staging.path, library.path)))


def performance(database: Database, guard: Guard, cache: bytes) -> Performance:
    """Return what performs moves between staging and a library; `cache` is the folder of blobs."""
    return Performance(database, guard, recorded, workers=WORKERS, blobs=cache)


def told(database: Database, report: RecoveryReport) -> RecoveryReport:
    """Tell of moves that wait for a person from now on; where we die before, status and doctor still do."""
    if report.attention:
        with database.begin() as connection:
            events.tell(connection, [telling.of_held(one) for one in report.attention], dt.datetime.now(dt.UTC))
    return report


def check_unmoved(database: Database, key: str, *, but: Collection[str] = ()) -> None:
    """Raise Unmoved while a move of an album, of a kind not in `but`, is not finished.

    What finishes it goes by what it left there: it would not know an album again that has gone on, or has new tags.
    """
    with database.read() as connection:
        if any(transfer.kind not in but for transfer in journal.moving(connection, key)):
            raise Unmoved("a move of this album is not finished; the next cycle, or `greenroom recover`, finishes it")


def prune_trash(database: Database, guard: Guard, staging: Library, days: int, stop: StopSignal) -> None:
    """Empty the trash of staging, which the caller holds, and of each library of what has lain there long enough.

    Where a library is away or busy, or a disk refuses it, it waits for the next cycle. Raises LeaseLost.
    """
    with database.read() as connection:
        roots = [staging, *music_libraries(connection, "library")]
    for root in roots:
        work = partial(empty_trash, database, root, dt.timedelta(days=days), None)
        try:
            if root is staging:
                work(guard)
                continue
            _verify(database, root)
            if not reading([root], partial(trash.is_empty, root.path)):
                holding(database, [root], "empty the trash", stop, work)
        except LeaseLost:
            raise
        except GreenroomError as error:
            log = logger.bind(root=show_path(root.path), code=error.reason_code, error=error.message)
            log.warning("the trash could not be emptied")


def _verify(database: Database, library: Library) -> None:
    """Do what `verify_root` does; of a library that albums wait for people hear once a day, unless it is suspended.

    Not from here while the host that worked there last carries such jobs: its disks are not those of this one.
    """
    try:
        verify_root(library)
    except Misconfigured as error:
        if error.reason_code == "suspended":  # of which they heard when that was done
            raise
        now = dt.datetime.now(dt.UTC)
        event = telling.of_absence(library, error.message, None if database.is_sqlite else socket.gethostname())
        with database.begin() as connection:
            waits = listing.page(connection, statuses=("queued",), phase="publish", limit=1)
            is_ours = waits and not _is_of_another(connection, library)
            if is_ours and not events.was_told(connection, event.kind, event.subject, now - TOLD_AGAIN):
                events.tell(connection, [event], now)
        raise


def _is_of_another(connection: Connection, library: Library) -> bool:
    """Whether another host worked on a library last, which carries jobs of publishing now and so tells of it."""
    host = last_host(connection, library.root_uuid)
    return host != socket.gethostname() and host in hosts.carrying(connection, "publish")


def empty_trash(
    database: Database, root: Library, kept_for: dt.timedelta, only: Collection[str] | None, guard: Guard
) -> tuple[list[Trashed], list[Reason]]:
    """Remove for good what is due in the trash of a root the caller holds, by its age of now; see `trash.empty`."""
    trash.grow_older(database, root.path, dt.datetime.now(dt.UTC))
    return trash.empty(database, guard, root.path, kept_for, only)
