"""The pictures of an album and its artists → side by side with their scores; chosen, rejected, given by a person."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, UploadFile
from starlette.responses import Response

from daemon.bootstrap import Application
from daemon.web.access import actor_of
from daemon.web.render import lead, page
from processor.artwork import previews
from processor.artwork.scoring import Parts
from processor.artwork.types import TYPES
from workflow import picturing, progress

router = APIRouter()
Said = Literal["chosen", "rejected", "rule"]


@router.get("/review/{item_id}/pictures")
def show(request: Request, item_id: int) -> Response:
    """Show every picture on offer, by type, the album's first."""
    app: Application = request.app.state.greenroom
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    return page(
        request,
        "pictures.html",
        item=item,
        groups=picturing.shown(app.database, item_id),
        artists=picturing.artists(app.database, item_id),
        types={of: [name for kind, name in TYPES if kind == of] for of in ("album", "artist")},
        parts=Parts._fields,
    )


@router.post("/review/{item_id}/pictures/look")
def look(request: Request, item_id: int) -> Response:
    """Look at the album's own pictures."""
    app: Application = request.app.state.greenroom
    picturing.look(app.database, app.boot.data_dir, item_id)
    return lead(f"/review/{item_id}/pictures", "looked")


@router.post("/review/{item_id}/pictures/decide")
def decide(
    request: Request,
    item_id: int,
    chosen: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
    rejected: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
    rule: Annotated[int | None, Form(ge=0, lt=1 << 62)] = None,
) -> Response:
    """Choose or reject a picture, or leave it to the rule; the button pressed says which."""
    app: Application = request.app.state.greenroom
    said: dict[Said, int | None] = {"chosen": chosen, "rejected": rejected, "rule": rule}
    given = [(word, number) for word, number in said.items() if number is not None]
    if len(given) != 1:
        raise HTTPException(422, "Press one button: choose, reject, or leave it to the rule.")
    ((word, number),) = given
    decision = None if word == "rule" else word
    actor = actor_of(request).name
    picturing.decide(app.database, app.boot.data_dir, item_id, number, decision, actor=actor)
    return lead(f"/review/{item_id}/pictures", "saved")


@router.post("/review/{item_id}/pictures")
def give(request: Request, item_id: int, type: Annotated[str, Form(max_length=1100)], file: UploadFile) -> Response:
    """Take a picture a person gives; after its type stands the artist it is of, if it is not of the album."""
    app: Application = request.app.state.greenroom
    data, (kind, _, artist) = file.file.read(), type.partition(" ")
    actor = actor_of(request).name
    picturing.give(app.database, app.boot.data_dir, item_id, kind, data, actor=actor, artist=artist or None)
    return lead(f"/review/{item_id}/pictures", "saved")


@router.get("/previews/{content}.jpg")
def preview(request: Request, content: str) -> Response:
    """Send the small version of a picture, which a limited process made anew."""
    found = previews.read(request.app.state.greenroom.boot.data_dir, content)
    if found is None:
        raise HTTPException(404, "There is no such picture.")
    return Response(found, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})
