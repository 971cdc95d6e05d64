"""A better album → back where it came from; the one that gave way to it → from the trash back into its place.

The first steps are those of every undo. Once the inbound tree is filled the two folders change places in one exchange,
the item says again what it said before, and the folder in the trash is removed as an undone album's is.
"""

from __future__ import annotations

from typing import Final

from processor.filesystem.files import Tree
from processor.filesystem.paths import parent
from processor.items.item import NewItem
from processor.moves.move import Move, Performance, same
from processor.moves.undo import fill_inbound, hide, patient, remove
from processor.transfers import sidecar, trash
from processor.transfers.giving_back import check_given_back, forget_marks, take_away
from processor.transfers.guard import Guard
from processor.transfers.transfer import State, Transfer


def _exchange(run: Performance, undo: Transfer) -> Transfer:
    if not _is_exchanged(undo):
        check_given_back(undo, run.guard)
    exchanged_back(undo, run.guard, exchanged=True)
    return run.taken_back(undo)


def _clear(run: Performance, undo: Transfer) -> Transfer:
    new = {file.target for file in undo.files}
    borrowed = [file.path for file in NewItem.from_json(undo.item).files if file.path not in new]
    with patient():
        forget_marks(undo, run.guard)
        hide(run, undo, _place(undo))
        remove(run, undo, _place(undo), borrowed)
    return run.advance(undo, "done")


def _roll_back(undo: Transfer, guard: Guard) -> State:
    exchanged_back(undo, guard, exchanged=False)
    return take_away(undo, guard)


def _place(undo: Transfer) -> bytes:
    assert undo.undoes is not None
    return trash.place(undo.undoes)


def _is_exchanged(undo: Transfer) -> bool:
    assert undo.undoes is not None
    with Tree(undo.dst_root) as staging, staging.explained("look into", undo.target):
        return sidecar.is_of(staging, _place(undo), undo.undoes)


def exchanged_back(undo: Transfer, guard: Guard, *, exchanged: bool) -> None:
    """Let the folder in staging and the one in the trash change places, if they have to; durably."""
    now = _is_exchanged(undo)
    with Tree(undo.dst_root) as staging, staging.explained("exchange", undo.target):
        if now != exchanged:
            guard.check("exchange back")
            staging.exchange(_place(undo), undo.target)
        for folder in (parent(undo.target), trash.TRASH):
            guard.check("fsync exchange")
            staging.sync(folder, missing_ok=True)


MOVE: Final = Move(
    "undo_replace", same, {"planned": fill_inbound, "materialised": _exchange, "published": _clear}, _roll_back
)
