"""Selected pictures that the cache lost → in it again: from a library, the album itself, or who offered them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.database import Database
from config.errors import Stopped
from config.leave import StopSignal
from config.libraries import root_paths
from processor.artwork import rows
from processor.artwork.blobs import Blob, Blobs
from processor.artwork.offer import Subject, of_artist
from processor.artwork.rows import Selected
from processor.artwork.source import Refused, read_file
from processor.enriching.owed import Owed
from processor.items import repository
from processor.matching import rows as matching
from processor.metadata.artists import artists_of
from processor.publication import ledger
from workflow.operations import picturing

Lost = Mapping[Subject, Sequence[Selected]]


def complete(database: Database, data_dir: Path, item_id: int, stop: StopSignal) -> int:
    """Bring the selected pictures of an item and its artists into the cache; return how many are still missing.

    If another picture comes under the old address it is judged like any new one. What cannot be had now is owed, as
    after enriching. Raises Stopped.
    """
    lost = _lost(database, data_dir, item_id)
    if lost:
        _from_libraries(database, Blobs(database, data_dir), lost)
        lost = _lost(database, data_dir, item_id)
    for subject in lost:
        outcome = picturing.complete(database, data_dir, item_id, subject, lambda: _check(stop))
        owed = Owed(item_id, dt.datetime.now(dt.UTC))
        for provider in sorted(outcome.owed):
            owed.note(provider, "pictures", "the cache lost pictures of it, and they could not be downloaded")
        with database.begin() as connection:
            matching.add_debts(connection, item_id, owed.debts())
    return sum(map(len, _lost(database, data_dir, item_id).values())) if lost else 0


def _check(stop: StopSignal) -> None:
    if stop.is_set():
        raise Stopped("stopped on request, before anything was published")


def _lost(database: Database, data_dir: Path, item_id: int) -> Lost:
    """Return the selected pictures that are not whole in the cache, by whose they are."""
    cache = Blobs(database, data_dir)
    with database.read() as connection:
        item, _ = repository.item(connection, item_id)
        artists = [of_artist(name, artist_id) for _, name, artist_id in artists_of(connection, item_id)]
        found = {one: rows.selected(connection, one) for one in (Subject("album", item["key"]), *artists)}
    lost = {
        subject: [one for one in pictures if not cache.is_whole(Blob(one.sha256, one.extension, one.size))]
        for subject, pictures in found.items()
    }
    return {subject: pictures for subject, pictures in lost.items() if pictures}


def _from_libraries(database: Database, cache: Blobs, lost: Lost) -> None:
    """Take them from the libraries where they were published, if the file is still the one we wrote."""
    wanted = {one.sha256: one.extension for pictures in lost.values() for one in pictures}
    with database.read() as connection:
        roots = root_paths(connection)
        entries = ledger.made_of(connection, wanted)
    for entry in entries:
        if entry.sha256 not in wanted or entry.root_uuid not in roots:
            continue
        try:
            data = read_file(os.path.join(roots[entry.root_uuid], entry.path))
        except (OSError, Refused):
            continue
        if hashlib.sha256(data).hexdigest() == entry.sha256:
            cache.put(data, wanted.pop(entry.sha256), dt.datetime.now(dt.UTC))
