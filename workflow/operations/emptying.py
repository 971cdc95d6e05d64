"""The trash of staging and of each library → what lies there; what is chosen of it gone for good, under the locks."""

from __future__ import annotations

import datetime as dt
import threading
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from config import activity
from config.database import Database
from config.errors import Busy, Misconfigured, NeedsReview
from config.libraries import Library, music_libraries, sole_library, verify_root
from config.reasons import Reason, called, counted, path_text
from processor.planning.space import human_size
from processor.transfers import trash
from processor.transfers.trash import Trashed
from workflow.holding import holding, reading
from workflow.stopping import StopOrTimeout
from workflow.upkeep import empty_trash

NAMED: Final = 3  # albums named in the activity


@dataclass(frozen=True, slots=True)
class Emptied:
    """What went for good, or would, and why some of it stays; a promise to scripts like an undo's report."""

    dry_run: bool
    gone: tuple[Trashed, ...]
    kept: tuple[Reason, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if all of it went, or would."""
        return int(not self.gone and bool(self.kept))

    @property
    def files(self) -> int:
        """How many files that is."""
        return sum(one.files for one in self.gone)

    @property
    def size(self) -> int:
        """And their bytes."""
        return sum(one.size for one in self.gone)

    @property
    def amount(self) -> str:
        """All that in words."""
        return f"{counted(len(self.gone), 'album')}, {counted(self.files, 'file')}, {human_size(self.size)}"

    def to_json(self) -> dict[str, Any]:
        """Return what scripts are told."""
        kept = [{"code": one.code, "message": one.message, "path": path_text(one.path or b"")} for one in self.kept]
        removed = [one.transfer_id for one in self.gone]
        return {"dry_run": self.dry_run, "removed": removed, "files": self.files, "bytes": self.size, "kept": kept}


class Lying(NamedTuple):
    """What lies in the trash of a root, what has lain there longest first, and the bytes of all of it."""

    albums: Sequence[Trashed] = ()
    size: int = 0

    def due(self, days: int) -> Sequence[Trashed]:
        """Return what has lain there for so many days and is known."""
        first = bisect_right(self.albums, -dt.timedelta(days=days), key=lambda one: -one.age)
        return [one for one in self.albums[:first] if one.told]


def bins(database: Database) -> list[Library]:
    """Return the roots that have a trash: staging, and then the libraries. Raises Misconfigured without staging."""
    with database.read() as connection:
        staging = sole_library(connection, "staging")
        return [staging, *music_libraries(connection, "library")]


def lying(database: Database, root: Library) -> Lying:
    """Return what lies in the trash of a root. Raises what `verify_root` does."""
    verify_root(root)
    found = trash.listed(database, root.path)
    return Lying(found, sum(one.size for one in found))


def empty(
    database: Database,
    stop: threading.Event,
    *,
    actor: str,
    days: int = 0,
    only: Collection[str] | None = None,
    sure: bool = True,
) -> Emptied:
    """Remove for good what has lain in the trashes for so many days, of `only` these transfers; or say what that is.

    A library that is away, or that somebody works on, is a reason in the report. Raises Misconfigured when staging is
    not there, Busy when somebody works there, LeaseLost, and Retryable when the database fails.
    """
    gone: list[Trashed] = []
    kept: list[Reason] = []
    for root in bins(database):
        try:
            verify_root(root)
            found = _of(database, root, stop, dt.timedelta(days=days), only, sure=sure)
        except (Busy, Misconfigured, NeedsReview) as error:
            if root.role == "staging":
                raise
            kept.append(error.reason(root.path))
            continue
        gone += found[0]
        kept += found[1]
    done = Emptied(not sure, tuple(gone), tuple(kept))
    if sure and gone:
        with database.begin() as connection:
            activity.note(connection, "trash_emptied", actor, dt.datetime.now(dt.UTC), _told(done))
    return done


def _of(
    database: Database,
    root: Library,
    stop: threading.Event,
    kept_for: dt.timedelta,
    only: Collection[str] | None,
    *,
    sure: bool,
) -> tuple[list[Trashed], list[Reason]]:
    """Empty the trash of one root, or say what would go and what may not."""
    if not sure:
        return reading([root], partial(trash.due, database, root.path, kept_for, only))
    if root.role == "library" and reading([root], partial(trash.is_empty, root.path)):
        return [], []
    work = partial(empty_trash, database, root, kept_for, only)
    return holding(database, [root], "empty the trash", StopOrTimeout(stop), work)


def _told(done: Emptied) -> str:
    """Say how much went, and name some of it."""
    known = [called(one.told.artist, one.told.album) for one in done.gone if one.told]
    more = " …" if len(known) > NAMED else ""
    return f"{done.amount}: {', '.join(known[:NAMED])}{more}"
