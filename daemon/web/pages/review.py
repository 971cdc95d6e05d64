"""Items in staging → the queue a person works through, one album with all that is known of it, and decisions."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from config.libraries import music_libraries, root_paths
from daemon.web.access import By
from daemon.web.bodies import RowId
from daemon.web.called import called, with_covers
from daemon.web.deciding import ANY, SORTS, STATUSES, WHY, Wanted, Word
from daemon.web.editing import lines
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from daemon.web.routing import page_router
from processor.artwork import rows as pictures
from processor.items import listing, repository
from processor.items.listing import MOST_COUNTED
from processor.matching import rows as matching
from processor.metadata import documents, rows
from processor.publication import ledger
from workflow import history, progress
from workflow.operations import deciding
from workflow.states import MOVES

router = page_router("/review")
LINK = Link(10, "Review", "/review")
PAGE: Final = 50
Filtered = Annotated[Wanted, Depends()]
Place = Annotated[str, Query(max_length=1000)]


@router.get("")
def show(
    request: Request, app: App, wanted: Filtered, before: Place | None = None, done: RowId | None = None
) -> Response:
    """Show the queue."""
    with app.database.read() as connection:
        found = listing.page(connection, wanted.filter, wanted.sort, before=before, limit=PAGE)
        listed = with_covers(connection, called(connection, found.items))
        counts = listing.counts(connection)
        decided = _decided(connection, done)
        has_library = bool(music_libraries(connection, "library"))
        goes_on = done and listing.neighbours(connection, wanted.filter, done, wanted.sort)[1]
    return page(
        request,
        "review.html",
        goes_on=goes_on,
        has_library=has_library,
        items=listed,
        following=wanted.address("/review", before=found.next) if found.next else None,
        here=wanted.address("/review", before=before),
        wanted=wanted,
        counts={name: n if n <= MOST_COUNTED else f"{MOST_COUNTED}+" for name, n in counts.items()},
        statuses=STATUSES,
        sorts=SORTS,
        any=ANY,
        before=before,
        decided=decided,
    )


@router.get("/{item_id}")
def show_item(request: Request, app: App, item_id: int, wanted: Filtered, done: RowId | None = None) -> Response:
    """Show one album."""
    with app.database.read() as connection:
        shown = _album(connection, item_id)
        newer, older = listing.neighbours(connection, wanted.filter, item_id, wanted.sort)
        decided = _decided(connection, done)
    return page(
        request,
        "item.html",
        **shown,
        jobs=app.engine.list(item_id=item_id, limit=20),
        wanted=wanted,
        newer=wanted.address(f"/review/{newer}") if newer is not None else None,
        older=wanted.address(f"/review/{older}") if older is not None else None,
        decided=decided,
    )


def _album(connection: Connection, item_id: int) -> dict[str, Any]:
    """Return what is known of an item: its fields, files, history and places, and what may become of it."""
    item = progress.find(connection, item_id)
    files = repository.files(connection, [item_id]).get(item_id, ())
    by_path = {file.path: file for file in files}
    happened = history.of_item(connection, item_id)
    album, sources = rows.album(connection, item_id), rows.sources(connection, item_id)
    home, roots = ledger.publication(connection, item_id), root_paths(connection)
    return {
        "item": called(connection, [item])[0],
        "known": lines("album", documents.winning(sources, documents.ITSELF, "album")),
        "tracks": [(track, by_path[track.path], documents.part_of(track.path)) for track in album.tracks],
        "others": [file for file in files if file.role != "audio"],
        "history": happened,
        "may": MOVES.get(item["status"], frozenset()),
        "undoable": deciding.undoable(happened, item["status"]),
        "enriched": matching.enrichment(connection, item_id),
        "debts": matching.debts(connection, item_id),
        "cover": pictures.covers(connection, [item["key"]]).get(item["key"]),
        "folder": os.path.join(roots.get(item["root_uuid"], b""), item["path"]),
        "home": home and os.path.join(roots.get(home.root_uuid, b""), home.path),
        "has_library": bool(music_libraries(connection, "library")),
    }


@router.post("/{item_id}")
def decide(app: App, item_id: int, word: Annotated[Word, Depends()], actor: By) -> Response:
    """Approve, publish with it, reject, quarantine, or take the last decision back, if it is still what was seen."""
    if word.status == "undo":
        deciding.take_back(app.database, item_id, actor=actor.name, seen=word.seen)
        return RedirectResponse(f"/review/{item_id}", 303)
    why = word.why or WHY[word.status]
    deciding.decide(app.database, item_id, word.status, actor=actor.name, why=why, seen=word.seen, publish=word.publish)
    mark = "&" if "?" in word.back else "?"
    return RedirectResponse(f"{word.back}{mark}done={item_id}", 303)


def _decided(connection: Connection, item_id: int | None) -> dict[str, Any] | None:
    """Return the item that was decided just now, if its last entry says so; for the line that offers to undo it."""
    if item_id is None:
        return None
    item = progress.known(connection, item_id)
    decision = item and deciding.undoable(history.of_item(connection, item_id), item["status"])
    return {**item, "decision": decision} if item and decision else None
