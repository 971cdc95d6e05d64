"""A staged album nobody wants → the trash of its root, whole, by one rename; its item is no more.

planned        the album is what its item says, alone in its folder; the trash is there, on the same filesystem
materialised   one transaction: the item is unlisted, what people said of it kept with the move, which is published
published      one rename takes the album's folder to the trash; folders left empty above it go
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.errors import NeedsReview
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors
from processor.items import repository, standing
from processor.metadata import rows
from processor.moves.move import Move, Performance, before, same
from processor.moves.undo import patient
from processor.transfers import journal, sidecar, trash
from processor.transfers.giving_back import remove_empty
from processor.transfers.guard import Guard
from processor.transfers.hidden import make_hidden_root
from processor.transfers.steps import sync_each
from processor.transfers.transfer import State, Transfer


def _prepare(run: Performance, transfer: Transfer) -> Transfer:
    home = before(transfer).path
    with Tree(transfer.dst_root) as tree:
        standing.check(tree, home, before(transfer), alone=True)
        with tree.explained("make", trash.TRASH):
            make_hidden_root(tree, trash.TRASH, run.guard)
            album, there = tree.stat(home), tree.stat(trash.TRASH)
    if album is None or there is None or album.st_dev != there.st_dev:
        message = (
            f"{tree.shown(home)} is on another filesystem than {tree.shown(trash.TRASH)}, so it cannot go there at "
            "once; remove it by hand if nobody wants it"
        )
        raise NeedsReview(message, code="other_filesystem", path=home)
    return run.advance(transfer, "materialised")


def _unlist(run: Performance, transfer: Transfer) -> Transfer:
    item = before(transfer)
    with Tree(transfer.dst_root) as tree:
        standing.check(tree, item.path, item, alone=True)
    run.guard.check("unlist")
    with run.database.begin() as connection:
        told = replace(transfer, item={**transfer.item, "said": rows.said_of(connection, item.key)})
        journal.note_item(connection, told)
        repository.unlist(connection, item.key, item.path)
        (moved,) = journal.advance(connection, [told], "published", run.now)
    return moved


def _put(run: Performance, transfer: Transfer) -> Transfer:
    item = before(transfer)
    with patient(), Tree(transfer.dst_root) as tree, tree.explained("put into the trash", item.path):
        if tree.stat(transfer.target) is None:
            if not sidecar.is_of(tree, item.path, item.transfer_id):
                message = f"{tree.shown(item.path)} is not the album that was to go to the trash; look at it"
                raise NeedsReview(message, code="not_as_recorded", path=item.path)
            trash.put(tree, item.path, transfer.id, run.guard)
        else:
            sync_both(tree, item.path, run.guard)  # whoever renamed it may have died before that
        remove_empty(tree, [item.path], run.guard)
    return run.advance(transfer, "done")


def sync_both(tree: Tree, home: bytes, guard: Guard) -> None:
    """Make a rename between an album's folder and the trash durable, and the folders made for it."""
    sync_each(tree, (trash.TRASH, *ancestors(home), b""), guard, "fsync trash", missing_ok=True)


def _leave(_transfer: Transfer, _guard: Guard) -> State:
    """Before it is published nothing of the album is touched."""
    return "cancelled"


MOVE: Final = Move("discard", same, {"planned": _prepare, "materialised": _unlist, "published": _put}, _leave)
