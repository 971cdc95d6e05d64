"""A transfer into or out of a library that is in place → ledger, publication and item, in the caller's transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy import Connection

from processor.artwork import blobs
from processor.filesystem.paths import parent, relative, within
from processor.items import repository, storing
from processor.items.item import NewItem
from processor.metadata import rows as metadata
from processor.publication import ledger, news
from processor.publication.intent import Intent, intent_of
from processor.publication.ledger import Entry, Publication
from processor.transfers import sidecar
from processor.transfers.transfer import Transfer


def record(connection: Connection, transfer: Transfer, now: dt.datetime) -> None:
    """Write down what a `publish`, `upgrade` or `refresh` put into the library. Again is the same."""
    intent = intent_of(transfer)
    before = ledger.publication(connection, intent.item_id)
    if transfer.kind == "upgrade":
        ledger.forget_files(connection, intent.item_id)
    ledger.forget(connection, intent.library, [one.path for one in intent.gone])
    ledger.write(connection, _entries(transfer, intent), now)
    ledger.publish(
        connection,
        Publication(intent.item_id, intent.library, transfer.target, intent.mode, intent.artist, intent.revision,
                    transfer.id, now, now),
        brought=transfer.kind != "refresh",
    )  # fmt: skip
    news.caught_up(connection, intent.item_id, intent.news_at)
    if intent.located is not None:
        digests = {file.target: file.digest for file in transfer.files if file.digest is not None}
        storing.relocate(connection, intent.item_id, intent.located.with_digests(digests), now)
        metadata.rename_parts(connection, intent.item_id, _names(transfer), now)
    _hold_what_is_there(connection, intent, now)
    if before is not None and before.artist != intent.artist:
        _hold_what_is_there(connection, replace(intent, artist=before.artist), now)


def hold(connection: Connection, intent: Intent, now: dt.datetime) -> None:
    """Let the cache keep the blobs of what is published, and of what is about to be. Raises BlobMissing."""
    wanted = {sha for one in intent.made for sha in (one.sha256, one.base) if sha}
    for holder, entries in _holders(connection, intent):
        blobs.hold(connection, holder, wanted | _blobs(entries), now)


def _hold_what_is_there(connection: Connection, intent: Intent, now: dt.datetime) -> None:
    """Let the cache keep the blobs of what is published, and no others."""
    for holder, entries in _holders(connection, intent):
        blobs.hold(connection, holder, _blobs(entries), now)


def _holders(connection: Connection, intent: Intent) -> Iterator[tuple[str, list[Entry]]]:
    """Yield who holds blobs for a publication, and what each has in the library: the item, and its artist."""
    yield f"published {intent.item_id}", ledger.entries(connection, item_id=intent.item_id)
    if intent.artist is not None:
        entries = ledger.entries(connection, artist=intent.artist, root_uuid=intent.library)
        yield _artists_holder(intent.library, intent.artist), entries


def _artists_holder(root_uuid: str, artist: str | None) -> str:
    return f"published {root_uuid} {artist}"


def _blobs(entries: Iterable[Entry]) -> set[str]:
    return {sha for entry in entries for sha in (entry.sha256, entry.base) if sha}


def forget(connection: Connection, gone: Iterable[Entry], now: dt.datetime) -> None:
    """Delete the rows of files of artists that are gone, and hold the blobs of those that are left."""
    for entry in gone:
        ledger.forget(connection, entry.root_uuid, [entry.path])
        left = ledger.entries(connection, artist=entry.artist, root_uuid=entry.root_uuid)
        blobs.hold(connection, _artists_holder(entry.root_uuid, entry.artist), _blobs(left), now)


def withdraw(connection: Connection, undo: Transfer, now: dt.datetime) -> None:
    """Delete the rows of what an `unpublish` takes out of the library, and restore the item's row. Repeatable.

    What goes from above an album that stays, as one of that artist's name, is news to it, which makes its own there.
    """
    intent = intent_of(undo)
    ledger.forget(connection, intent.library, [one.path for one in intent.gone])
    ledger.forget_item(connection, intent.item_id)
    if intent.artist is not None and not ledger.publications(connection, intent.library, intent.artist):
        # What of it was changed stays, and is theirs who did that.
        forget(connection, ledger.entries(connection, artist=intent.artist, root_uuid=intent.library), now)
    for folder in {parent(one.path) for one in intent.gone if not one.path.startswith(undo.target + b"/")}:
        news.note_below(connection, intent.library, folder, now)
    found = repository.of_id(connection, intent.item_id)
    if intent.located is not None and found is not None and found.item.root_uuid == intent.library:
        restage(connection, undo, now)  # else it is staged again, and may be more than what was published
    _hold_what_is_there(connection, intent, now)


def restage(connection: Connection, back: Transfer, now: dt.datetime) -> None:
    """Write where in staging the files of an item are again. Repeatable."""
    assert back.before is not None
    item_id = intent_of(back).item_id
    storing.relocate(connection, item_id, NewItem.from_json(back.before), now)
    metadata.rename_parts(connection, item_id, {new: old for old, new in _names(back).items()}, now)


def _names(transfer: Transfer) -> dict[bytes, bytes]:
    """Return what the files are called in the library, by what they are called in staging."""
    assert transfer.before is not None
    home = NewItem.from_json(transfer.before).path
    return {relative(file.source, home): file.target for file in transfer.files}


def _entries(transfer: Transfer, intent: Intent) -> Iterator[Entry]:
    library, said = intent.library, (intent.revision, transfer.id)
    for file in transfer.files:
        path, identity = within(transfer.target, file.target), file.identity
        yield Entry(library, path, file.role, identity.size, identity.mtime_ns, file.digest, None, intent.item_id,
                    intent.artist, *said)  # fmt: skip
    if transfer.kind != "refresh":
        path, size = within(transfer.target, sidecar.NAME), len(sidecar.encode(sidecar.of(transfer)))
        yield Entry(library, path, "sidecar", size, None, None, None, intent.item_id, intent.artist, *said)
    for one in intent.made:
        item_id = intent.item_id if one.path.startswith(transfer.target + b"/") else None
        yield Entry(library, one.path, one.role, one.size, None, f"sha256:{one.sha256}", one.base, item_id,
                    intent.artist, *said)  # fmt: skip
