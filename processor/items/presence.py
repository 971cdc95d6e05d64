"""Albums that vanished from staging or inbound → a few marked as missing, or, if there are many, the library suspended.

An unmounted disk, a share that lost a branch, a wrong disk with a copied mark: all look as if albums had been deleted.
A person who removes an album or two by hand does not look like that.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from loguru import logger
from sqlalchemy import Connection

from config import libraries
from config.database import Database
from config.errors import Misconfigured
from config.libraries import Library
from config.machine import utc_now
from config.reasons import show_path
from processor.filesystem.system_errors import meaning, stops_root
from processor.items import repository
from processor.items.repository import Folder
from processor.transfers import journal
from scanner.scandb import Gone, ScanDb

SHOWN = 3  # of the missing folders a message names


# Hears of a suspension in the transaction that writes it down.
Suspended = Callable[[Connection, Library, str], None]

# Hears of items whose folders went missing or were found again, in the transaction that gives them their status.
Noticed = Callable[[Connection, Collection[int], str], None]


def unheard(connection: Connection, about: object, why: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may vanish between two cycles; beyond that the disk is in doubt and not the files."""

    files: int = 50
    percent: float = 5.0


def too_many(vanished: Sequence[int], known: int, limits: Limits) -> bool:
    """Tell whether more files vanished than somebody would take away by hand.

    `vanished` has the number of files of each album that is gone, `known` is the number of all files. A single album is
    more than the share of a small collection, so the share counts from two on.
    """
    gone = sum(vanished)
    return gone > limits.files or (len(vanished) > 1 and gone * 100 > limits.percent * known)


@dataclass(frozen=True, slots=True)
class Presence:
    """A look at what was there before; unless it may `act`, it writes nothing down.

    What it raises is Misconfigured (`mass_vanished`): so much is gone that the disk is in doubt. Then the library is
    suspended, and nothing else is changed.
    """

    database: Database
    limits: Limits
    act: bool
    suspended: Suspended = unheard
    noticed: Noticed = unheard

    def check_staging(self, staging: Library) -> None:
        """See whether staged albums are where their items say; mark the missing ones, if they are a few.

        Any that is missing is too many on a filesystem that is another one than before.
        """
        with self.database.read() as connection:
            folders = repository.folders(connection, staging.root_uuid)
        missing = _gone(folders, staging)
        now_on = libraries.filesystem_id(staging.path)
        moved = staging.filesystem not in (None, now_on)
        if missing and (moved or too_many([f.files for f in missing], sum(f.files for f in folders), self.limits)):
            self._suspend(staging, _why(missing, len(folders), moved=moved))
        if self.act and (missing or moved or staging.filesystem is None):
            with self.database.begin() as connection:
                mark(connection, missing, utc_now(), self.noticed)
                libraries.remember_filesystem(connection, staging, now_on)

    def check_inbound(self, inbound: Library, scan: ScanDb) -> None:
        """See whether more music vanished from inbound than we took and a person would remove by hand.

        A share that lost a branch leaves half an album behind, which would pass for a whole one.
        """
        gone, since = scan.vanished()
        known = scan.audio_count() + len(gone)
        # What we took is looked up only if something vanished; the whole journal only if a clock was set back.
        if too_many(_by_folder(gone), known, self.limits) and since is not None:
            with self.database.read() as connection:
                lately = journal.sources_since(connection, inbound.path, dt.datetime.fromisoformat(since))
            gone = {path: file for path, file in gone.items() if path not in lately}
        if too_many(_by_folder(gone), known, self.limits):
            with self.database.read() as connection:
                ever = journal.sources_taken(connection, inbound.path, {path: gone[path].content for path in gone})
            gone = {path: file for path, file in gone.items() if path not in ever}
        if self.act:
            scan.forget_vanished()  # told once is enough
        if not too_many(_by_folder(gone), known, self.limits):
            return
        named = ", ".join(show_path(folder) for folder in sorted({file.folder for file in gone.values()})[:SHOWN])
        self._suspend(inbound, f"{len(gone)} of {known} music files are gone that nobody here took (from {named} …)")

    def _suspend(self, library: Library, why: str) -> NoReturn:
        if self.act:
            with self.database.begin() as connection:
                libraries.suspend(connection, library, why)
                self.suspended(connection, library, why)
        shown = show_path(library.path)
        message = f"{why}; is the right disk mounted at {shown}, and whole? If so: `greenroom libraries resume {shown}`"
        raise Misconfigured(message, code="mass_vanished", path=library.path)


def _by_folder(gone: Mapping[bytes, Gone]) -> list[int]:
    return list(Counter(file.folder for file in gone.values()).values())


def gone(database: Database, staging: Library) -> list[Folder]:
    """Look for each staged folder; return those that are not there."""
    with database.read() as connection:
        folders = repository.folders(connection, staging.root_uuid)
    return _gone(folders, staging)


def _gone(folders: Sequence[Folder], staging: Library) -> list[Folder]:
    return [folder for folder in folders if _is_gone(staging.path, folder.path)]


def _is_gone(root: bytes, folder: bytes) -> bool:
    """Tell whether a folder is not there; one that cannot be looked at is not gone. Raises where the disk fails."""
    try:
        return not stat.S_ISDIR(os.stat(os.path.join(root, folder)).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError as error:
        found = meaning("look at", folder, error, root)
        if stops_root(found):
            raise found from error
        return False


def mark(connection: Connection, gone: Sequence[Folder], now: dt.datetime, noticed: Noticed) -> None:
    """Mark items whose folders are gone as missing."""
    for folder in gone:
        logger.bind(item=folder.item_id, path=show_path(folder.path)).warning("a staged album is gone from its place")
    missing = [folder.item_id for folder in gone]
    repository.mark_missing(connection, missing, now)
    noticed(connection, missing, "its folder is gone from staging")


def _why(gone: Sequence[Folder], known: int, *, moved: bool) -> str:
    named = ", ".join(show_path(folder.path) for folder in gone[:SHOWN]) + (" …" if len(gone) > SHOWN else "")
    where = ", and the filesystem is another one than before" if moved else ""
    return f"{len(gone)} of {known} staged albums are gone ({named}){where}"
