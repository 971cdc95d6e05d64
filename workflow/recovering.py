"""Transfers that were interrupted, into staging or into libraries → settled, by the command or before a cycle."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from loguru import logger

from config.database import Database
from config.errors import Busy, Misconfigured
from config.lease import Guard
from config.libraries import Roots
from processor import recover as interrupted
from processor.moves.move import Performance
from processor.recover import RecoveryReport
from processor.staging.staged import record_item
from processor.transfers import journal
from workflow import upkeep
from workflow.aftermath import of_staging, of_undo
from workflow.holding import holding
from workflow.operations.tagging import recover_tagging
from workflow.roots import resolve_roots
from workflow.stopping import StopOrTimeout


def recover(database: Database, data_dir: Path, stop: threading.Event) -> RecoveryReport:
    """Settle unfinished transfers, into staging and into libraries, under the locks; do nothing else.

    The report also names those that wait for a person, which stay as they are.

    Raises Busy when somebody else holds the lock, Misconfigured when there are no libraries to work between, as
    RootSilent also when a disk hangs in the middle of it.
    """

    def work(guard: Guard) -> RecoveryReport:
        report = recover_staging(database, guard, roots)
        report = report.joined([recover_tagging(database, guard, roots.staging)])
        return report.joined(upkeep.recover_libraries(database, data_dir, stop))

    roots = resolve_roots(database)
    report = holding(database, roots.both, "recover", StopOrTimeout(stop), work)
    with database.read() as connection:
        return report.joined([interrupted.waiting_for_a_person(journal.unsettled(connection), report.attention)])


def recover_staging(database: Database, guard: Guard, roots: Roots, run_id: str | None = None) -> RecoveryReport:
    """Settle what was left unfinished between inbound and staging, both of which the caller holds."""
    recording = partial(record_item, then=of_staging(run_id))
    run = Performance(database, guard, recording, undone=of_undo)
    return upkeep.told(database, interrupted.recover(run, (roots.inbound.path, roots.staging.path)))


def recover_libraries_at_hand(database: Database, data_dir: Path, stop: StopOrTimeout) -> None:
    """Settle what was being published; a library that cannot be worked on now is left for the next cycle."""
    try:
        upkeep.recover_libraries(database, data_dir, stop)
    except (Busy, Misconfigured) as error:
        logger.bind(code=error.reason_code, error=error.message).warning("a library could not be recovered")
