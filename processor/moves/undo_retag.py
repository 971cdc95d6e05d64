"""A retagged album → the trash; the one it was made of → from there back into its place. Nothing goes to inbound."""

from __future__ import annotations

from typing import Final

from processor.moves.move import Move, Performance, same
from processor.moves.undo_replace import exchanged_back
from processor.transfers.guard import Guard
from processor.transfers.transfer import State, Transfer


def _begin(run: Performance, undo: Transfer) -> Transfer:
    return run.advance(undo, "materialised")


def _exchange(run: Performance, undo: Transfer) -> Transfer:
    exchanged_back(undo, run.guard, exchanged=True)
    return run.taken_back(undo)


def _end(run: Performance, undo: Transfer) -> Transfer:
    exchanged_back(undo, run.guard, exchanged=True)  # what can be read may not be on the disk yet
    return run.advance(undo, "done")


def _roll_back(undo: Transfer, guard: Guard) -> State:
    exchanged_back(undo, guard, exchanged=False)
    return "cancelled"


MOVE: Final = Move("undo_retag", same, {"planned": _begin, "materialised": _exchange, "published": _end}, _roll_back)
