"""The libraries there are → the two a cycle works between, checked, and where its scans are written."""

from __future__ import annotations

from pathlib import Path

from config.database import Database
from config.errors import Misconfigured
from config.libraries import Roots, list_libraries, sole_library, verify_root
from config.reasons import show_path
from config.sections import StagingScan


def resolve_roots(database: Database) -> Roots:
    """Return the inbound and the staging library, both checked.

    Raises Misconfigured when one is missing, doubled, not mounted or not writable.
    """
    with database.read() as connection:
        roots = Roots(sole_library(connection, "inbound"), sole_library(connection, "staging"))
    verify_root(roots.inbound)
    verify_root(roots.staging)
    return roots


def scan_db_folder(database: Database, settings: StagingScan, data_dir: Path) -> Path:
    """Return where scan DBs are written. Raises Misconfigured when that lies inside a library."""
    folder = Path(settings.scan_db_data_path) if settings.scan_db_data_path else data_dir / "scan-db"
    with database.read() as connection:
        for library in list_libraries(connection):
            if (bytes(folder.resolve()) + b"/").startswith(library.path + b"/"):
                raise Misconfigured(
                    f"staging_scan.scan_db_data_path {folder} lies inside the {library.called} "
                    f"{show_path(library.path)}; choose a folder outside"
                )
    return folder
