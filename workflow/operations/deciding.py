"""A person's word about an item, if it still is what they saw → its status, its history, and what follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from config.database import Database
from config.errors import NeedsReview, Rejected
from processor.metadata.fields import clean
from workflow import history, progress, succession
from workflow.engine import jobs, listing, wanting
from workflow.engine.engine import wanted
from workflow.engine.job import OPEN
from workflow.phase import all_phases
from workflow.states import refused


class Seen(NamedTuple):
    """What a person had before them when they decided."""

    revision: int
    status: str
    decision: int | None = None  # of one who takes a decision back: its id in the history


def decide(
    database: Database, item_id: int, status: str, *, actor: str, why: str, seen: Seen | None = None,
    publish: bool = False,
) -> None:  # fmt: skip
    """Let a person approve, reject or quarantine an item, and want what follows.

    With `publish` the approval carries the publication with it, whatever that gate says.

    Raises IllegalMove, and NeedsReview `item_changed` if it is another than the person saw.
    """
    review, why = all_phases()["review"], clean(why)
    with database.begin() as connection:
        item = as_seen(connection, item_id, seen)
        if item["status"] == "publishing":  # only who publishes it may give it up; else nobody could finish it
            raise refused(item_id, "publishing", status)
        if item["status"] != status:  # else its history says it twice
            position = review.reached if status == "approved" else None
            _move(connection, item, status, position, history.Because(review.name, actor, why))
        if publish and status == "approved":
            job = wanted(succession.works(), "publish", item_id, actor=actor, priority="urgent")
            wanting.submit(connection, [job], dt.datetime.now(dt.UTC))


class Back(NamedTuple):
    """What came of taking a decision back."""

    status: str  # that the item has again
    taken: str  # the decision, and whose it was


def take_back(database: Database, item_id: int, *, actor: str, seen: Seen | None = None) -> Back:
    """Let a person take back the last decision about an item.

    Raises Rejected if something else happened to the item since, and what `decide` raises.
    """
    phases = all_phases()
    with database.begin() as connection:
        item = as_seen(connection, item_id, seen)
        everything = [one for one in history.of_item(connection, item_id) if history.is_step(one)]
        decided = _decided(everything, item["status"])
        if decided is None:
            raise Rejected(f"the last thing that happened to item {item_id} was no decision", code="nothing_to_undo")
        before, last = decided
        if seen is not None and seen.decision not in (None, last["id"]):
            message = f"item {item_id} has another decision than the one on the screen; look at it again"
            raise NeedsReview(message, code="item_changed")
        status = before["status"]
        came_by = [one["what"] for one in everything if one["revision"] == item["revision"]]
        back = next((phase for phase in phases.values() if phase.name in came_by and phase.late), phases["stage"])
        position = phases["review"].reached if status == "approved" else back.reached
        taken = f"{last['status']} by {last['actor']}"
        because = history.Because(phases["review"].name, actor, f"taken back: {taken}")
        _move(connection, item, status, position, because)
    return Back(status, taken)


def undoable(happened: Sequence[Mapping[str, Any]], status: str) -> int | None:
    """Return the last thing that took an item further, if it was a decision that stands, which can be taken back."""
    decided = _decided(filter(history.is_step, happened), status)
    return decided[1]["id"] if decided else None


def _decided(steps: Iterable[Mapping[str, Any]], status: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return the last step, and the one before it, if that is a decision that stands.

    What a late phase did counts for neither. An album that went missing since has another status.
    """
    phases = all_phases()
    before, last = [None, None, *(one for one in steps if not getattr(phases.get(one["what"]), "late", False))][-2:]
    if before is None or last is None or (last["what"], last["status"]) != (phases["review"].name, status):
        return None
    return before, last


def as_seen(connection: Connection, item_id: int, seen: Seen | None) -> dict[str, Any]:
    """Return an item if it is still what a person saw. Raises NeedsReview `item_changed`, Misconfigured if gone."""
    item = progress.find(connection, item_id)
    if seen is not None and (seen.revision, seen.status) != (item["revision"], item["status"]):
        message = (
            f"item {item_id} is not what was on the screen, {seen.status} in revision {seen.revision}: it is "
            f"{item['status']} now, in revision {item['revision']}; look at it again"
        )
        raise NeedsReview(message, code="item_changed")
    return item


def _move(
    connection: Connection, item: Mapping[str, Any], status: str, position: str | None, because: history.Because
) -> None:
    now = dt.datetime.now(dt.UTC)
    progress.move(connection, item, because, now, status=status, position=position)
    if status != "approved":  # then nobody wants it published any more, either
        for job in listing.page(connection, statuses=OPEN, phase="publish", item_id=item["id"]):
            jobs.cancel(connection, job.id, now)
    if position is not None:
        succession.go_on(connection, [{**item, "status": status, "position": position}], now)
