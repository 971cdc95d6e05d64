"""What is known of an item ↔ JSON: every field with its value, who said it and whether it is locked; notes."""

from __future__ import annotations

from pydantic import BaseModel, Field, JsonValue

from daemon.web.access import By
from daemon.web.api.items import DECIDED, UNKNOWN, ItemId, SeenIn, seen_in
from daemon.web.bodies import Body
from daemon.web.installation import App
from daemon.web.routing import api_router
from processor.metadata import documents, rows
from processor.metadata.fields import FIELDS, Subject
from workflow import progress
from workflow.operations import editing
from workflow.operations.editing import LONGEST_NOTE

router = api_router("/api/v1/items/{item_id}", "items")


class KnownOut(BaseModel):
    """The value of a field that counts, and the source that said it. What a person said is locked."""

    value: JsonValue
    source: str
    locked: bool


class MetadataOut(BaseModel):
    """The fields of the album, and of each track by its part: its file, relative to the album's folder."""

    album: dict[str, KnownOut]
    tracks: dict[str, dict[str, KnownOut]]


class SaidIn(Body):
    """What a person says of some fields; null lets the sources speak again. `part` is a track's, "" the album."""

    seen: SeenIn | None = None
    part: str = Field("", max_length=4096)
    fields: dict[str, JsonValue] = Field(
        max_length=len(FIELDS["album"]), examples=[{"title": "Harbour", "genres": ["Folk"]}]
    )


class NoteIn(Body):
    """A note to be kept with the item's history."""

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


@router.get("/metadata", summary="What is known of an album", responses=UNKNOWN)
def read(app: App, item_id: ItemId) -> MetadataOut:
    """Return every field somebody said something of."""
    with app.database.read() as connection:
        progress.find(connection, item_id)
        sources, album = rows.sources(connection, item_id), rows.album(connection, item_id)
    parts = [documents.part_of(track.path) for track in album.tracks]
    return MetadataOut(
        album=_out(sources, documents.ITSELF, "album"), tracks={part: _out(sources, part, "track") for part in parts}
    )


@router.patch("/metadata", summary="Say what fields are, or let the sources speak again", responses=DECIDED)
def change(app: App, item_id: ItemId, what: SaidIn, actor: By) -> MetadataOut:
    """Keep what is said and lock it: all of it, or nothing if one field cannot be that."""
    editing.say(app.database, item_id, what.part, what.fields, actor=actor.name, seen=seen_in(what.seen))
    return read(app, item_id)


@router.post("/notes", status_code=204, summary="Keep a note", responses=DECIDED)
def note(app: App, item_id: ItemId, what: NoteIn, actor: By) -> None:
    """Keep a note with the item's history."""
    editing.note(app.database, item_id, what.text, actor=actor.name)


def _out(sources: documents.Documents, part: str, subject: Subject) -> dict[str, KnownOut]:
    known = documents.winning(sources, part, subject)
    return {
        name: KnownOut(value=documents.to_json(one.value), source=one.source, locked=one.locked)
        for name, one in known.items()
    }
