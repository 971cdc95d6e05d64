"""An album or a track → a form with every field, who said it and whether it is locked; what people say → kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, HTTPException, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from config.errors import Rejected
from daemon.web.access import By
from daemon.web.bodies import Sent
from daemon.web.deciding import seen_of
from daemon.web.editing import Line, lines, said
from daemon.web.installation import App
from daemon.web.render import lead, page
from daemon.web.routing import page_router
from processor.metadata import documents, rows
from processor.metadata.fields import Subject
from workflow import progress
from workflow.operations import editing
from workflow.operations.editing import LONGEST_NOTE

router = page_router("/review")
Part = Annotated[str, Query(max_length=4096)]


@router.get("/{item_id}/edit")
def show(request: Request, app: App, item_id: int, part: Part = "") -> Response:
    """Show what is known, to be changed."""
    item, subject, known = _known(app, item_id, part)
    return _page(request, item, part, lines(subject, known))


@router.post("/{item_id}/edit")
def change(request: Request, app: App, item_id: int, form: Sent, actor: By, part: Part = "") -> Response:
    """Keep what a person says; if one field cannot be that nothing is kept, and each says why beside it."""
    item, subject, known = _known(app, item_id, part)
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    news, sent = said(subject, known, texts, _named(form, "locked"), _named(form, "was locked"))
    if any(line.error for line in sent):
        return _page(request, item, part, sent, code=422)
    seen = seen_of(texts.get("seen", ""))
    editing.say(app.database, item_id, part, news, actor=actor.name, seen=seen)
    return lead(f"/review/{item_id}#known", "saved" if news else "same")


@router.post("/{item_id}/note")
def note(app: App, item_id: int, text: Annotated[str, Form(max_length=2 * LONGEST_NOTE)], actor: By) -> Response:
    """Keep a note with the album's history."""
    editing.note(app.database, item_id, text, actor=actor.name)
    return lead(f"/review/{item_id}#history", "saved")


def _named(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _known(app: App, item_id: int, part: str) -> tuple[dict[str, Any], Subject, dict[str, documents.Known]]:
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
        album = rows.album(connection, item_id)
        sources = rows.sources(connection, item_id)
    try:
        path = documents.path_of(part)
    except Rejected as error:
        raise HTTPException(404, error.message) from error
    if part and path not in {track.path for track in album.tracks}:
        raise HTTPException(404, f"There is no track {part} in this album.")
    subject: Subject = "track" if part else "album"
    return item, subject, documents.winning(sources, part, subject)


def _page(request: Request, item: dict[str, Any], part: str, shown: list[Line], code: int = 200) -> Response:
    return page(request, "edit.html", code=code, item=item, part=part, lines=shown)
