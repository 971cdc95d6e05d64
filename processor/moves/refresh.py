"""A published album of which something else is known now → its NFO and pictures anew, file by file, music untouched.

planned        the folder is the one that was published
materialised   each file that changed takes the place of the one we wrote; what is not wanted any more goes; then the
               rows say it: from here it only goes forward, because every step may be repeated
"""

from __future__ import annotations

from typing import Final

from processor.filesystem.files import Tree
from processor.moves.move import Move, Performance, same
from processor.moves.publish import check_published, written
from processor.publication.intent import intent_of
from processor.transfers.guard import Guard
from processor.transfers.transfer import State, Transfer


def _look(run: Performance, transfer: Transfer) -> Transfer:
    with Tree(transfer.dst_root) as tree:
        run.guard.check("look")
        check_published(tree, transfer.target, transfer.item["home"])
    return run.advance(transfer, "materialised")


def _write(run: Performance, transfer: Transfer) -> Transfer:
    with Tree(transfer.dst_root) as tree:
        check_published(tree, transfer.target, transfer.item["home"])  # it may have been moved since an earlier try
    return run.published(written(run, transfer, list(intent_of(transfer).made)))


def _end(run: Performance, transfer: Transfer) -> Transfer:
    return run.advance(transfer, "done")


def _roll_back(transfer: Transfer, _guard: Guard) -> State:
    return "cancelled" if transfer.state == "planned" else transfer.state


MOVE: Final = Move("refresh", same, {"planned": _look, "materialised": _write, "published": _end}, _roll_back)
