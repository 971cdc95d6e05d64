"""A transfer into or out of a library → what its item, the history and subscribers say of it, in its transaction."""

from __future__ import annotations

import datetime as dt
import os

from sqlalchemy import Connection

from config.database import Database
from config.errors import NeedsReview
from config.reasons import show_path
from processor.publication import ledger, recording
from processor.publication.intent import intent_of
from processor.transfers.transfer import Transfer, path_from_json, path_to_json
from workflow import events, history, progress, succession
from workflow.events import Event
from workflow.telling import album_name


def begun(connection: Connection, transfer: Transfer) -> None:
    """Say of an item that it is being published, in the transaction that journals the transfer."""
    intent = intent_of(transfer)
    item = progress.find(connection, intent.item_id)
    because = history.Because("publish", intent.actor, "publishing", intent.job_id)
    progress.move(connection, item, because, dt.datetime.now(dt.UTC), status="publishing")


def recorded(connection: Connection, transfer: Transfer) -> None:
    """Write down what a transfer into or out of a library made of the item, in the transaction that publishes it.

    Raises NeedsReview when the item is gone: that keeps this transfer alone from being finished.
    """
    now = dt.datetime.now(dt.UTC)
    intent = intent_of(transfer)
    item = progress.known(connection, intent.item_id)
    if item is None:
        raise NeedsReview(f"there is no item {intent.item_id} any more, whose album this moves", code="unknown_item")
    if transfer.kind == "restage":
        recording.restage(connection, transfer, now)
        why = "its files are in staging again, beside the library, for what joins it or takes its place"
        history.note(connection, item, history.Because("restage", intent.actor, why, intent.job_id), now)
        return
    out = transfer.kind == "unpublish"
    (recording.withdraw if out else recording.record)(connection, transfer, now)
    item = {**item, "revision": progress.find(connection, intent.item_id)["revision"]}
    status, position = ("pending_review", "reviewed") if out else ("published", "published")
    why = f"{'taken out of' if out else 'in'} {show_path(os.path.join(transfer.dst_root, transfer.target))}"
    arrived = not out and item["status"] != "publishing"
    if arrived:  # older versions let people decide about it on its way, and its folder in staging may have been missed
        why = f"{why}; it was {item['status'].replace('_', ' ')} when it came there"
    because = history.Because("publish", intent.actor, why, intent.job_id)
    progress.move(connection, item, because, now, status=status, position=position, arrived=arrived)
    events.tell(connection, [_event(transfer, item, why)], now)
    if not out:
        succession.go_on(connection, [{**item, "status": status, "position": position}], now)


def _event(transfer: Transfer, item: dict[str, object], why: str) -> Event:
    """Return the event; its facts name what changed, for whoever tells players: paths are relative to the library."""
    intent = intent_of(transfer)
    files = [*(transfer.target + b"/" + file.target for file in transfer.files), *(one.path for one in intent.made)]
    was = transfer.item["was"] if transfer.kind == "upgrade" else path_to_json(transfer.target)
    moved = path_from_json(was) != transfer.target
    facts = {
        "was": was if moved else None,
        "library": intent.library,
        "folder": path_to_json(transfer.target),
        "files": [path_to_json(path) for path in files],
        "removed": [path_to_json(one.path) for one in intent.gone],
        "transfer": transfer.id,
        "again": transfer.kind != "publish" and not moved,
    }
    kind = "unpublished" if transfer.kind == "unpublish" else "published"
    return Event(kind, album_name(item), why, intent.item_id, job_id=intent.job_id, facts=facts)  # type: ignore[arg-type]


def heal(database: Database) -> None:
    """Give items their status back whose publication was broken off before anything of it was to be seen."""
    with database.read() as connection:
        if not ledger.adrift(connection):
            return
    with database.begin() as connection:
        for item_id, is_published in ledger.adrift(connection):
            because = history.Because("publish", "recovery", "it was broken off, with nothing changed")
            status, item = "published" if is_published else "approved", progress.find(connection, item_id)
            progress.move(connection, item, because, dt.datetime.now(dt.UTC), status=status)
