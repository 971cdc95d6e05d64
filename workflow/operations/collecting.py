"""What nobody needs any more → removed now, and not when the day's chores come to it: rows, blobs, scans, trash."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

from config import admin
from config.database import Database
from config.errors import Stopped
from config.libraries import list_libraries
from processor.artwork import garbage
from processor.artwork.desk import Gallery
from processor.artwork.pool import shared
from scanner.scanfiles import prune
from workflow.chores.cleanup import remove_old
from workflow.operations import emptying
from workflow.phase import settings_of
from workflow.roots import scan_db_folder


def collect(database: Database, data_dir: Path, stop: threading.Event) -> dict[str, int]:
    """Remove what settings say may go; return how many of each kind. While only dry runs are allowed the trash stays.

    Raises Busy while a cycle holds the roots, Stopped, and Misconfigured when there are no libraries to work between.
    """
    now = dt.datetime.now(dt.UTC)
    with database.read() as connection:
        settings = {name: settings_of(connection, name) for name in ("cleanup", "blobs")}
        staging, _ = admin.staging_scan(connection)
        inbound = [library.path for library in list_libraries(connection) if library.role == "inbound"]

    def check() -> None:
        if stop.is_set():
            raise Stopped("asked to stop; what is left goes another time")

    removed = remove_old(database, settings["cleanup"], now, check)
    grace = dt.timedelta(days=settings["blobs"].keep_blobs_days)
    removed["blobs"] = garbage.collect(Gallery(database, data_dir, shared()), now, grace)
    folder = scan_db_folder(database, staging, data_dir)
    removed["scans"] = sum(prune(folder, root, staging.keep_scan_dbs) for root in inbound)
    if staging.dry_run:
        return removed | {"trash": 0}
    emptied = emptying.empty(database, stop, actor="gc", days=staging.trash_days)
    return removed | {"trash": len(emptied.gone)}
