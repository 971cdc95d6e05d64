"""The libraries of this installation → compared with their rows and, under the lock, repaired where it is provable."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

from config import admin
from config.database import Database
from config.lease import Guard
from config.libraries import Roots, sole_library, verify_root
from processor.fsck import fsck as verb
from processor.fsck.forget import forget
from processor.fsck.fsck import FsckReport
from processor.fsck.repairs import Workshop
from processor.fsck.rows import Row
from processor.fsck.sighting import Effort
from processor.items.presence import Limits
from processor.staging.staged import record_item
from scanner.options import Progress
from workflow.aftermath import of_staging, of_undo
from workflow.history import noticed
from workflow.holding import holding, reading
from workflow.roots import resolve_roots
from workflow.stopping import StopOrTimeout


def fsck(database: Database, *, verify: bool, adopt: bool, stop: threading.Event, progress: Progress) -> FsckReport:
    """Compare disk, journal, sidecars and rows of the staging library; with `adopt` repair what is provable.

    Raises Busy when somebody else holds the lock that `adopt` needs, and Misconfigured when there are no libraries, a
    root is not mounted, or is suspended, which only keeps `adopt` from it; as RootSilent also when a disk hangs in the
    middle of it.
    """
    with database.read() as connection:
        settings, _ = admin.staging_scan(connection)
        roots = Roots(sole_library(connection, "inbound"), sole_library(connection, "staging"))
    for library in (roots.inbound, roots.staging):
        verify_root(library if adopt else replace(library, suspended=None))
    until = StopOrTimeout(stop)
    effort = Effort(verify, verify and adopt, settings.workers)
    limits = Limits(settings.vanish_files, settings.vanish_percent)
    if not adopt:
        return reading(roots.both, partial(verb.check, database, roots, effort, limits, progress), until)

    def work(guard: Guard) -> FsckReport:
        recording = partial(record_item, then=of_staging(None))
        return verb.repair(Workshop(database, guard, roots, noticed, recording, of_undo), effort, limits, progress)

    return holding(database, roots.both, "fsck", until, work)


def forget_item(database: Database, item_id: int, *, stop: threading.Event) -> Row:
    """Delete the row of an item whose files are gone; see processor.fsck.forget. Raises Busy and Misconfigured, too."""
    roots = resolve_roots(database)
    what = f"forget item {item_id}"
    return holding(database, roots.both, what, StopOrTimeout(stop), lambda guard: forget(database, guard, item_id))
