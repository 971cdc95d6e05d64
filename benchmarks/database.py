"""P17, P18: rows into PostgreSQL and into a scan DB, against the usual and against the quickest way there is."""

from __future__ import annotations

import datetime as dt
import itertools
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, registry

from benchmarks import peers
from benchmarks.corpus import home
from benchmarks.measure import Row, alternate, measured, micros, not_measured
from config.database import Database
from processor.items import storing
from processor.items.item import NewItem
from processor.tables import StagingItem
from scanner.facts import Facts
from scanner.grouping.groups import TrackRow, in_folders
from scanner.kinds.music_album import group_folders
from scanner.newscan import NewScan
from scanner.rows import FileRow
from scanner.tags.columns import FACT_COLUMNS, blocks_of, columns_of
from scanner.tags.read import Reading
from tests.databases import TEMPLATE, PostgresServer
from tests.items import album

ALBUMS, ONE_BY_ONE, FILES, TRACKS = 10_000, 500, 200_000, 12
_MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
_COLUMNS = (*storing.STORED, "updated_at")
_checksums = itertools.count()


def run(_large: bool) -> Iterator[Row]:
    """Measure on a throw-away server, and on files."""
    with peers.postgres() as server:
        if server:
            yield from _upsert(server)
        else:
            yield not_measured("P17", "upsert of albums, against the ORM", "PostgreSQL is not installed", 100, 300)
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        yield _insert(Path(scratch))
    yield _group()


def _upsert(server: PostgresServer) -> Iterator[Row]:
    with server.database(TEMPLATE) as url:
        database = Database(url)
        items = [replace(album(key=f"k{n}"), path=b"A/%d" % n, files=()) for n in range(ALBUMS)]

        def changed(number: int = ALBUMS) -> list[NewItem]:
            return [replace(item, checksum=str(next(_checksums))) for item in items[:number]]

        _ours(database, items)
        costs = alternate(
            {
                "ours": lambda: _ours(database, changed()),
                "executemany": lambda: _executemany(database, changed()),
                "orm": lambda: _orm(database, changed(ONE_BY_ONE)),
                "making them": changed,
            }
        )
        made = costs["making them"]
        ours = (costs["ours"].wall - made.wall) / ALBUMS
        cpu = (costs["ours"].cpu - made.cpu) / ALBUMS * 1e6
        one_by_one = costs["orm"].wall / ONE_BY_ONE
        many_at_once = (costs["executemany"].wall - made.wall) / ALBUMS
        note = f"{1 / ours:.0f} rows/s, {cpu:.1f} µs CPU of ours"
        yield Row(
            "P17",
            f"upsert of {ALBUMS:,} known albums, against the ORM and a commit each",
            one_by_one / ours,
            100,
            300,
            note=note,
        )
        yield Row("P17b", "the same, against psycopg's executemany", many_at_once / ours, 1.2, 2)
        database.close()


def _values(item: NewItem) -> tuple[Any, ...]:
    """Return the values of _COLUMNS, so that everybody writes the same row."""
    return (*storing.stored_row(item), dt.datetime.now(dt.UTC))


def _ours(database: Database, items: list[NewItem]) -> None:
    with database.begin() as connection:
        storing.upsert(connection, items, _MONDAY)


class _Mapped:
    """An item as the ORM has it."""

    revision: int


def _orm(database: Database, items: list[NewItem]) -> None:
    for item in items:
        with Session(database.engine) as session:
            row = session.scalars(select(_Mapped).where(StagingItem.key == item.key)).one()
            for name, value in zip(_COLUMNS, _values(item), strict=True):
                setattr(row, name, value)
            row.revision += 1
            session.commit()


registry().map_imperatively(_Mapped, StagingItem.__table__)


def _executemany(database: Database, items: list[NewItem]) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "key")
    marks = ", ".join(["%s"] * len(_COLUMNS))
    statement = (
        f"INSERT INTO staging_items ({', '.join(_COLUMNS)}, status, revision, created_at)"
        f" VALUES ({marks}, 'pending_review', 1, now())"
        f" ON CONFLICT (key) DO UPDATE SET {changes}, revision = staging_items.revision + 1"
        " WHERE staging_items.checksum <> excluded.checksum"
    )
    with database.begin() as connection:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            cursor.executemany(statement, [_values(item) for item in items])


def _insert(scratch: Path) -> Row:
    """Compare with one prepared statement over tuples that are ready, into a table like ours."""
    facts = Facts(
        title="Title", artist="Artist", album="Album", album_artist="Artist", track=1, track_total=12, date="2001",
        artists=("Artist",), album_artists=("Artist",), genres=("Rock",),
    )  # fmt: skip
    files = [FileRow(n + 1, n // TRACKS, b"%d.flac" % n, "audio", 1, n, 1, 1, 1, 1, 33188) for n in range(FILES)]
    readings = [columns_of(n + 1, True, Reading(facts, None, False, "header")) for n in range(FILES)]
    blocks = [block for start in range(0, FILES, 128) for block in blocks_of(readings[start : start + 128])]
    names = itertools.count()

    def ours() -> None:
        path = scratch / f"{next(names)}.db"
        with NewScan.create(path, root=b"/", started=_MONDAY, boot="", options="") as db:
            db.add_files(files)
            db.flush()
            for block in blocks:
                db.add_readings(block)
            db.finish({})
        path.unlink()

    def bare() -> None:
        path = scratch / f"{next(names)}.db"
        sql = sqlite3.connect(path, isolation_level=None)
        sql.executescript("PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
        for table, rows in (("file", [(*file, 0) for file in files]), ("reading", readings)):
            columns = ", ".join(["id INTEGER PRIMARY KEY", *(f"c{n}" for n in range(len(rows[0]) - 1))])
            sql.execute(f"CREATE TABLE {table} ({columns})")
            sql.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        sql.execute("COMMIT")
        sql.close()
        path.unlink()

    costs = alternate({"ours": ours, "bare": bare})
    note = f"ours {micros(costs['ours'], FILES)}, {len(FACT_COLUMNS)} columns of facts"
    return Row(
        "P18",
        "files and facts into the scan DB, against bare executemany",
        costs["bare"].wall / costs["ours"].wall,
        0.9,
        note=note,
    )


def _group() -> Row:
    """Compare with counting the tracks of each album and artist in a dict, which explains and repairs nothing."""
    rows = [
        TrackRow(
            n, b"Artist %d/Album %d" % (n // 120, n // TRACKS), b"%02d Title.flac" % (n % TRACKS + 1),
            f"Title {n}", f"Artist {n // 120}", f"Album {n // TRACKS}", f"Artist {n // 120}",
            n % TRACKS + 1, TRACKS, None, None, 2001, None, None, None,
        )
        for n in range(FILES)
    ]  # fmt: skip
    folders = in_folders(rows)  # as a scan has them
    costs = {
        "ours": measured(lambda: group_folders(folders, [])),
        "dict": measured(lambda: Counter((row.album_artist, row.album) for row in rows)),
    }
    note = f"ours {micros(costs['ours'], FILES)}"
    return Row(
        "P18b",
        f"grouping of {FILES:,} tidy tracks, against counting in a dict",
        costs["dict"].wall / costs["ours"].wall,
        0.5,
        note=note,
    )
