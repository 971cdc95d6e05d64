"""Albums that were staged or taken back → what follows from it, written in the same transaction."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection

from processor.staging.staged import Then
from processor.transfers.transfer import Transfer
from workflow import events, telling
from workflow.succession import after_staging


def of_staging(run_id: str | None) -> Then:
    """Return what wants the next phases of staged items; called in the transaction that stages them."""
    return lambda connection, items, now: after_staging(connection, items, run_id, now)


def of_undo(connection: Connection, transfer: Transfer) -> None:
    """Tell subscribers of an undo; called in the transaction that publishes it."""
    told = telling.of_undo(transfer.item, transfer.undoes or transfer.id)
    events.tell(connection, [told], dt.datetime.now(dt.UTC))
