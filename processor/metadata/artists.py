"""Artists, who is credited with which item, and what sources say of them ↔ rows, a document a source."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, ForeignKey, Identity, delete, insert, select, update

from config.database import one_writer
from config.errors import Rejected
from config.tables import Base, BigId, column, optional
from processor.metadata import documents
from processor.metadata.documents import Document
from processor.metadata.known import ArtistMetadata
from processor.metadata.rows import replace_document
from processor.publication import ledger, news


class ArtistRow(Base):
    """One artist: of a MusicBrainz id, or of a name as long as nobody knows the id."""

    __tablename__ = "artists"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id = column(int, BigId, Identity(), primary_key=True)
    key = column(str, unique=True)  # mbid:<id>, or name:<folded name>
    name = column(str)
    artist_id = optional(str)  # MusicBrainz artist


class ArtistMetadataRow(Base):
    """What one source says of an artist."""

    __tablename__ = "artist_metadata"

    artist = column(int, BigId, ForeignKey("artists.id", ondelete="CASCADE"), primary_key=True)
    source = column(str, primary_key=True)
    document = column(dict[str, Any])
    written_at = column(dt.datetime)


class ItemArtistRow(Base):
    """An artist an album is credited to."""

    __tablename__ = "item_artists"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    artist = column(int, BigId, ForeignKey("artists.id"), primary_key=True, index=True)
    position = column(int)


class Artist(NamedTuple):
    """One artist we know."""

    id: int
    name: str
    artist_id: str | None  # MusicBrainz artist


def artist_named(connection: Connection, name: str, artist_id: str | None) -> int:
    """Return the artist of an id, or of a name if there is none; made if there is none such.

    An artist that had only a name gets the id once it is known. Albums of one artist may be enriched at the same time.
    """
    one_writer(connection, ArtistRow.__tablename__)
    by_name, by_id = f"name:{_folded(name)}", artist_id and f"mbid:{artist_id}"
    found = dict(_pairs(connection, [key for key in (by_id, by_name) if key]))
    if by_id is None or by_id in found:
        known = found.get(by_id or by_name)
        return known if known is not None else _add_artist(connection, by_name, name, artist_id)
    if by_name in found:
        values = {"key": by_id, "artist_id": artist_id, "name": name}
        connection.execute(update(ArtistRow).where(ArtistRow.id == found[by_name]).values(values))
        return found[by_name]
    return _add_artist(connection, by_id, name, artist_id)


def link_artists(connection: Connection, item_id: int, artists: Sequence[int]) -> None:
    """Say whom an item is credited to, in this order."""
    connection.execute(delete(ItemArtistRow).where(ItemArtistRow.item_id == item_id))
    rows = [{"item_id": item_id, "artist": one, "position": n} for n, one in enumerate(dict.fromkeys(artists))]
    if rows:
        connection.execute(insert(ItemArtistRow), rows)


def artists_of(connection: Connection, item_id: int) -> list[Artist]:
    """Return whom an item is credited to, in order."""
    query = select(ArtistRow.id, ArtistRow.name, ArtistRow.artist_id).join(ItemArtistRow)
    query = query.where(ItemArtistRow.item_id == item_id).order_by(ItemArtistRow.position)
    return [Artist(*row) for row in connection.execute(query)]


def credited(connection: Connection) -> list[Artist]:
    """Return every artist an item is credited to."""
    query = select(ArtistRow.id, ArtistRow.name, ArtistRow.artist_id)
    return [Artist(*row) for row in connection.execute(query.join(ItemArtistRow).distinct())]


def artist_metadata(connection: Connection, artist: int) -> ArtistMetadata:
    """Return what counts of an artist. Raises Rejected (`no_artist`)."""
    name = connection.scalar(select(ArtistRow.name).where(ArtistRow.id == artist))
    if name is None:
        raise Rejected(f"there is no artist {artist}", code="no_artist")
    return documents.artist(read_artist(connection, artist), name)


def read_artist(connection: Connection, artist: int) -> dict[str, Document]:
    """Return what is stored of an artist, by source."""
    query = select(ArtistMetadataRow.source, ArtistMetadataRow.document).where(ArtistMetadataRow.artist == artist)
    return {source: document for source, document in connection.execute(query)}


def write_artist(connection: Connection, artist: int, source: str, document: Document, now: dt.datetime) -> bool:
    """Replace what one source says of an artist, as `write` does of an item; several albums may bring it at once."""
    connection.execute(select(ArtistRow.id).where(ArtistRow.id == artist).with_for_update())
    table = ArtistMetadataRow
    is_news = replace_document(connection, table, (table.artist == artist, table.source == source),
                               {"artist": artist, "source": source}, document, now)  # fmt: skip
    if is_news:
        name, artist_id = connection.execute(select(ArtistRow.name, ArtistRow.artist_id).filter_by(id=artist)).one()
        for key in {ledger.artist_key(name, artist_id), ledger.artist_key(name, None)}:
            news.note_of(connection, "artist", key, now)
    return is_news


def _pairs(connection: Connection, keys: Sequence[str]) -> list[tuple[str, int]]:
    query = select(ArtistRow.key, ArtistRow.id).where(ArtistRow.key.in_(keys))
    return [(key, id) for key, id in connection.execute(query)]


def _add_artist(connection: Connection, key: str, name: str, artist_id: str | None) -> int:
    values = {"key": key, "name": name, "artist_id": artist_id}
    return int(connection.scalar(insert(ArtistRow).values(values).returning(ArtistRow.id)) or 0)


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split()) or name
