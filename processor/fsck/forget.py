"""An item whose files are gone → no item; one of which anything is left is kept."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import NeedsReview, Rejected
from config.lease import Guard
from config.libraries import Library, list_libraries, verify_root
from config.reasons import show_path
from processor.artwork import blobs
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.fsck import rows
from processor.fsck.finding import some
from processor.fsck.rows import Row
from processor.publication import ledger, recording
from processor.publication.ledger import Entry
from processor.transfers import journal, sidecar
from processor.transfers.transfer import Transfer


def forget(database: Database, guard: Guard, item_id: int) -> Row:
    """Delete the row of an item, and where it was published; return what it was. Call it under the lock of its root.

    Raises Rejected `unknown_item`, NeedsReview `files_exist` or `unsettled` with what is in the way, and what
    `verify_root` does. Where its root is no library any more nothing can be looked at, and nothing of ours would touch
    it either.
    """
    with database.read() as connection:
        row = next((row for row in rows.read(connection) if row.id == item_id), None)
        known = {library.root_uuid: library for library in list_libraries(connection)}
        open_moves = [t for t in journal.unsettled(connection) if row and _is_about(t, row)]
        published, artists = ledger.entries(connection, item_id=item_id), _of_its_artist(connection, item_id)
    if row is None:
        raise Rejected(f"there is no item {item_id}; `greenroom items` lists them", code="unknown_item")
    if open_moves:
        message = f"a move into or from {_shown(known, row)} is not settled; `greenroom fsck` says what is left of it"
        raise NeedsReview(message, code="unsettled", path=row.path)
    for root_uuid in known.keys() & {row.root_uuid, *(entry.root_uuid for entry in published)}:
        verify_root(known[root_uuid])  # where no disk is mounted nothing is gone
    if row.root_uuid in known and (there := _there(known[row.root_uuid].path, row)):
        message = f"item {item_id} still has files below {_shown(known, row)}: {some(there)}; move the folder out of "
        raise NeedsReview(message + "the library first", code="files_exist", path=row.path)
    for entry in published:
        library = known.get(entry.root_uuid)
        if library is not None and os.path.lexists(_path(library, entry)):
            message = f"{_shown(known, entry)} of item {item_id} is in a library; take it out of there first, with "
            message += f"`greenroom publish {item_id} --undo`, or move its folder elsewhere"
            raise NeedsReview(message, code="files_exist", path=entry.path)
    gone = [one for one in artists if one.root_uuid in known and not os.path.lexists(_path(known[one.root_uuid], one))]
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        guard.confirm(connection)
        rows.forget(connection, item_id)
        ledger.forget_item(connection, item_id)
        blobs.hold(connection, f"published {item_id}", (), now)
        recording.forget(connection, gone, now)
    logger.bind(item=item_id, key=row.key, path=show_path(row.path)).info("item forgotten")
    return row


def _is_about(transfer: Transfer, row: Row) -> bool:
    """Whether a transfer brings an album into an item's folder, or from there into a library."""
    return transfer.target == row.path or transfer.item.get("key") == row.key


def _of_its_artist(connection: Connection, item_id: int) -> list[Entry]:
    """Return the files of the artist an item was published by, if no other album there is by that artist."""
    home = ledger.publication(connection, item_id)
    if home is None or home.artist is None or len(ledger.publications(connection, home.root_uuid, home.artist)) > 1:
        return []
    return ledger.entries(connection, artist=home.artist, root_uuid=home.root_uuid)


def _shown(known: Mapping[str, Library], one: Row | Entry) -> str:
    """Return the path of what is in a root as people are told it: with the root, where that is a library."""
    library = known.get(one.root_uuid)
    return show_path(os.path.join(library.path, one.path) if library else one.path)


def _path(library: Library, entry: Entry) -> bytes:
    return os.path.join(library.path, entry.path)


def _there(root: bytes, row: Row) -> list[bytes]:
    """Return what is left of an item in its folder, unless the folder is another item's by now."""
    with Tree(root) as tree, tree.explained("look into", row.path):
        try:
            written = sidecar.read(tree, row.path)
        except (Rejected, FileNotFoundError, NotADirectoryError):
            written = None
        if written is not None and written.item.get("key") != row.key:
            return []
        names = [sidecar.NAME, *(file.path for file in row.files)]
        return [name for name in names if _stands(tree, within(row.path, name))]


def _stands(tree: Tree, path: bytes) -> bool:
    try:
        return tree.stat(path) is not None
    except NotADirectoryError:
        return False
