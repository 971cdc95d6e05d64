"""Pictures of albums and artists that are gone, blobs nobody holds, files of killed passes → removed after a grace."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import Connection

from processor.artwork import blobs, previews, rows
from processor.artwork.desk import Gallery, sweep
from processor.artwork.offer import Subject, of_artist
from processor.metadata.artists import credited
from processor.publication import ledger

_STALE: Final = dt.timedelta(days=1)  # age of a folder that no pass works in any more


def has_garbage(connection: Connection, now: dt.datetime, grace: dt.timedelta = blobs.GRACE) -> bool:
    """Whether there is anything to remove."""
    return blobs.has_garbage(connection, now, grace) or bool(_gone(connection, now - grace))


def collect(gallery: Gallery, now: dt.datetime, grace: dt.timedelta = blobs.GRACE) -> int:
    """Remove it; return how many blobs went. Can be stopped anywhere, and goes on with the next call.

    An album that is gone for shorter than the grace may be dropped again, and has its pictures and decisions then; so
    has its artist.
    """
    while True:
        with gallery.database.begin() as connection:
            found = _gone(connection, now - grace)
            for subject in found:
                rows.forget(connection, subject)
                blobs.hold(connection, subject.holder, (), now)
        if not found:
            break
    while True:
        with gallery.database.begin() as connection:
            contents = rows.forget_pictures(connection, now - grace)
        previews.remove(gallery.data_dir, contents)
        if not contents:
            break
    sweep(gallery, (now - _STALE).timestamp())
    with gallery.database.read() as connection:
        published = ledger.held_blobs(connection)
    return gallery.blobs.collect(now, grace, published)


def _gone(connection: Connection, before: dt.datetime) -> list[Subject]:
    """Return albums nobody knows any more, and artists no album is by, whose pictures were last offered before a time.

    An album that was published before it was enriched is credited to nobody, but its publication names its artist.
    """
    artists = rows.artists(connection, before)
    if artists:
        needed = {of_artist(one.name, one.artist_id) for one in credited(connection)}
        published = ledger.artists(connection)
        artists = [one for one in artists if one not in needed and published.isdisjoint(one.published_as)]
    return [*rows.gone(connection, before), *artists]
