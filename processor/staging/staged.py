"""Albums that are in place → their staging items, and whatever a run wants written with them, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from config.machine import utc_now
from processor.items import repository, storing
from processor.items.item import NewItem
from processor.items.joined import renamed
from processor.metadata import rows
from processor.transfers.transfer import Transfer

# What is to be written with items that were staged, in the same transaction; whoever moves albums is given it.
Then = Callable[[Connection, Mapping[str, storing.Upserted], dt.datetime], None]


def nothing_more(connection: Connection, items: Mapping[str, storing.Upserted], now: dt.datetime) -> None:
    """Write nothing more with staged items."""


def record_item(connection: Connection, transfer: Transfer, then: Then = nothing_more) -> None:
    """Write the staging item of an album that is in place, in the transaction that publishes its transfer.

    What was said of the tracks of an album goes with them where another album took its place.
    """
    item, now = digested(NewItem.from_json(transfer.item), transfer), utc_now()
    before = {} if transfer.before is None else repository.recorded(connection, [item.key])
    items = storing.upsert(connection, [item], now)
    if item.key in before and (names := renamed(before[item.key].item, item)):
        rows.rename_parts(connection, items[item.key].id, names, now)
    then(connection, items, now)


def digested(item: NewItem, transfer: Transfer) -> NewItem:
    """Return the item with the digests that copying its files found out."""
    digests = {file.target: file.digest for file in transfer.files if file.digest is not None}
    return item.with_digests(digests) if digests else item
