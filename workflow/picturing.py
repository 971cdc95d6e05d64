"""What people ask about an album's pictures and say of them → shown, looked at, chosen, rejected, given."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.database import Database
from config.errors import Rejected
from config.libraries import list_libraries
from processor import repository
from processor.artwork import deciding, rows
from processor.artwork.desk import Gallery
from processor.artwork.local import AlbumFile, local_offers
from processor.artwork.offer import EMBEDDED, FOLDER, Subject
from processor.artwork.pictures import Outcome, Pass, refresh
from processor.artwork.pool import shared
from processor.artwork.rows import Candidate
from processor.artwork.selecting import Decision
from workflow import progress
from workflow.downloading import downloads
from workflow.enriching import settings_of


def shown(database: Database, item_id: int) -> dict[str, list[Candidate]]:
    """Return the pictures on offer for an item by type: the selected ones first, then by score."""
    with database.read() as connection:
        item = progress.find(connection, item_id)
        found = rows.candidates(connection, Subject("album", item["key"]))
    ordered = sorted(found, key=lambda one: (one.rank is None, one.rank or 0, -(one.score or 0), one.id))
    types = dict.fromkeys(one.offer.type for one in ordered)
    return {name: [one for one in ordered if one.offer.type == name] for name in sorted(types)}


def look(database: Database, data_dir: Path, item_id: int) -> Outcome:
    """Look at the album's own pictures, in its folder and in its tags, and select anew."""
    with database.read() as connection:
        item = progress.find(connection, item_id)
        files = repository.files(connection, [item_id]).get(item_id, ())
        roots = {library.root_uuid: library.path for library in list_libraries(connection)}
    if item["root_uuid"] not in roots:
        raise Rejected(f"item {item_id} lies in a library that was removed", code="no_library")
    folder = os.path.join(roots[item["root_uuid"]], item["path"])
    own = [AlbumFile(file.path, file.role) for file in files]
    with _pass(database, data_dir, item) as that:
        found = local_offers(folder, own, that.gallery.pool)
        return refresh(that, found.offers, (EMBEDDED, FOLDER))


def decide(
    database: Database, data_dir: Path, item_id: int, candidate: int, decision: Decision | None, *, actor: str
) -> Outcome:
    """Choose or reject a picture of an item, or with None leave it to the rule; see processor.artwork.deciding."""
    with database.read() as connection:
        item = progress.find(connection, item_id)
    with _pass(database, data_dir, item) as that:
        outcome = deciding.decide(that, candidate, decision, actor=actor)
    _note(database, item_id, actor, f"picture {candidate} {decision or 'left to the rule'}")
    return outcome


def give(database: Database, data_dir: Path, item_id: int, type: str, data: bytes, *, actor: str) -> Outcome:
    """Take a picture a person gives of an item, and let it be the first of its type; see processor.artwork.deciding."""
    with database.read() as connection:
        item = progress.find(connection, item_id)
    with _pass(database, data_dir, item) as that:
        outcome = deciding.upload(that, type, data, actor=actor)
    _note(database, item_id, actor, f"gave a picture, {type}")
    return outcome


@contextmanager
def _pass(database: Database, data_dir: Path, item: dict[str, Any]) -> Iterator[Pass]:
    from processor.client.client import Client
    from processor.providers.registry import Providers

    with database.read() as connection:
        settings = settings_of(connection)
    with Client(database) as client:
        providers = Providers(database, client, language=settings.language)
        order = [provider.name for provider in providers.answering("album_pictures")]
        gallery = Gallery(database, data_dir, shared())
        now = dt.datetime.now(dt.UTC)
        yield Pass(
            gallery, Subject("album", item["key"]), settings, downloads(providers), now, (FOLDER, EMBEDDED, *order)
        )


def _note(database: Database, item_id: int, actor: str, why: str) -> None:
    with database.begin() as connection:
        item = progress.find(connection, item_id)
        progress.note(connection, item, progress.Because("choose", actor, why), dt.datetime.now(dt.UTC))
