"""What becomes known of a published album or its artist ↔ rows: which publications are to be written anew for it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import Connection, case, func, select, update
from sqlalchemy.sql.elements import ColumnElement, KeyedColumnElement

from processor.publication import ledger
from processor.tables import PublicationRow, StagingItem


def note(connection: Connection, item_id: int, now: dt.datetime) -> None:
    """Note that more is known of a published item than its library has; nothing for one that is not published."""
    connection.execute(update(PublicationRow).where(PublicationRow.item_id == item_id).values(news_at=now))


def note_of(connection: Connection, subject: Literal["album", "artist"], key: str, now: dt.datetime) -> None:
    """Note the same for the album of a key, or for one album of an artist in each library.

    Artists' keys are those of `ledger.artist_key`. One album is enough: publishing any album of an artist writes its
    files; so it is one that waits for nobody, where there is such an album, and if it fails, `hand_on` names another.
    """
    if subject == "album":
        ids = list(connection.scalars(select(StagingItem.id).where(StagingItem.key == key)))
    else:
        ids = _one_each(connection, PublicationRow.root_uuid, PublicationRow.artist == key)
    connection.execute(update(PublicationRow).where(PublicationRow.item_id.in_(ids)).values(news_at=now))


def note_below(connection: Connection, root_uuid: str, folder: bytes, now: dt.datetime) -> None:
    """Note the same for one album of each artist that has some anywhere below a folder of a library."""
    ours = ledger.is_below(root_uuid, folder)
    for item_id in _one_each(connection, PublicationRow.artist, *ours, PublicationRow.artist.is_not(None)):
        note(connection, item_id, now)


def _one_each(connection: Connection, by: KeyedColumnElement[Any], *ours: ColumnElement[bool]) -> list[int]:
    """Return one item for each value of a column of publications, one that waits for nobody where there is such."""
    is_waiting = case((StagingItem.status == "published", 0), else_=1)
    found = select(by, PublicationRow.item_id).outerjoin(StagingItem, StagingItem.id == PublicationRow.item_id)
    rows = connection.execute(found.where(*ours).order_by(is_waiting, PublicationRow.item_id))
    return list({value: item_id for value, item_id in reversed(rows.all())}.values())


def hand_on(connection: Connection, item_id: int, now: dt.datetime) -> None:
    """Note the news of an item that cannot be published for the next album of its artist in that library, too.

    They may be the artist's, and each album has only those before it to hand anything on to it, so this ends.
    """
    home = ledger.publication(connection, item_id)
    if home is None or home.news_at is None or home.artist is None:
        return
    others = select(func.min(PublicationRow.item_id)).join(StagingItem, StagingItem.id == PublicationRow.item_id)
    same = (PublicationRow.artist == home.artist, PublicationRow.root_uuid == home.root_uuid)
    following = connection.scalar(others.where(*same, StagingItem.status == "published", StagingItem.id > item_id))
    if following is not None:
        note(connection, following, now)


def caught_up(connection: Connection, item_id: int, seen: dt.datetime | None) -> None:
    """Note that an item's library has all that was known at `seen`, its last change then."""
    ours = (PublicationRow.item_id == item_id, PublicationRow.news_at == seen)
    connection.execute(update(PublicationRow).where(*ours).values(news_at=None))


def outdated(connection: Connection) -> dict[int, dt.datetime]:
    """Return the items whose library lacks something that is known, and since when."""
    query = select(PublicationRow.item_id, PublicationRow.news_at).where(PublicationRow.news_at.is_not(None))
    return {item_id: since for item_id, since in connection.execute(query) if since is not None}
