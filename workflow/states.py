"""The statuses of an item, and which may follow which: one table, and a check that raises."""

from __future__ import annotations

from typing import Final

from config.errors import Rejected

# status → what may become of it. Staging an item again, changed, brings it to pending_review from anywhere.
MOVES: Final[dict[str, frozenset[str]]] = {
    "pending_review": frozenset({"approved", "rejected", "attention", "missing", "quarantined", "conflict"}),
    "approved": frozenset({"pending_review", "rejected", "publishing", "attention", "missing"}),
    "rejected": frozenset({"pending_review", "approved", "missing"}),
    "publishing": frozenset({"published", "approved", "attention"}),
    "published": frozenset({"publishing", "pending_review", "attention", "missing"}),
    "quarantined": frozenset({"pending_review", "rejected", "missing"}),
    "conflict": frozenset({"pending_review", "rejected", "missing"}),
    "attention": frozenset({"pending_review", "approved", "rejected", "missing"}),
    "missing": frozenset({"pending_review"}),
}


class IllegalMove(Rejected):
    """A status that cannot follow the one the item has."""

    code = "illegal_move"


def check_move(item_id: int, now: str, then: str) -> None:
    """Return when an item may go from one status to another. Raises IllegalMove with what it may become instead."""
    if then not in MOVES.get(now, frozenset()):
        allowed = ", ".join(sorted(MOVES.get(now, ()))) or "nothing"
        raise IllegalMove(f"item {item_id} is {now}, and cannot become {then}; it may become {allowed}")
