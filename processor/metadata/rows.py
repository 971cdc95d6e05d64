"""What sources say of items ↔ rows, a document a source. What they say of artists is in `artists.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, ForeignKey, delete, insert, select, update

from config.errors import Misconfigured, Rejected
from config.tables import Base, BigId, column
from processor.items import repository
from processor.metadata import documents
from processor.metadata.documents import ITSELF, USER, Document, Documents
from processor.metadata.fields import checked
from processor.metadata.known import AlbumMetadata
from processor.metadata.tags import of_files
from processor.publication import news
from processor.tables import StagingItem


class ItemMetadataRow(Base):
    """What one source says of an item and its tracks."""

    __tablename__ = "item_metadata"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    source = column(str, primary_key=True)  # user, choice, or a provider's name
    document = column(dict[str, Any])  # part → field → value; processor.metadata.documents
    written_at = column(dt.datetime)


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
    """Return all that is known of an item, by source; what its files say themselves is told anew.

    Raises what `repository.item` does.
    """
    return {**read(connection, item_id), **itself(connection, item_id)}


def itself(connection: Connection, item_id: int) -> Documents:
    """Return what an item's files say themselves, by source. Raises what `repository.item` does."""
    return of_files(*repository.item(connection, item_id))


def album(connection: Connection, item_id: int) -> AlbumMetadata:
    """Return what counts of an item. Raises what `repository.item` does."""
    item, files = repository.item(connection, item_id)
    known = {**read(connection, item_id), **of_files(item, files)}
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


def _write(connection: Connection, item_id: int, source: str, document: Document, now: dt.datetime) -> bool:
    table = ItemMetadataRow
    return replace_document(connection, table, (table.item_id == item_id, table.source == source),
                            {"item_id": item_id, "source": source}, document, now)  # fmt: skip


def replace_document(
    connection: Connection, table: Any, where: Any, key: Mapping[str, Any], document: Document, now: dt.datetime
) -> bool:
    """Replace the document of one row, or take the row away if it says nothing; return whether that is news."""
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
