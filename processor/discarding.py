"""An item nobody wants → the transfer that puts its album into the trash; such a transfer → what restoring it meets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from config.database import Database
from config.errors import GreenroomError
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.items import repository, standing
from processor.items.item import NewItem
from processor.moves.move import before
from processor.transfers import journal, trash
from processor.transfers.transfer import Transfer, TransferFile
from processor.undo import Seen, Sighting
from scanner.identity import Identity

NOWHERE: Final = Identity(0, 0, 0, 0, 0)


def files_of(staging: bytes, item: NewItem) -> Mapping[bytes, os.stat_result]:
    """Return what is in the folder of a staged album, by path in it. Raises the typed error of what cannot be read."""
    with Tree(staging) as tree, tree.explained("look into", item.path):
        return standing.files_below(tree, item.path) if tree.stat(item.path) is not None else {}


def transfer_of(
    staging: bytes, item: NewItem, found: Mapping[bytes, os.stat_result], *, id: str, fence: int, boot_id: str
) -> Transfer:
    """Return the transfer of a staged album to the trash, about to be journalled; `found` is what `files_of` says.

    It is read as every transfer: its files go from their `source` below the root to their `target` in the trash. What
    people said of the item is kept with it from when it is unlisted.
    """
    files = tuple(
        TransferFile(
            within(item.path, file.path), file.path, file.role,
            Identity.of(found[file.path]) if file.path in found else NOWHERE, file.digest,
        )
        for file in item.files
    )  # fmt: skip
    told = item.to_json()
    return Transfer(
        id=id,
        kind="discard",
        state="planned",
        src_root=staging,
        dst_root=staging,
        target=trash.place(id),
        files=files,
        item=told,
        fence=fence,
        boot_id=boot_id,
        before=told,
    )


def why_not(staging: bytes, item: NewItem) -> Reason | None:
    """Say why an album cannot go to the trash as it is; None if it can. Paths are whole. Reads only."""
    try:
        with Tree(staging) as tree:
            standing.check(tree, item.path, item, alone=True)
    except GreenroomError as error:
        reason = error.reason()
        return reason._replace(path=os.path.join(staging, reason.path)) if reason.path else reason
    return None


def look(database: Database, transfer: Transfer) -> Sighting:
    """Look at what restoring an album from the trash would meet."""
    item = before(transfer)
    with database.read() as connection:
        undo = journal.undo_state(connection, transfer.id)
        other = repository.recorded(connection, [item.key]).get(item.key)
    problems = []
    if other is not None:
        message = "Another copy of this album was staged since; put that one into the trash, or keep it, first."
        problems.append(Reason("album_listed", message, os.path.join(transfer.dst_root, item.path)))
    with Tree(transfer.dst_root) as tree, tree.explained("look at", transfer.target):
        if tree.stat(transfer.target) is None:
            return Sighting(undo, "gone", {})
        there = standing.look_at(tree, transfer.target, item)
        if there.trouble is not None:
            return Sighting(undo, "ours", {}, problems=[*problems, there.trouble])
        taken = tree.stat(item.path) is not None
    if taken and not problems:
        message = f"Its place in staging is taken by something else; move {show_path(item.path)} elsewhere first."
        problems.append(Reason("name_taken", message, os.path.join(transfer.dst_root, item.path)))
    files = {file.target: Seen(Identity.of(there.found[file.target]), True, "free") for file in transfer.files}
    return Sighting(undo, "ours", files, problems=problems)
