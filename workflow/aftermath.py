"""Albums that were staged or taken back → what follows from it, written in the same transaction."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection

from processor.publishing import Then
from processor.transfer import Transfer
from workflow import events, telling
from workflow.succession import after_staging


def then(run_id: str | None) -> Then:
    """Let what follows the staging be wanted in the transaction that stages."""
    return lambda connection, items, now: after_staging(connection, items, run_id, now)


def undone(connection: Connection, transfer: Transfer) -> None:
    """Tell of an undo in the transaction that publishes it."""
    told = telling.of_undo(transfer.item, transfer.undoes or transfer.id)
    events.tell(connection, [told], dt.datetime.now(dt.UTC))
