"""The pictures of an album and its artists → side by side with their scores; chosen, rejected, given by a person.

A disk that is slow, or a provider, may be needed for what a person wants: a thread does it, and the page tells of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Form, HTTPException, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from config.errors import GreenroomError
from daemon.disks import NOT_OVER, WORTH_IT
from daemon.web.access import By
from daemon.web.api.pictures import preview, working_on
from daemon.web.installation import App
from daemon.web.render import lead, page
from daemon.web.roots import is_late
from daemon.web.routing import page_router
from processor.artwork.scoring import Parts
from processor.artwork.types import TYPES
from workflow import progress
from workflow.operations import picturing

router = page_router()
Said = Literal["chosen", "rejected", "rule"]


@router.get("/review/{item_id}/pictures")
def show(request: Request, app: App, item_id: int) -> Response:
    """Show every picture on offer, by type, the album's first."""
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    came = app.disks.came_of(working_on(item_id))
    return page(
        request,
        "pictures.html",
        item=item,
        again=came is not None and came.late is not None,
        refused=came.value.message if came and isinstance(came.value, GreenroomError) else None,
        groups=picturing.shown(app.database, item_id),
        artists=picturing.artists(app.database, item_id),
        types={of: [name for kind, name in TYPES if kind == of] for of in ("album", "artist")},
        parts=Parts._fields,
    )


@router.post("/review/{item_id}/pictures/look")
def look(app: App, item_id: int) -> Response:
    """Look at the album's own pictures."""
    return _done(app, item_id, "looked", lambda: picturing.look(app.database, app.boot.data_dir, item_id))


@router.post("/review/{item_id}/pictures/decide")
def decide(
    app: App,
    item_id: int,
    actor: By,
    chosen: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
    rejected: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
    rule: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
) -> Response:
    """Choose or reject a picture, or leave it to the rule; the button pressed says which."""
    said: dict[Said, int | None] = {"chosen": chosen, "rejected": rejected, "rule": rule}
    given = [(word, number) for word, number in said.items() if number is not None]
    if len(given) != 1:
        raise HTTPException(422, "Press one button: choose, reject, or leave it to the rule.")
    ((word, number),) = given
    decision = None if word == "rule" else word
    return _done(
        app,
        item_id,
        "saved",
        lambda: picturing.decide(app.database, app.boot.data_dir, item_id, number, decision, actor=actor.name),
    )


@router.post("/review/{item_id}/pictures")
def give(app: App, item_id: int, type: Annotated[str, Form(max_length=1100)], file: UploadFile, actor: By) -> Response:
    """Take a picture a person gives; after its type stands the artist it is of, if it is not of the album."""
    data, (kind, _, artist) = file.file.read(), type.partition(" ")
    given = artist or None
    return _done(
        app,
        item_id,
        "saved",
        lambda: picturing.give(app.database, app.boot.data_dir, item_id, kind, data, actor=actor.name, artist=given),
    )


def _done(app: App, item_id: int, said: str, work: Callable[[], object]) -> Response:
    """Do it, or leave it to its thread, at once where a disk hangs, else after some seconds; the page tells of it."""
    try:
        app.disks.do(working_on(item_id), work, times=0 if is_late(app) else WORTH_IT)
    except GreenroomError as error:
        if error.reason_code != NOT_OVER:
            raise
        return RedirectResponse(f"/review/{item_id}/pictures", 303)
    return lead(f"/review/{item_id}/pictures", said)


router.add_api_route("/previews/{content}.jpg", preview)
