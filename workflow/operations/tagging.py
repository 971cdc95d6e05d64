"""An item → its files with the tags that are known of it, under the lock of staging."""

from __future__ import annotations

from sqlalchemy import Connection

from config import admin
from config.database import Database
from config.errors import Rejected
from config.lease import Guard
from config.leave import StopSignal
from config.libraries import Library, sole_library, verify_root
from config.machine import utc_now
from processor.filesystem.files import Tree
from processor.items import repository
from processor.metadata import rows
from processor.moves.move import Performance
from processor.recover import RecoveryReport
from processor.retag import Retagged, retag, retold, settle_retags, sweep
from processor.transfers.transfer import Transfer
from workflow import events, telling
from workflow.holding import holding
from workflow.upkeep import check_unmoved, told


def tag_item(database: Database, item_id: int, stop: StopSignal) -> Retagged:
    """Write what is known of an item into its files.

    Raises Misconfigured for an item there is not, Rejected for one that is not in staging, what processor.retag raises,
    Busy when somebody else holds the lock, and RootSilent when the disk hangs in the middle of it: then the next try
    settles what was begun.
    """

    def work(guard: Guard) -> Retagged:
        run = _performance(database, guard)
        settle_retags(run, staging.path)
        with database.read() as connection:
            found = repository.of_id(connection, item_id)
            known = rows.album(connection, item_id)
            settings, _ = admin.staging_scan(connection)
        if found is None or found.item.root_uuid != staging.root_uuid:
            raise Rejected(f"item {item_id} is not in staging any more; only staged files get tags", code="not_staged")
        check_unmoved(database, found.item.key)
        return retag(run, staging.path, found.item, known, settings.reserve_mib << 20)

    with database.read() as connection:
        staging = sole_library(connection, "staging")
    verify_root(staging)
    return holding(database, [staging], f"tag item {item_id}", stop, work)


def recover_tagging(database: Database, guard: Guard, staging: Library) -> RecoveryReport:
    """Settle what was left of writing tags, under the lease of staging; one question if there is nothing."""
    run = _performance(database, guard)
    report = told(database, settle_retags(run, staging.path))
    with Tree(staging.path) as tree:
        sweep(run, tree)
    return report


def _performance(database: Database, guard: Guard) -> Performance:
    def undone(connection: Connection, transfer: Transfer) -> None:
        events.tell(connection, [telling.of_undo(transfer.item, transfer.undoes or transfer.id)], utc_now())

    return retold(Performance(database, guard, undone, undone=undone))
