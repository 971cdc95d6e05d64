"""What people ask and say of the pictures of an album and its artists → shown, looked at, chosen, rejected, given."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from config.database import Database
from config.errors import Rejected
from config.libraries import root_paths
from processor.artwork import deciding, rows
from processor.artwork.desk import Gallery
from processor.artwork.judging import explained
from processor.artwork.local import AlbumFile, local_offers
from processor.artwork.offer import EMBEDDED, FOLDER, Subject, of_artist
from processor.artwork.pictures import Outcome, Pass, refresh, reselect
from processor.artwork.pool import shared
from processor.artwork.rows import Candidate
from processor.artwork.selecting import Decision
from processor.items import repository
from processor.metadata.artists import artists_of
from workflow import history, progress
from workflow.operations.downloading import downloads
from workflow.phase import settings_of


class Group(NamedTuple):
    """The pictures of one type on offer, the selected ones first, then by score; `artist` is None for the album's."""

    artist: str | None
    type: str
    pictures: list[Candidate]


def shown(database: Database, item_id: int) -> list[Group]:
    """Return the pictures on offer for an item, and then for the artists it is credited to, by type.

    One that is too small for its type says so.
    """
    with database.read() as connection:
        wanted = settings_of(connection, "enrich")
        subjects = _subjects(connection, progress.find(connection, item_id))
        found = {
            artist: [explained(one, subject, wanted) for one in rows.candidates(connection, subject)]
            for artist, subject in subjects.items()
        }
    groups = []
    for artist, pictures in found.items():
        ordered = sorted(pictures, key=lambda one: (one.rank is None, one.rank or 0, -(one.score or 0), one.id))
        for name in sorted({one.offer.type for one in ordered}):
            groups.append(Group(artist, name, [one for one in ordered if one.offer.type == name]))
    return groups


def artists(database: Database, item_id: int) -> list[str]:
    """Return the artists of an item whose pictures may be chosen."""
    with database.read() as connection:
        return [name for name in _subjects(connection, progress.find(connection, item_id)) if name is not None]


def told(one: Candidate) -> dict[str, Any]:
    """Return what scripts are told of a picture; what is on this machine only is not."""
    return {
        "number": one.id, "type": one.offer.type, "rank": one.rank, "score": one.score,
        "parts": one.parts._asdict() if one.parts else None, "width": one.seen.width if one.seen else None,
        "height": one.seen.height if one.seen else None, "provider": one.offer.provider, "url": one.offer.url,
        "same_as": one.same_as, "decision": one.decision, "decided_by": one.decided_by, "code": one.code,
        "message": one.message, "sha256": one.blob,
    }  # fmt: skip


def look(database: Database, data_dir: Path, item_id: int) -> Outcome:
    """Look at the album's own pictures, in its folder and in its tags, and select anew."""
    subject, folder, own = _own(database, item_id)
    if folder is None:
        raise Rejected(f"item {item_id} lies in a library that was removed", code="no_library")
    with _pass(database, data_dir, subject) as that:
        found = local_offers(folder, own, that.gallery.pool)
        return refresh(that, found.offers, found.whole)


def complete(database: Database, data_dir: Path, item_id: int, subject: Subject, check: Callable[[], None]) -> Outcome:
    """Bring what is selected of an item, or of an artist of it, into the cache again, and select anew if need be."""
    _, folder, own = _own(database, item_id)
    with _pass(database, data_dir, subject, check) as that:
        if subject.kind == "artist" or folder is None or not os.path.isdir(folder):
            return reselect(that)
        found = local_offers(folder, own, that.gallery.pool)
        return refresh(that, found.offers, found.whole)


def _own(database: Database, item_id: int) -> tuple[Subject, bytes | None, list[AlbumFile]]:
    """Return the subject of an item's pictures, where its files are, if its library is known, and which they are."""
    with database.read() as connection:
        item = progress.find(connection, item_id)
        files = repository.files(connection, [item_id]).get(item_id, ())
        roots = root_paths(connection)
    root = roots.get(item["root_uuid"])
    folder = None if root is None else os.path.join(root, item["path"])
    return Subject("album", item["key"]), folder, [AlbumFile(file.path, file.role) for file in files]


def decide(
    database: Database, data_dir: Path, item_id: int, candidate: int, decision: Decision | None, *, actor: str
) -> Outcome:
    """Choose or reject a picture of an item or of its artists, or with None leave it to the rule.

    See processor.artwork.deciding. Raises Rejected (`no_candidate`) for a picture of something else.
    """
    with database.read() as connection:
        subjects = _subjects(connection, progress.find(connection, item_id))
        subject, _ = rows.candidate(connection, candidate)
    if subject not in subjects.values():
        raise Rejected(f"picture {candidate} is not on offer here", code="no_candidate")
    with _pass(database, data_dir, subject) as that:
        outcome = deciding.decide(that, candidate, decision, actor=actor)
    _note(database, item_id, actor, f"picture {candidate} {decision or 'left to the rule'}")
    return outcome


def give(
    database: Database, data_dir: Path, item_id: int, type: str, data: bytes, *, actor: str, artist: str | None = None
) -> Outcome:
    """Take a picture a person gives of an item, or of one of its artists, and let it be the first of its type.

    See processor.artwork.deciding. Raises Rejected (`no_artist`) for somebody the item is not credited to.
    """
    with database.read() as connection:
        subjects = _subjects(connection, progress.find(connection, item_id))
    if artist not in subjects:
        names = ", ".join(name for name in subjects if name) or "nobody yet"
        raise Rejected(f"item {item_id} is not by {artist}; it is by {names}", code="no_artist")
    with _pass(database, data_dir, subjects[artist]) as that:
        outcome = deciding.upload(that, type, data, actor=actor)
    _note(database, item_id, actor, f"gave a picture, {type}{f' of {artist}' if artist else ''}")
    return outcome


def _subjects(connection: Connection, item: Mapping[str, Any]) -> dict[str | None, Subject]:
    """Return whose pictures an item has: those of the album, and those of its artists by their names."""
    found: dict[str | None, Subject] = {None: Subject("album", item["key"])}
    for _, name, artist_id in artists_of(connection, item["id"]):
        found.setdefault(name, of_artist(name, artist_id))
    return found


@contextmanager
def _pass(
    database: Database, data_dir: Path, subject: Subject, check: Callable[[], None] = lambda: None
) -> Iterator[Pass]:
    from processor.client.client import Client
    from processor.providers.registry import Providers

    with database.read() as connection:
        settings = settings_of(connection, "enrich")
    with Client(database) as client:
        providers = Providers(database, client, language=settings.language)
        asked = providers.answering("album_pictures" if subject.kind == "album" else "artist_pictures")
        order = [FOLDER, EMBEDDED, *(provider.name for provider in asked)]
        gallery = Gallery(database, data_dir, shared())
        yield Pass(gallery, subject, settings, downloads(providers), dt.datetime.now(dt.UTC), order, check)


def _note(database: Database, item_id: int, actor: str, why: str) -> None:
    """Write what a person decided into the item's history."""
    with database.begin() as connection:
        item = progress.find(connection, item_id)
        history.note(connection, item, history.Because("choose", actor, why), dt.datetime.now(dt.UTC))
