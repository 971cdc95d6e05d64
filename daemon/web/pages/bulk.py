"""Marked albums, or all that a search finds → one decision about each, after a look; how far their publication is.

Its addresses would pass for albums of /review/{item_id}: routers are added by name, so this one comes before `review`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends, Form, HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from config.database import Database
from config.errors import GreenroomError
from daemon.actions.jobs import is_nobody_there
from daemon.web.access import By
from daemon.web.bodies import RowId
from daemon.web.called import called
from daemon.web.deciding import MOST_AT_ONCE, WHY, Marked
from daemon.web.installation import App
from daemon.web.render import page
from daemon.web.routing import page_router
from workflow import history, progress, succession
from workflow.engine.job import OPEN
from workflow.operations import deciding
from workflow.operations.deciding import Seen

router = page_router("/review")


class Deed(NamedTuple):
    """What can be done about many: the verb of its button, and what they are then."""

    verb: str
    then: str


DEEDS: Final = {
    "approved": Deed("Approve", "approved"),
    "publish": Deed("Publish", "approved, and published one after the other"),
    "rejected": Deed("Reject", "rejected"),
    "quarantined": Deed("Quarantine", "quarantined"),
    "undo": Deed("Undo", "what they were before the last decision"),
}


@router.post("/bulk")
def bulk(
    request: Request,
    app: App,
    status: Annotated[str, Form(max_length=20)],
    marked: Annotated[Marked, Depends()],
    actor: By,
    sure: Annotated[bool, Form()] = False,
    why: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Show what a decision about many items would do; when the person is sure, do it, one item at a time."""
    if status not in DEEDS:
        raise HTTPException(422, "Many items can be approved, published, rejected, quarantined or taken back.")
    with app.database.read() as connection:
        seen, more = marked.seen(connection)
        items = called(connection, _known(connection, seen))
        if status == "undo" and not sure:
            seen = {number: _with_decision(connection, number, what) for number, what in seen.items()}
    back = marked.wanted.address("/review")
    shown: dict[str, Any] = {"status": status, "deed": DEEDS[status], "why": why, "back": back}
    if not sure or not items:
        return page(request, "bulk.html", items=items, seen=seen, more=more, sure=False, **shown)
    newest = app.engine.list(phase="publish", limit=1)
    refused: list[tuple[dict[str, Any], str]] = []
    for item in items:
        try:
            _decide(app.database, item["id"], status, actor.name, why.strip(), seen[item["id"]])
        except GreenroomError as error:
            refused.append((item, error.message))
    after = newest[0].id if newest else 0
    if status == "publish" and not refused:
        return RedirectResponse(f"/review/publishing?after={after}", 303)
    left = {item["id"] for item, _ in refused}
    with app.database.read() as connection:
        known = _known(connection, [number for number in seen if number not in left])
        done = {one["id"]: _with_decision(connection, one["id"], Seen(one["revision"], one["status"])) for one in known}
    return page(request, "bulk.html", items=items, sure=True, done=done, refused=refused, after=after, **shown)


def _decide(database: Database, item_id: int, status: str, actor: str, why: str, seen: Seen) -> None:
    if status == "undo":
        deciding.take_back(database, item_id, actor=actor, seen=seen)
        return
    then = "approved" if status == "publish" else status
    said, publish = why or WHY[then], status == "publish"
    deciding.decide(database, item_id, then, actor=actor, why=said, seen=seen, publish=publish)


def _with_decision(connection: Connection, item_id: int, seen: Seen) -> Seen:
    """Return what is seen of an item with the decision that undo would take back."""
    return seen._replace(decision=deciding.undoable(history.of_item(connection, item_id), seen.status))


def _known(connection: Connection, ids: Mapping[int, Seen] | list[int]) -> list[dict[str, Any]]:
    """Return those items that are still there."""
    return [item for number in ids if (item := progress.known(connection, number)) is not None]


@router.get("/publishing")
def publishing(request: Request, app: App, after: RowId) -> Response:
    """Show how far the publications are that were asked for after a job, and what keeps one from being done."""
    jobs = app.engine.list(phase="publish", before=after, oldest_first=True, limit=MOST_AT_ONCE)
    with app.database.read() as connection:
        names = progress.names(connection, {job.item_id for job in jobs if job.item_id is not None})
        paused = succession.limits(connection)["publish"].paused
    return page(
        request,
        "publishing.html",
        after=after,
        jobs=jobs,
        names=names,
        waiting=[job for job in jobs if job.status in OPEN],
        failed=[job for job in jobs if job.status not in (*OPEN, "done")],
        done=[job for job in jobs if job.status == "done"],
        paused=paused,
        uncarried=is_nobody_there(app),
    )
