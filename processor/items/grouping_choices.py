"""What people said of files that go back to inbound ↔ rows: which are one album, and its name. All their SQL."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from config.batches import batched
from config.libraries import Library
from config.tables import Base, column, optional
from scanner.grouping.chosen import Choice

WAITS: Final = dt.timedelta(hours=1)  # a word whose file is not there is kept so long: it may be on its way back


class GroupingChoiceRow(Base):
    """A person's word about one file of an inbound root; it goes when the file has left inbound."""

    __tablename__ = "grouping_choices"

    root_uuid = column(str, primary_key=True)
    path = column(bytes, primary_key=True)  # relative to the root
    name = column(str)  # the same for all files of one album
    artist = column(str)
    album = column(str)
    disc = optional(int)
    said_by = column(str)
    said_at = column(dt.datetime)


def say(
    connection: Connection, root_uuid: str, choices: Mapping[bytes, Choice], *, actor: str, now: dt.datetime
) -> None:
    """Keep a person's word about files; it takes the place of an earlier one."""
    if not choices:
        return
    forget(connection, root_uuid, choices)
    same = {"root_uuid": root_uuid, "said_by": actor, "said_at": now}
    connection.execute(
        insert(GroupingChoiceRow),
        [{**same, "path": path, **choice._asdict()} for path, choice in choices.items()],
    )


def read(connection: Connection, root_uuid: str) -> dict[bytes, Choice]:
    """Return what was said of files of a root, by path."""
    row = GroupingChoiceRow
    query = select(row.path, row.name, row.artist, row.album, row.disc).where(row.root_uuid == root_uuid)
    return {found.path: Choice(*found[1:]) for found in connection.execute(query)}


def current(connection: Connection, inbound: Library, now: dt.datetime) -> dict[bytes, Choice]:
    """Return what was said of the files of an inbound root, once what is said of files long gone is forgotten."""
    row = GroupingChoiceRow
    old = select(row.path).where(row.root_uuid == inbound.root_uuid, row.said_at < now - WAITS)
    past = connection.scalars(old).all()
    forget(connection, inbound.root_uuid, [p for p in past if not os.path.lexists(os.path.join(inbound.path, p))])
    return read(connection, inbound.root_uuid)


def forget(connection: Connection, root_uuid: str, paths: Collection[bytes]) -> None:
    """Forget what was said of files."""
    row = GroupingChoiceRow
    for some in batched(sorted(paths)):
        connection.execute(delete(row).where(row.root_uuid == root_uuid, row.path.in_(some)))
