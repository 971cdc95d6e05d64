"""The transfer of an album and the staged item of its key → the merge or replacement that changes it, written down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from config.database import Database
from config.errors import Retryable
from config.reasons import show_path
from processor.items import repository
from processor.items.item import NewItem
from processor.items.joined import joined, succeeded
from processor.transfers import journal
from processor.transfers.transfer import Transfer

_BECOMES: Final[Mapping[str, Callable[[NewItem, NewItem, str], NewItem]]] = {"merge": joined, "replace": succeeded}


def change(database: Database, kind: str, transfer: Transfer, now: dt.datetime) -> Transfer:
    """Make the transfer one of `kind`, which knows what the item says before and after it, and journal it (T0).

    Raises Retryable: `vanished` if the item is another one by now, `target_reserved`, and what the database raises.
    """
    new = NewItem.from_json(transfer.item)
    with database.begin() as connection:
        old = repository.recorded(connection, [new.key]).get(new.key)
        if old is None or old.item.path != transfer.target:
            message = f"the item of {show_path(transfer.target)} changed meanwhile; the next cycle looks again"
            raise Retryable(message, code="vanished")
        item = _BECOMES[kind](old.item, new, old.status)
        planned = replace(transfer, kind=kind, item=item.to_json(), before=old.item.to_json())
        journal.plan(connection, [planned], now)
    return planned
