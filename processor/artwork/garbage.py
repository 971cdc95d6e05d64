"""Pictures of albums that are gone, blobs nobody holds, files of killed passes → removed, when their grace is over."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import Connection

from processor.artwork import blobs, previews, rows
from processor.artwork.desk import Gallery, sweep
from processor.publication import ledger

_STALE: Final = dt.timedelta(days=1)  # age of a folder that no pass works in any more


def has_garbage(connection: Connection, now: dt.datetime, grace: dt.timedelta = blobs.GRACE) -> bool:
    """Whether there is anything to remove."""
    return blobs.has_garbage(connection, now, grace) or bool(rows.gone(connection, now - grace))


def collect(gallery: Gallery, now: dt.datetime, grace: dt.timedelta = blobs.GRACE) -> int:
    """Remove it; return how many blobs went. Can be stopped anywhere, and goes on with the next call.

    An album that is gone for shorter than the grace may be dropped again, and has its pictures and decisions then.
    """
    while True:
        with gallery.database.begin() as connection:
            found = rows.gone(connection, now - grace)
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
