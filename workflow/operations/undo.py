"""A run or a transfer, by its id → its albums taken back under the locks, newest first, each on its own; a report."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar, get_args

from config import admin
from config.batches import batched
from config.database import Database
from config.errors import GreenroomError, LeaseLost, Misconfigured, Stopped
from config.lease import Guard
from config.libraries import Roots
from config.reasons import Reason, path_text, show_path
from processor.moves.move import Performance
from processor.publication.intent import intent_of
from processor.retag import retold, work_root
from processor.staging.staged import record_item
from processor.taking_back import TakenBack, Undone, rehearse, take_back
from processor.transfers import journal
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity
from workflow.aftermath import of_staging, of_undo
from workflow.holding import holding, reading
from workflow.recovering import recover_staging
from workflow.roots import resolve_roots
from workflow.stopping import StopOrTimeout
from workflow.upkeep import OUTWARD

T = TypeVar("T")
AT_ONCE: Final = 100  # transfers that are read from the journal
TOLD: Final = ("key", "album_artist", "album", "path")  # of an item
UNKNOWN = Identity(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What became, or would become, of each transfer that was to be taken back, in the order they were tried."""

    dry_run: bool
    albums: tuple[TakenBack, ...]
    stopped: Reason | None = None  # why the rest was not tried

    @property
    def exit_code(self) -> int:
        """0 if everything was done, or would be."""
        return int(self.stopped is not None or any(album.outcome in ("refused", "failed") for album in self.albums))

    @property
    def counts(self) -> dict[str, int]:
        """How many transfers came to which outcome."""
        outcomes = Counter(album.outcome for album in self.albums)
        return {outcome: outcomes[outcome] for outcome in get_args(Undone) if outcome != "trashed"} | outcomes

    def to_json(self) -> dict[str, Any]:
        """Return the object that `greenroom undo --json` prints; its shape is a promise to scripts."""
        return {
            "dry_run": self.dry_run,
            "counts": self.counts,
            "albums": [_album(album) for album in self.albums],
            "stopped": _reason(self.stopped) if self.stopped else None,
        }


def undo(database: Database, name: str, *, dry_run: bool, stop: threading.Event) -> UndoReport:
    """Take back the transfer of that id, or all transfers of the run of that id, newest first.

    One that cannot be taken back is an outcome in the report, and the others go on. Raises Misconfigured
    (`unknown_transfer`) for an id nobody has, Busy when somebody else holds the lock, LeaseLost, Retryable when the
    database fails, and RootSilent when a disk hangs in the middle of it: then the next cycle settles what was begun.
    """
    roots = resolve_roots(database)
    if dry_run:
        return reading(roots.both, partial(_rehearsed, database, name, roots), stop)
    return holding(database, roots.both, f"undo {name}", StopOrTimeout(stop), partial(_undo, database, name, roots))


def _rehearsed(database: Database, name: str, roots: Roots) -> UndoReport:
    found = named(database, name)
    return UndoReport(True, tuple(_in_short(_one(one, roots, partial(rehearse, database))) for one in found))


def _undo(database: Database, name: str, roots: Roots, guard: Guard) -> UndoReport:
    recover_staging(database, guard, roots)
    with database.read() as connection:
        settings, _ = admin.staging_scan(connection)
    recording = partial(record_item, then=of_staging(None))
    run = Performance(database, guard, recording, workers=settings.workers, undone=of_undo)

    def take(transfer: Transfer) -> TakenBack:
        return take_back(retold(run) if transfer.kind == "retag" else run, transfer)

    report = each(guard, named(database, name), lambda transfer: _in_short(_one(transfer, roots, take)))
    if report.stopped is not None:
        again = f"{report.stopped.message} `greenroom undo {name}` takes back the rest."
        report = replace(report, stopped=report.stopped._replace(message=again))
    return report


def each(guard: Guard, things: Iterable[T], take: Callable[[T], TakenBack]) -> UndoReport:
    """Take things one by one until somebody asks us to stop; a report."""
    done: list[TakenBack] = []
    for one in things:
        try:
            guard.check_stop()
            done.append(take(one))
        except Stopped as stopped:
            return UndoReport(False, tuple(done), stopped.reason())
    return UndoReport(False, tuple(done))


def release(database: Database, name: str) -> int:
    """Let the next cycle stage again what was taken back of a transfer or a run; return how many albums.

    Raises Misconfigured (`unknown_transfer`) for an id nobody has.
    """
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        return sum(journal.release(connection, ids, now) for ids in batched(_ids(database, name)))


def named(database: Database, name: str) -> Iterator[Transfer]:
    """Yield the transfers an id means, newest first, reading some at a time: a run may have moved 10,000 albums.

    Raises Misconfigured (`unknown_transfer`) if there is none.
    """
    for ids in batched(_ids(database, name), AT_ONCE):
        with database.read() as connection:
            found = journal.these(connection, ids)
        yield from found


def _ids(database: Database, name: str) -> list[str]:
    with database.read() as connection:
        found = journal.ids(connection, name)
    if not found:
        message = f"no transfer is called {name!r}, and no run of that name moved anything; `greenroom runs` lists them"
        raise Misconfigured(message, code="unknown_transfer")
    return found


def _one(transfer: Transfer, roots: Roots, take: Callable[[Transfer], TakenBack]) -> TakenBack:
    """Take a transfer back, or rehearse that, if it is one between our roots; what fails fails for it alone."""
    if (refused := _published(transfer)) is not None:
        return refused
    sources = (roots.inbound.path, work_root(roots.staging.path), roots.staging.path)
    if transfer.src_root not in sources or transfer.dst_root != roots.staging.path:
        places = f"{show_path(transfer.src_root)} to {show_path(transfer.dst_root)}"
        message = f"It was moved from {places}, and one of them is no library now; add it again first."
        return TakenBack(transfer, "refused", (Reason("other_roots", message, transfer.dst_root),))
    try:
        return take(transfer)
    except LeaseLost:
        raise
    except Stopped as stopped:
        raise Stopped(stopped.message, path=os.path.join(transfer.dst_root, transfer.target)) from stopped
    except GreenroomError as error:  # of one album; it is as it was
        if error.reason_code in ("database_unavailable", "schema_changed"):
            raise
        return TakenBack(transfer, "failed", (error.reason(),))


def _in_short(album: TakenBack) -> TakenBack:
    """Return no more than a report tells: all that 10,000 albums said of themselves would be half a gigabyte."""
    transfer = album.transfer
    files = tuple(TransferFile(file.source, file.target, file.role, UNKNOWN) for file in transfer.files)
    item, before = _told(transfer.item), transfer.before and _told(transfer.before)
    return replace(album, transfer=replace(transfer, files=files, item=item, before=before, source_folders=()))


def _told(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in TOLD if name in item}


def _published(transfer: Transfer) -> TakenBack | None:
    """Refuse a transfer into a library: `publish --undo` takes it back."""
    if transfer.kind not in OUTWARD:
        return None
    item = intent_of(transfer).item_id
    message = f"It published item {item}; `greenroom publish {item} --undo` takes it out of its library."
    return TakenBack(transfer, "refused", (Reason("published", message, transfer.dst_root),))


def _album(album: TakenBack) -> dict[str, Any]:
    transfer = album.transfer
    return {
        "transfer": transfer.id,
        "kind": transfer.kind,
        "key": transfer.item.get("key"),
        "album_artist": transfer.item.get("album_artist"),
        "album": transfer.item.get("album"),
        "outcome": album.outcome,
        "staging_path": path_text(os.path.join(transfer.dst_root, transfer.target)),
        "reasons": [_reason(reason) for reason in album.reasons],
        "files": [
            {
                "path": path_text(os.path.join(transfer.dst_root, transfer.target, file.target)),
                "source": path_text(os.path.join(transfer.src_root, file.source)),
            }
            for file in transfer.files
        ],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    path = None if reason.path is None else path_text(reason.path)
    return {"code": reason.code, "message": reason.message, "path": path}
