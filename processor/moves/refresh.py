"""A published album of which something else is known now → its NFO and pictures anew, file by file, music untouched.

planned        the folder is the one that was published
materialised   each file that changed takes the place of the one we wrote; what is not wanted any more goes; then the
               rows say it: from here it only goes forward, because every step may be repeated
"""

from __future__ import annotations

from typing import Final

from config.errors import NeedsReview
from config.reasons import show_path
from processor import sidecar
from processor.files import Tree, explained
from processor.journal import State, Transfer
from processor.moves.move import Move, Performance
from processor.moves.publish import written
from processor.publication.intent import intent_of
from processor.transfer import Guard


def _look(run: Performance, transfer: Transfer) -> Transfer:
    with Tree(transfer.dst_root) as tree, explained("look into", transfer.target):
        run.guard.check("look")
        if not sidecar.is_of(tree, transfer.target, transfer.item["home"]):
            message = (
                f"{show_path(transfer.target)} is not the album that was published there: it was moved or replaced; "
                "put it back"
            )
            raise NeedsReview(message, code="not_as_recorded", path=transfer.target)
    return run.advance(transfer, "materialised")


def _write(run: Performance, transfer: Transfer) -> Transfer:
    return run.published(written(run, transfer, list(intent_of(transfer).made)))


def _end(run: Performance, transfer: Transfer) -> Transfer:
    return run.advance(transfer, "done")


def _same(transfer: Transfer) -> Transfer:
    return transfer


def _roll_back(transfer: Transfer, _guard: Guard) -> State:
    return "cancelled" if transfer.state == "planned" else transfer.state


MOVE: Final = Move("refresh", _same, {"planned": _look, "materialised": _write, "published": _end}, _roll_back)
