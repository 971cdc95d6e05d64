"""An album in the trash → back in its place in staging, by one rename that cannot overwrite; its item is listed again.

planned        it is in the trash as its item said, its place is free, and nobody else has its key
materialised   the rename, made durable; then one transaction: the item with what people said of it, the undo published
published      done
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.errors import NeedsReview
from config.reasons import show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import way_to
from processor.filesystem.renaming import rename_folder
from processor.items import repository, standing
from processor.metadata import rows
from processor.metadata.documents import USER
from processor.moves.discard import sync_both
from processor.moves.move import Move, Performance, before, same
from processor.transfers import journal, sidecar
from processor.transfers.giving_back import remove_empty
from processor.transfers.guard import Guard
from processor.transfers.transfer import State, Transfer


def _begin(run: Performance, undo: Transfer) -> Transfer:
    with Tree(undo.dst_root) as tree:
        standing.check(tree, undo.target, before(undo), alone=False)
    return run.advance(undo, "materialised")


def _bring(run: Performance, undo: Transfer) -> Transfer:
    home = before(undo).path
    with Tree(undo.dst_root) as tree, tree.explained("put back", home):
        if tree.stat(undo.target) is not None:
            for folder in way_to(home):
                run.guard.check("mkdir")
                tree.make(folder)
            run.guard.check("restore")
            rename_folder(tree, undo.target, home)
        sync_both(tree, home, run.guard)
        standing.check(tree, home, before(undo), alone=False)
    return _list(run, undo)


def _list(run: Performance, undo: Transfer) -> Transfer:
    """Commit that the item is listed again, with what people had said of it."""
    key, said = before(undo).key, undo.item.get("said")
    run.guard.check("list")
    with run.database.begin() as connection:
        if key in repository.recorded(connection, [key]):
            message = f"another album has the place of {show_path(before(undo).path)} by now; look at both"
            raise NeedsReview(message, code="album_listed", path=before(undo).path)
        run.record(connection, replace(undo, item=undo.before or {}, files=()))
        if said:
            rows.write(connection, repository.id_of(connection, key), USER, said, run.now)
        run.undone(connection, undo)
        (moved,) = journal.advance(connection, [undo], "published", run.now)
    return moved


def _end(run: Performance, undo: Transfer) -> Transfer:
    return run.advance(undo, "done")


def _roll_back(undo: Transfer, guard: Guard) -> State:
    """Before it is listed: rename it back into the trash."""
    item = before(undo)
    with Tree(undo.dst_root) as tree, tree.explained("put into the trash again", item.path):
        if tree.stat(undo.target) is None:
            if not sidecar.is_of(tree, item.path, item.transfer_id):
                return "attention"  # it is in neither place
            guard.check("restore back")
            rename_folder(tree, item.path, undo.target)
        sync_both(tree, item.path, guard)
        remove_empty(tree, [item.path], guard)
    return "cancelled"


MOVE: Final = Move("restore", same, {"planned": _begin, "materialised": _bring, "published": _end}, _roll_back)
