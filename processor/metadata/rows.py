"""What sources say of items and artists ↔ rows, a document a source. All SQL of metadata."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, ForeignKey, Identity, delete, insert, select, update

from config.database import one_writer
from config.errors import Misconfigured, Rejected
from config.tables import Base, BigId, column, optional
from processor.items import repository
from processor.metadata import documents
from processor.metadata.documents import ITSELF, TAGS, USER, Document
from processor.metadata.fields import checked
from processor.metadata.known import AlbumMetadata, ArtistMetadata
from processor.metadata.tags import of_tags
from processor.publication import ledger, news
from processor.tables import StagingItem


class ItemMetadataRow(Base):
    """What one source says of an item and its tracks."""

    __tablename__ = "item_metadata"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    source = column(str, primary_key=True)  # user, choice, or a provider's name
    document = column(dict[str, Any])  # part → field → value; processor.metadata.documents
    written_at = column(dt.datetime)


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


def lock(connection: Connection, item_id: int) -> None:
    """Let whoever else would write what is said of an item wait until our transaction ends.

    A document is read and written whole, and two people, or a person and a job, may add to one at the same time.
    SQLite's transactions wait for each other anyway. Raises Misconfigured (`unknown_item`) if it was taken back since.
    """
    # Not for its key, which every row that refers to the item holds.
    mine = select(StagingItem.id).where(StagingItem.id == item_id).with_for_update(key_share=True)
    if connection.scalar(mine) is None:
        raise Misconfigured(f"there is no item {item_id}", code="unknown_item")


def read(connection: Connection, item_id: int) -> dict[str, Document]:
    """Return what is stored of an item, by source."""
    query = select(ItemMetadataRow.source, ItemMetadataRow.document).where(ItemMetadataRow.item_id == item_id)
    return {source: document for source, document in connection.execute(query)}


def said(connection: Connection, item_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Return what people said of items themselves, by item; of those nobody said anything of, none."""
    query = select(ItemMetadataRow.item_id, ItemMetadataRow.document)
    found = connection.execute(query.where(ItemMetadataRow.item_id.in_(item_ids), ItemMetadataRow.source == USER))
    return {item_id: document[ITSELF] for item_id, document in found if ITSELF in document}


def said_of(connection: Connection, key: str) -> Document:
    """Return what people said of the item of a key, whatever they are saying of it just now."""
    mine = select(StagingItem.id).where(StagingItem.key == key).with_for_update(key_share=True)  # as in `lock`
    return next((read(connection, item_id).get(USER, {}) for item_id in connection.scalars(mine)), {})


def sources(connection: Connection, item_id: int) -> dict[str, Document]:
    """Return all that is known of an item, by source; what its tags say is told anew from its files.

    Raises what `repository.item` does.
    """
    item, files = repository.item(connection, item_id)
    return {**read(connection, item_id), TAGS: of_tags(item, files)}


def album(connection: Connection, item_id: int) -> AlbumMetadata:
    """Return what counts of an item. Raises what `repository.item` does."""
    item, files = repository.item(connection, item_id)
    known = {**read(connection, item_id), TAGS: of_tags(item, files)}
    tracks = [(file.path, file.facts.get("duration_ms")) for file in files if file.role == "audio"]
    return documents.album(known, tracks)


def write(connection: Connection, item_id: int, source: str, document: Document, now: dt.datetime) -> bool:
    """Replace what one source says of an item, or take it away if it says nothing; return whether that is news."""
    lock(connection, item_id)
    is_news = _write(connection, item_id, source, document, now)
    if is_news:
        news.note(connection, item_id, now)
    return is_news


def say(connection: Connection, item_id: int, part: str, field: str, value: Any, now: dt.datetime) -> bool:
    """Let a person say what a field is, which locks it, or with None that they say nothing; return whether it is news.

    Raises Rejected for a field, a part or a value that cannot be, and what `repository.item` does.
    """
    lock(connection, item_id)
    _, files = repository.item(connection, item_id)
    if part != ITSELF and documents.path_of(part) not in {file.path for file in files if file.role == "audio"}:
        raise Rejected(f"item {item_id} has no track {part!r}", code="no_part")
    said = {name: dict(fields) for name, fields in read(connection, item_id).get(USER, {}).items()}
    fields = said.setdefault(part, {})
    fields.pop(field, None)
    if value is not None:
        fields[field] = documents.to_json(checked("album" if part == ITSELF else "track", field, value))
    return write(connection, item_id, USER, {name: fields for name, fields in said.items() if fields}, now)


def rename_parts(connection: Connection, item_id: int, names: Mapping[bytes, bytes], now: dt.datetime) -> None:
    """Say of tracks whose files have other names now what was said of them under the old ones."""
    lock(connection, item_id)
    parts = {documents.part_of(old): documents.part_of(new) for old, new in names.items()}
    for source, document in read(connection, item_id).items():
        _write(connection, item_id, source, {parts.get(part, part): said for part, said in document.items()}, now)


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


def artist(connection: Connection, artist: int) -> ArtistMetadata:
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
    is_news = _replace(connection, table, (table.artist == artist, table.source == source),
                       {"artist": artist, "source": source}, document, now)  # fmt: skip
    if is_news:
        name, artist_id = connection.execute(select(ArtistRow.name, ArtistRow.artist_id).filter_by(id=artist)).one()
        for key in {ledger.artist_key(name, artist_id), ledger.artist_key(name, None)}:
            news.note_of(connection, "artist", key, now)
    return is_news


def _write(connection: Connection, item_id: int, source: str, document: Document, now: dt.datetime) -> bool:
    table = ItemMetadataRow
    return _replace(connection, table, (table.item_id == item_id, table.source == source),
                    {"item_id": item_id, "source": source}, document, now)  # fmt: skip


def _replace(
    connection: Connection, table: Any, where: Any, key: Mapping[str, Any], document: Document, now: Any
) -> bool:
    before = connection.scalar(select(table.document).where(*where))
    if before == (document or None):
        return False
    values = {"document": document, "written_at": now}
    if not document:
        connection.execute(delete(table).where(*where))
    elif before is None:
        connection.execute(insert(table).values(**key, **values))
    else:
        connection.execute(update(table).where(*where).values(values))
    return True


def _pairs(connection: Connection, keys: Sequence[str]) -> list[tuple[str, int]]:
    query = select(ArtistRow.key, ArtistRow.id).where(ArtistRow.key.in_(keys))
    return [(key, id) for key, id in connection.execute(query)]


def _add_artist(connection: Connection, key: str, name: str, artist_id: str | None) -> int:
    values = {"key": key, "name": name, "artist_id": artist_id}
    return int(connection.scalar(insert(ArtistRow).values(values).returning(ArtistRow.id)) or 0)


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split()) or name
