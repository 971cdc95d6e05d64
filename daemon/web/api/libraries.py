"""The root folders ↔ JSON: listed as they are at this moment, judged, added, removed, resumed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from config.libraries import Kind, Role
from config.reasons import path_text
from daemon.actions import libraries
from daemon.disks import WORTH_IT
from daemon.web import roots
from daemon.web.access import By
from daemon.web.bodies import Body, Responses
from daemon.web.installation import App
from daemon.web.roots import Root
from daemon.web.routing import api_router

router = api_router("/api/v1/libraries", "libraries")
REFUSED: Responses = {422: {"description": "It cannot be; nothing was changed."}}
UNKNOWN: Responses = REFUSED | {404: {"description": "There is no such library."}}


class LibraryOut(BaseModel):
    """One root folder: its role, and whether it can be used."""

    id: int
    role: Role
    kind: Kind
    path: str
    suspended: str | None
    problem: str | None
    holder: str | None
    free_bytes: int | None
    total_bytes: int | None
    as_of: dt.datetime | None = Field(description="When the sizes were seen, while the disk does not answer.")


class LibraryIn(Body):
    """A folder that is to become a library."""

    role: Role
    path: str = Field(min_length=1, max_length=4096, examples=["/srv/inbound"])
    kind: Kind = "music"


class Finding(BaseModel):
    """One thing to know of a path."""

    tone: str
    text: str


class Resumed(BaseModel):
    """What resuming a library made of the items there."""

    missing: int


@router.get("", summary="The libraries as they are now")
def read(app: App) -> list[LibraryOut]:
    """Return every library."""
    return [_out(root) for root in roots.roots(app)]


@router.get("/check", summary="What speaks for and against a path")
def check(
    app: App, path: Annotated[str, Query(max_length=4096)], role: Role = "inbound", kind: Kind = "music"
) -> list[Finding]:
    """Judge a path without writing anything."""
    found = roots.checked(app, _raw(path), role, kind)
    return [Finding(tone=tone, text=text) for tone, text in found]


@router.post("", status_code=201, summary="Add a library", responses=REFUSED)
def add(app: App, what: LibraryIn, actor: By) -> list[LibraryOut]:
    """Check the folder, mark it, and add it; adding the same one again changes nothing."""
    roots.add(app, _raw(what.path), what.role, what.kind, actor=actor.name)
    return read(app)


@router.delete("/{library_id}", summary="Forget a library", responses=UNKNOWN)
def remove(app: App, library_id: int, actor: By) -> list[LibraryOut]:
    """Forget it; no file is touched."""
    libraries.remove(app, library_id, actor=actor.name)
    return read(app)


@router.post("/{library_id}/resume", summary="Let cycles work there again", responses=UNKNOWN)
def resume(app: App, library_id: int, actor: By) -> Resumed:
    """Resume a suspended library; what is missing there then counts as gone for good."""
    return Resumed(missing=roots.resume(app, library_id, actor=actor.name, times=WORTH_IT))


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogatepass")


def _out(root: Root) -> LibraryOut:
    library = root.library
    return LibraryOut(
        id=library.id,
        role=library.role,
        kind=library.kind,
        path=path_text(library.path),
        suspended=library.suspended,
        problem=root.problem,
        holder=root.holder,
        free_bytes=root.free,
        total_bytes=root.total,
        as_of=root.as_of,
    )
