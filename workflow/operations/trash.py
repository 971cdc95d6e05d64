"""An album and the trash of staging → put into it for a person, or restored from there, under the lock."""

from __future__ import annotations

import datetime as dt
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from config import activity
from config.database import Database
from config.errors import GreenroomError, Misconfigured, NeedsReview, Rejected
from config.lease import Guard
from config.libraries import Roots
from config.machine import boot_id
from config.reasons import Reason, sentence, show_path
from processor import discarding
from processor.items import repository
from processor.metadata.fields import clean
from processor.moves.move import Performance, unheard
from processor.publication import ledger
from processor.settle import settle
from processor.taking_back import TakenBack
from processor.transfers import journal, trash
from processor.transfers.transfer import Transfer, path_from_json
from workflow import history, progress
from workflow.holding import holding, reading
from workflow.operations.deciding import Seen, as_seen
from workflow.operations.undo import UndoReport, each, undo
from workflow.recovering import recover_staging
from workflow.roots import resolve_roots
from workflow.states import check_move
from workflow.stopping import StopOrTimeout
from workflow.upkeep import check_unmoved

REJECTED: Final = "rejected"
_BY_HAND: Final = "put its folder back by hand, where `greenroom fsck` misses an album, and let `fsck --adopt` look"


def discard(
    database: Database,
    item_ids: Sequence[int],
    *,
    sure: bool,
    actor: str,
    why: str,
    seen: Mapping[int, Seen],
    stop: threading.Event,
) -> UndoReport:
    """Reject items for a person and put their albums into the trash, or, unless `sure`, say whether that can be.

    One that cannot go is an outcome in the report, and the others go on. Raises Busy when somebody else holds the lock,
    LeaseLost, Misconfigured (`unknown_item`), Retryable when the database fails, and RootSilent when a disk hangs in
    the middle of it: then the next cycle settles what was begun.
    """
    roots = resolve_roots(database)
    asked = _Asked(actor, clean(why) or "into the trash", seen)

    def look() -> UndoReport:
        return UndoReport(True, tuple(_look(database, roots, item_id, asked)[0] for item_id in item_ids))

    def work(guard: Guard) -> UndoReport:
        recover_staging(database, guard, roots)
        with database.read() as connection:
            for item_id in item_ids:  # before the first goes: somebody else may have been quicker
                progress.find(connection, item_id)
        return each(guard, item_ids, lambda id: _one(Performance(database, guard, unheard), roots, id, asked))

    if not sure:
        return reading(roots.both, look)
    return holding(database, roots.both, "put into the trash", StopOrTimeout(stop), work)


def restore(database: Database, transfer_id: str, *, sure: bool, actor: str, stop: threading.Event) -> UndoReport:
    """Take back the transfer that brought something into the trash, or say whether that can be.

    Raises what `workflow.operations.undo.undo` raises.
    """
    try:
        report = undo(database, transfer_id, dry_run=not sure, stop=stop)
    except Misconfigured as error:
        if error.reason_code == "unknown_transfer" and _lies(database, transfer_id):
            message = f"no transfer is called {transfer_id!r}, as where an older database was restored; {_BY_HAND}"
            raise Misconfigured(message, code="unknown_transfer") from None
        raise
    now = dt.datetime.now(dt.UTC)
    if sure and report.exit_code == 0:
        with database.begin() as connection:
            for album in report.albums:
                activity.note(connection, "album_restored", actor, now, show_path(_home(album.transfer)))
    return report


def _lies(database: Database, transfer_id: str) -> bool:
    """Whether there is something of that name in the trash of staging."""
    root = resolve_roots(database).staging
    found = reading([root], partial(trash.listed, database, root.path))
    return any(one.transfer_id == transfer_id for one in found)


class _Asked(NamedTuple):
    """Who wants albums in the trash, why, and what they saw of each."""

    actor: str
    why: str
    seen: Mapping[int, Seen]


def _one(run: Performance, roots: Roots, item_id: int, asked: _Asked) -> TakenBack:
    looked, row = _look(run.database, roots, item_id, asked, run.guard.fence)
    if looked.outcome == "refused":
        return looked
    try:
        with run.database.begin() as connection:
            _begin(connection, looked.transfer, row, asked, run.now)
    except GreenroomError as error:
        if error.reason_code != "item_changed":
            raise
        return replace(looked, outcome="refused", reasons=(error.reason(),))
    settled = settle(run, looked.transfer)
    if settled.state == "done":
        return TakenBack(settled, "trashed")
    return TakenBack(settled, "failed", (Reason("unfinished", sentence(settled.error or "it did not say why")),))


def _look(
    database: Database, roots: Roots, item_id: int, asked: _Asked, fence: int = 0
) -> tuple[TakenBack, dict[str, Any]]:
    """Say whether an item can go, with the transfer that would take it there, and the item's row."""
    root = roots.staging.path
    with database.read() as connection:
        row = progress.find(connection, item_id)
        found = repository.of_id(connection, item_id)
        reason = _why_not(connection, row, asked.seen.get(item_id), roots)
    assert found is not None
    files: Mapping[bytes, os.stat_result] = {}
    try:
        check_unmoved(database, found.item.key)  # such as new tags a worker died on
        files = discarding.files_of(root, found.item)
    except GreenroomError as error:  # of one album, as what `why_not` says
        reason = reason or error.reason()
    reason = reason or discarding.why_not(root, found.item)
    transfer = discarding.transfer_of(root, found.item, files, id=str(uuid.uuid4()), fence=fence, boot_id=boot_id())
    return TakenBack(transfer, "refused" if reason else "trashed", (reason,) if reason else ()), row


def _why_not(connection: Connection, row: Mapping[str, Any], seen: Seen | None, roots: Roots) -> Reason | None:
    if ledger.publication(connection, row["id"]) is not None:
        command = f"`greenroom publish {row['id']} --undo`"
        return Reason("published", f"It is published; take it out of its library first, with {command}.")
    if row["root_uuid"] != roots.staging.root_uuid:
        return Reason("other_roots", "It is not in the staging library of now.")
    try:
        as_seen(connection, row["id"], seen)
        if row["status"] != REJECTED:
            check_move(row["id"], row["status"], REJECTED)
    except (NeedsReview, Rejected) as error:
        return error.reason()
    return None


def _begin(connection: Connection, transfer: Transfer, row: Mapping[str, Any], asked: _Asked, now: dt.datetime) -> None:
    """Reject the item in the transaction that journals the transfer."""
    because = history.Because("review", asked.actor, asked.why)
    progress.move(connection, row, because, now, status=REJECTED)
    activity.note(connection, "album_trashed", asked.actor, now, show_path(_home(transfer)))
    journal.plan(connection, [transfer], now)


def _home(transfer: Transfer) -> bytes:
    return path_from_json((transfer.before or transfer.item)["path"])
