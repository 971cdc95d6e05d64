"""What pages and figures ask of many rows: every statement is answered by an index, whatever is filtered by.

No time is asserted. On SQLite a plan does not depend on how many rows there are; on PostgreSQL a table is read whole,
once that is forbidden, only where no index would do.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from threading import Event
from typing import Any, get_args

import pytest
from sqlalchemy import event

import daemon.tables  # noqa: F401  their indexes are all known then
from config.database import Database
from config.tables import whole_schema
from daemon.bootstrap import Application
from daemon.worker import SUBSCRIBERS
from processor.artwork import rows as pictures
from processor.artwork.offer import Offer, Subject
from processor.artwork.rows import Known
from processor.artwork.wire import Seen
from processor.items import listing, storing
from processor.items.listing import Filter
from processor.metadata import rows as metadata
from processor.publication import ledger
from processor.transfers import journal
from processor.verification import rows as checks
from tests.items import album
from tests.music import write_album
from tests.web import Browser
from workflow import events, history, progress, succession
from workflow.states import MOVES

# Tables that grow with the music, or with the years. Of the others a whole one is read in no time.
GROWING = {
    "answers", "artwork_candidates", "blobs", "checks", "enrich_debts", "enrichments", "events", "item_history",
    "item_progress", "jobs", "ledger", "player_debts", "publications", "runs", "staging_files", "staging_items",
    "transfers",
}  # fmt: skip
OF_SOME_ROWS = {
    index.name
    for table in whole_schema().tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
Statement = tuple[str, Any]


@contextmanager
def asked(database: Database) -> Iterator[list[Statement]]:
    """Collect what is asked of a database."""
    statements: list[Statement] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


def whole(database: Database, statement: Statement) -> list[str]:
    """Return the steps of a plan that read a growing table whole, though it was asked for some of its rows."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        steps = [str(row[-1]).strip() for row in connection.exec_driver_sql(f"{how} {statement[0]}", statement[1])]
    bad = [step for step in steps if _table(step) in GROWING]
    is_first_page = "WHERE" not in statement[0] and "LIMIT" in statement[0]  # stops after the rows that are shown
    is_sorted = any(
        step == "USE TEMP B-TREE FOR ORDER BY" or re.search("(?<!Incremental )Sort", step) for step in steps
    )
    return [] if is_first_page and not is_sorted else bad


def _table(step: str) -> str | None:
    """Return the table a step of a plan reads whole; not if an index holds all that is asked, or only some rows."""
    if (used := re.search(r"USING INDEX (\w+)", step)) and used[1] in OF_SOME_ROWS:
        return None
    found = re.match(r"SCAN (\w+)(?!.*COVERING INDEX)", step) or re.search(r"Seq Scan on (\w+)", step)
    return found[1] if found else None


def read_whole(database: Database, statements: list[Statement]) -> list[tuple[str, list[str]]]:
    return [(one[0], steps) for one in statements if (steps := whole(database, one))]


FIGURES = [
    *("/metrics", "/", "/api/v1/verification", "/verification", "/verification?after=5", "/players", "/runs"),
    "/libraries",
]
REVIEW = [
    f"/review?status={status}{more}"
    for status in ("any", *MOVES)
    for more in ("", "&below=50", "&warned=yes", "&q=blue", "&q=blue+river&below=50&before=7")
]
SORTED = [
    f"/review?status={status}&sort={sort}{more}"
    for status, (sort, place) in product(
        ("any", "approved"),
        (
            ("-added", "7"),
            ("changed", "7:2026-01-01T00:00:00Z"),
            ("artist", "7:ada"),
            ("album", "7:b"),
            ("year", "7:1999"),
            ("-year", "7:1999"),
        ),
    )
    for more in ("", f"&q=blue&below=50&before={place}")
]
JOBS = [
    f"/jobs?status={status}&phase={phase}&before=7"
    for status, phase in product(("", "queued", "dead", "done"), ("", "enrich", "nosuch"))
]
API = [
    "/api/v1/items?below=0.1&q=x",
    "/api/v1/jobs?status=dead&status=parked",
    "/api/v1/jobs?item_id=3&status=dead",
    "/api/v1/jobs/counts",
    "/api/v1/runs?before=2",
    "/api/v1/runs/2/albums?after=7",
    "/activity",
    "/providers",
    "/review/1?q=x&status=any",
    "/review/1?sort=artist",
    "/jobs?status=dead&before=7&sort=-added",
    "/runs?before=2&sort=-added",
]


def test_no_list_and_no_figure_reads_a_growing_table_whole(app: Application, browser: Browser) -> None:
    with app.database.begin() as connection:
        storing.upsert(connection, [album()], dt.datetime.now(dt.UTC))
    with asked(app.database) as statements:
        for path in (*FIGURES, *REVIEW, *SORTED, *JOBS, *API):
            assert browser.client.get(path, headers={"accept": "text/html"}).status_code == 200, path
    distinct = list({statement: (statement, parameters) for statement, parameters in statements}.values())
    assert len(distinct) > 50
    assert read_whole(app.database, distinct) == []


def test_nor_does_what_is_asked_of_each_album_on_its_way(database: Database) -> None:
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        (item,) = storing.upsert(connection, [album()], now).values()
    with asked(database) as statements, database.read() as connection:
        found = progress.find(connection, item.id)
        history.of_item(connection, item.id)
        events.of_item(connection, item.id, "published", {now})
        events.was_told(connection, "library_away", "library /srv/music", now)
        metadata.sources(connection, item.id)
        ledger.publication(connection, item.id)
        for look in (checks.subjects, checks.known, checks.look, checks.is_moving):
            look(connection, item.id)
        ledger.home_of(connection, found["key"])
        journal.undo_state(connection, found["transfer_id"])
        journal.settled(connection, [found["transfer_id"]])
    assert read_whole(database, statements) == []


def test_nor_does_a_cycle_nor_a_daemon_that_waits(app: Application, tmp_path: Path) -> None:
    with asked(app.database) as statements:
        for album_name in ("Tide", "Ebb", "Flow"):  # each cycle but the first finds that what the last one took is gone
            for n in range(2):
                artist = f"Ada {n}"
                write_album(tmp_path / "inbound" / artist / album_name, artist=artist, album=album_name, ext="mp3")
            assert app.run_cycle(trigger="schedule", fire_time=None, stop=Event()).counts["staged"] == 2
        events.dispatch(app.database, SUBSCRIBERS, dt.datetime.now(dt.UTC))
        succession.reconcile(app.database)
        assert app.engine.is_due()
    distinct = list({statement: (statement, parameters) for statement, parameters in statements}.values())
    assert any("updated_at >=" in statement for statement, _ in distinct), "music that is gone was looked up"
    assert read_whole(app.database, distinct) == []


def test_this_test_would_notice(app: Application) -> None:
    with asked(app.database) as statements, app.database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM staging_items WHERE album = 'x'")
    assert read_whole(app.database, statements) != []


def test_pages_of_all_statuses_are_the_newest_of_each_in_one_order(database: Database) -> None:
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        staged = storing.upsert(connection, [album(f"k{n}", album=f"Album {n}") for n in range(12)], now)
        for n, status in enumerate(["approved", "rejected", "published"] * 4):
            connection.exec_driver_sql(f"UPDATE staging_items SET status = '{status}' WHERE key = 'k{n}'")
    newest = sorted((one.id for one in staged.values()), reverse=True)
    words = Filter(words="album")
    with database.read() as connection:
        first = [item["id"] for item in listing.page(connection, words, limit=5).items]
        second = [item["id"] for item in listing.page(connection, words, before=str(first[-1]), limit=50).items]
        assert first + second == newest
        assert listing.neighbours(connection, words, newest[3]) == (newest[2], newest[4])
        assert listing.neighbours(connection, words, newest[0])[0] is None
        assert listing.neighbours(connection, words, newest[-1])[1] is None
        assert listing.page(connection, Filter(words="zzzz")).items == []
        assert listing.page(connection, Filter(words=" ")).items != []
        for nothing in ("\udcff", "\u0301", "\0"):  # a byte that is no text, an accent alone, nothing at all
            assert listing.page(connection, Filter(words=nothing)).items == []
        assert listing.counts(connection) == {"approved": 4, "published": 4, "rejected": 4}
        assert listing.counts(connection, most=2) == {"approved": 3, "published": 3, "rejected": 3}


@pytest.mark.parametrize("wanted", [Filter(), Filter("approved"), Filter(words="album")])
def test_each_order_is_told_page_by_page_and_turned_around_backwards(database: Database, wanted: Filter) -> None:
    now = dt.datetime.now(dt.UTC)
    for n in range(12):
        told = album(f"k{n}", album=f"Album {n % 5}", album_artist=f"Ada {n % 4}", year=(None, 1999, 2001)[n % 3])
        with database.begin() as connection:
            storing.upsert(connection, [told], now - dt.timedelta(seconds=n % 7))
            status = ("approved", "rejected")[n % 2]
            connection.exec_driver_sql(f"UPDATE staging_items SET status = '{status}' WHERE key = 'k{n}'")
    with database.read() as connection:
        for sort in get_args(listing.Sort):
            some = listing.page(connection, wanted, sort, limit=5)
            shown = some.items
            while some.next is not None:
                some = listing.page(connection, wanted, sort, before=some.next, limit=5)
                shown += some.items
            keys = [(sorted_by(sort, item), item["id"]) for item in shown]
            assert keys == sorted(keys, reverse=not listing.order_of(sort).ascending), sort
            ids = [item["id"] for item in shown]
            assert len(set(ids)) == len(ids) == (6 if wanted.status else 12)
            assert listing.ids(connection, wanted, sort) == ids
            assert listing.neighbours(connection, wanted, ids[2], sort) == (ids[1], ids[3])
            assert listing.neighbours(connection, wanted, ids[0], sort)[0] is None


def sorted_by(sort: str, item: dict[str, Any]) -> Any:
    """What decides, before the id."""
    return {
        "added": 0,
        "changed": item["updated_at"],
        "artist": (item["album_artist"], item["album"]),
        "album": item["album"],
        "year": item["year"] or 0,
    }[sort.removeprefix("-")]


def test_a_place_no_page_of_an_order_ended_with_is_refused(browser: Browser) -> None:
    for sort, place in (
        ("added", "x"),
        ("added", "-1"),
        ("artist", "x:ada"),
        ("year", "7"),
        ("year", "7:x"),
        ("year", f"7:{1 << 40}"),
        ("changed", "7:yesterday"),
        ("changed", "7:0001-01-01T00:00:00+23:00"),
        ("album", f"{1 << 70}:a"),
    ):
        told = browser.client.get("/api/v1/items", params={"sort": sort, "before": place})
        assert (told.status_code, told.json()["code"]) == (422, "bad_place"), (sort, place)
        assert browser.client.get("/review", params={"sort": sort, "before": place}).status_code == 422, (sort, place)


def test_covers_of_a_page_are_the_selected_ones_and_found_by_one_statement(app: Application, browser: Browser) -> None:
    now = dt.datetime.now(dt.UTC)

    def offered(key: str, name: str, rank: int | None, *, is_used: bool = True) -> str:
        content, subject = name * 64, Subject("album", key)
        seen = Seen(content, 9, "jpeg", 500, 500, 1, False, "0f" * 8, "phash") if is_used else None
        with app.database.begin() as connection:
            pictures.offer(connection, subject, [Offer("coverart", name, "front", url="https://x/")], (), now)
            pictures.remember(connection, content, Known(seen, None, None, 0, now))
            (one,) = (one for one in pictures.candidates(connection, subject) if one.offer.id == name)
            pictures.looked(connection, one.id, content, now)
            settled = {"id": one.id, "score": 0.5, "parts": None, "same_as": None, "rank": rank, "blob": None}
            pictures.settle(connection, [settled])
        return f'<img src="/previews/{content}.jpg" alt=""'

    with app.database.begin() as connection:
        storing.upsert(connection, [album(f"k{n}", album=f"Album {n}") for n in range(3)], now)
    chosen, best = [offered("k0", "a", None), offered("k0", "b", 1)][1], offered("k1", "c", None)
    unused = offered("k2", "d", None, is_used=False)
    with asked(app.database) as few:
        page = browser.client.get("/review?status=any").text
    assert (page.count(chosen), page.count(best), page.count(unused), page.count("<img")) == (1, 1, 0, 2)
    assert page.count('class="thumb"') == 3
    assert browser.client.get("/").text.count("<img") == 2
    with app.database.begin() as connection:
        storing.upsert(connection, [album(f"more{n}", album=f"More {n}") for n in range(30)], now)
    with asked(app.database) as many:
        browser.client.get("/review?status=any")
    assert len(few) == len(many)
