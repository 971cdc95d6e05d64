"""Albums a person wants grouped otherwise → back in inbound, with what was said of their files, for the next cycle.

First the word is kept, then the albums go back, by transfers that can be killed anywhere; then they are let go. Whoever
dies in between leaves albums in inbound that are held, as after any undo, and a word that waits for them.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from config.database import Database
from config.errors import Misconfigured
from processor.items import grouping_choices, repository
from processor.items.regrouping import Staged
from processor.transfers import journal
from scanner.grouping.chosen import Choice
from workflow import progress
from workflow.operations.undo import UndoReport, undo
from workflow.roots import resolve_roots

MOST_TRANSFERS = 100  # of one album: the first, and those that joined it later


def staged(connection: Connection, item_id: int) -> Staged:
    """Return an item with its files. Raises Misconfigured (`unknown_item`)."""
    item = progress.find(connection, item_id)
    files = repository.files(connection, [item_id]).get(item_id, ())
    return Staged(item_id, item["album_artist"], item["album"], files)


def regroup(
    database: Database,
    item_ids: Sequence[int],
    choices: Mapping[bytes, Choice],
    *,
    actor: str,
    stop: threading.Event,
    hold: bool = False,
) -> UndoReport:
    """Take albums back to inbound, whole, so that the next cycle groups their files as was said; a report.

    If one of them cannot be taken back what was said before counts again, and what went back is staged as it was. No
    choices leave the files to the rules again. With `hold` they stay in inbound until somebody changes or releases
    them. Raises what `workflow.operations.undo.undo` raises.
    """
    root = resolve_roots(database).inbound.root_uuid
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        files = {file.source for item_id in item_ids for file in staged(connection, item_id).files}
        earlier = {path: one for path, one in grouping_choices.read(connection, root).items() if path in files}
        grouping_choices.forget(connection, root, files)
        grouping_choices.say(connection, root, choices, actor=actor, now=now)
    report, is_done = UndoReport(False, ()), False
    try:
        for item_id in item_ids:
            for one in _all_of(database, item_id, stop):
                report = UndoReport(False, (*report.albums, *one.albums), one.stopped)
            if report.exit_code:
                break
        is_done = not report.exit_code
    finally:  # also when somebody else holds the lock
        with database.begin() as connection:
            if not is_done:
                grouping_choices.forget(connection, root, choices)
                grouping_choices.say(connection, root, earlier, actor=actor, now=now)
            done = [album.transfer.id for album in report.albums if album.outcome == "undone" and not hold]
            journal.release(connection, done, dt.datetime.now(dt.UTC))
    return report


def rehearse(database: Database, item_ids: Sequence[int]) -> UndoReport:
    """Say whether albums could be taken back, as far as can be seen without doing it."""
    with database.read() as connection:
        transfers = [progress.find(connection, item_id)["transfer_id"] for item_id in item_ids]
    found = [undo(database, name, dry_run=True, stop=threading.Event()) for name in transfers]
    return UndoReport(True, tuple(album for report in found for album in report.albums))


def _all_of(database: Database, item_id: int, stop: threading.Event) -> Iterator[UndoReport]:
    """Take back every transfer of an item, the newest first, until it is gone from staging, or one cannot be."""
    for _ in range(MOST_TRANSFERS):
        with database.read() as connection:
            name = _transfer(connection, item_id)
        if name is None:
            return
        report = undo(database, name, dry_run=False, stop=stop)
        yield report
        if report.exit_code:
            return


def _transfer(connection: Connection, item_id: int) -> str | None:
    try:
        return str(progress.find(connection, item_id)["transfer_id"])
    except Misconfigured:
        return None
