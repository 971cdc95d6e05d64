"""Pictures of an album and its artists ↔ JSON: listed with the parts of their scores, decided about, given, sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Form, HTTPException, Path, UploadFile
from pydantic import BaseModel
from starlette.responses import Response

from daemon.disks import WORTH_IT
from daemon.web.access import By
from daemon.web.api.items import DECIDED, UNKNOWN, ItemId
from daemon.web.bodies import Body, Responses
from daemon.web.installation import App
from daemon.web.roots import is_late
from daemon.web.routing import api_router
from processor.artwork import previews
from processor.artwork.blobs import BlobMissing, Blobs
from processor.artwork.pictures import Outcome
from processor.artwork.rows import Candidate
from workflow.operations import picturing

router = api_router("/api/v1", "pictures")
Number = Annotated[int, Path(ge=0, lt=1 << 62)]
IMAGE: Responses = {
    200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "The picture."},
    404: {"description": "There is no such picture, or it is not in the cache."},
}
# What the cache has is JPEG or PNG that a limited process decoded; whatever a row says, nothing else is sent as such.
MEDIA = {"jpg": "image/jpeg", "png": "image/png"}


class PictureOut(BaseModel):
    """One picture on offer; `rank` 1 is the first of its type, null is not selected. `parts` add up to the score.

    `artist` says whose it is, null that it is the album's.
    """

    number: int
    artist: str | None
    type: str
    rank: int | None
    score: float | None
    parts: dict[str, float] | None
    width: int | None
    height: int | None
    provider: str
    url: str | None
    same_as: int | None
    decision: Literal["chosen", "rejected"] | None
    decided_by: str | None
    code: str | None
    message: str | None
    sha256: str | None
    preview: str | None
    image: str | None


class PicturesOut(BaseModel):
    """The pictures on offer, those of the album before those of its artists, by type, the selected ones first."""

    pictures: list[PictureOut]


class SelectedOut(BaseModel):
    """One picture the album gets."""

    type: str
    rank: int
    candidate: int
    width: int
    height: int
    provider: str
    sha256: str
    chosen_by: str | None


class OutcomeOut(BaseModel):
    """What is selected now, of the album or the artist it was about."""

    selected: list[SelectedOut]
    changed: bool


class PictureDecisionIn(Body):
    """`chosen` puts it first, `rejected` keeps it away in every size, null leaves it to the rule."""

    decision: Literal["chosen", "rejected"] | None


@router.get("/items/{item_id}/pictures", summary="Pictures on offer for an album", responses=UNKNOWN)
def read(app: App, item_id: ItemId) -> PicturesOut:
    """Return every picture on offer, by type and rank."""
    found = picturing.shown(app.database, item_id)
    return PicturesOut(
        pictures=[_out(app.boot.web_base, item_id, group.artist, one) for group in found for one in group.pictures]
    )


@router.post("/items/{item_id}/pictures", summary="Give an album a picture", responses=DECIDED)
def give(
    app: App,
    item_id: ItemId,
    actor: By,
    type: Annotated[str, Form(max_length=30)],
    file: UploadFile,
    artist: Annotated[str | None, Form(max_length=1000)] = None,
) -> OutcomeOut:
    """Let the picture sent (JPEG, PNG, WebP or GIF, 20 MB at most) be the first of its type, of `artist` if given."""
    data = file.file.read()
    return _done(
        app,
        item_id,
        lambda: picturing.give(app.database, app.boot.data_dir, item_id, type, data, actor=actor.name, artist=artist),
    )


@router.post("/items/{item_id}/pictures/look", summary="Look at an album's own pictures", responses=DECIDED)
def look(app: App, item_id: ItemId) -> OutcomeOut:
    """Look at what is in its folder and in its tags, and select anew."""
    return _done(app, item_id, lambda: picturing.look(app.database, app.boot.data_dir, item_id))


@router.post("/items/{item_id}/pictures/{number}", summary="Choose or reject a picture", responses=DECIDED)
def decide(app: App, item_id: ItemId, number: Number, what: PictureDecisionIn, actor: By) -> OutcomeOut:
    """Keep what is said of it, and select anew."""
    return _done(
        app,
        item_id,
        lambda: picturing.decide(app.database, app.boot.data_dir, item_id, number, what.decision, actor=actor.name),
    )


@router.get("/items/{item_id}/pictures/{number}/image", summary="A picture", responses=IMAGE, response_class=Response)
def image(app: App, item_id: ItemId, number: Number) -> Response:
    """Send what players are given of it, as the cache has it: only what is selected, or was, is there."""
    found = picturing.shown(app.database, item_id)
    one = next((one for group in found for one in group.pictures if one.id == number), None)
    if one is None or one.blob is None:
        raise HTTPException(404, "There is no such picture in the cache.")
    blobs = Blobs(app.database, app.boot.data_dir)
    try:
        blob = blobs.find(one.blob)
        data = blobs.read(blob)
    except BlobMissing as error:
        raise HTTPException(404, "It is not in the cache of this host.") from error
    named = {"content-disposition": f'attachment; filename="{number}.{blob.extension}"'}
    return Response(data, media_type=MEDIA.get(blob.extension, "application/octet-stream"), headers=named)


@router.get(
    "/previews/{content}.jpg", summary="The small version of a picture", responses=IMAGE, response_class=Response
)
def preview(app: App, content: str) -> Response:
    """Send the small JPEG that a limited process made of it."""
    found = previews.read(app.boot.data_dir, content)
    if found is None:
        raise HTTPException(404, "There is no such picture.")
    return Response(found, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400, immutable"})


def _out(base: str, item_id: int, artist: str | None, one: Candidate) -> PictureOut:
    return PictureOut(
        artist=artist,
        **picturing.told(one),
        preview=f"{base}/api/v1/previews/{one.content}.jpg" if one.content and one.seen else None,
        image=f"{base}/api/v1/items/{item_id}/pictures/{one.id}/image" if one.blob else None,
    )


def working_on(item_id: int) -> tuple[str, int]:
    """Return what threads that do something about an item's pictures are known by: one at a time."""
    return "pictures", item_id


def _done(app: App, item_id: int, work: Callable[[], Outcome]) -> OutcomeOut:
    """Do it in a thread, for which a program waits some seconds: a disk or a provider may not answer."""
    outcome = app.disks.do(working_on(item_id), work, times=0 if is_late(app) else WORTH_IT)
    chosen = [SelectedOut.model_validate(one, from_attributes=True) for one in outcome.selected]
    return OutcomeOut(selected=chosen, changed=outcome.is_changed)
