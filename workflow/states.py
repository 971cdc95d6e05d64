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


# status → what can be done with such an item, after “item 7 is …;”; {} is its number
INSTEAD: Final[dict[str, str]] = {
    "pending_review": "approve or reject it first",
    "approved": "publish it, reject it, or take the approval back",
    "rejected": "approve it, or take the rejection back",
    "publishing": "wait until it is published, or cancel its job",
    "published": "take it out of its library first, on its page or with `greenroom publish {} --undo`",
    "quarantined": "reject it, or take it back to inbound",
    "conflict": "reject it, or take it back to inbound",
    "attention": "look at what happened to it, then approve or reject it",
    "missing": "put its files back where they were and run `greenroom fsck --adopt`",
}


class IllegalMove(Rejected):
    """A status that cannot follow the one the item has."""

    code = "illegal_move"


def check_move(item_id: int, now: str, then: str) -> None:
    """Return when an item may go from one status to another. Raises IllegalMove with what can be done instead."""
    if then not in MOVES.get(now, frozenset()):
        raise refused(item_id, now, then)


def refused(item_id: int, now: str, then: str) -> IllegalMove:
    """Return the refusal of a move."""
    is_now, becomes = (status.replace("_", " ") for status in (now, then))
    return IllegalMove(f"item {item_id} is {is_now}, and cannot become {becomes}; {INSTEAD[now].format(item_id)}")
