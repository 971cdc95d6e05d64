"""A folder of music that others made → an index of it, and how each album differs from what publishing would make."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from config import admin
from config.database import Database
from processor.adoption import Album, compare
from scanner.scan import Progress, scan_folder
from scanner.scandb import ScanDb
from scanner.scanfiles import prune
from workflow import succession
from workflow.phase import all_phases

INDEXES: Final = "adopt"  # the folder of the scan DBs, below the data folder


def adopt(
    database: Database, data_dir: Path, root: bytes, stop: threading.Event, progress: Progress
) -> tuple[Path, list[Album]]:
    """Index a folder, and compare it; nothing in it is changed. Raises Stopped, and Misconfigured for no folder."""
    with database.read() as connection:
        publish: Any = succession.phase_settings(connection, all_phases()["publish"])
        staging, _ = admin.staging_scan(connection)
    options, indexes = publish.options(), data_dir / INDEXES
    indexes.mkdir(mode=0o750, exist_ok=True)
    path, _ = scan_folder(root, indexes, workers=staging.workers, stop=stop, progress=progress)
    prune(indexes, root, 1)
    with ScanDb.open(path) as scan:
        return path, list(compare(root, scan, options.naming, options.profile))
