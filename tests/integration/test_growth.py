"""What one piece of work asks of the database does not grow with all that was done before it, nor memory with albums.

Counted are steps of SQLite's machine, not seconds: what reads a table whole takes more of them with each row. Where one
step reads through all files of a move to get to a column behind them, bytes that are read; and bytes of objects.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.pool import Pool

from config.database import Database
from config.tables import Base
from daemon.bootstrap import application
from daemon.cli import main
from processor.tables import LedgerRow, PublicationRow, StagingItem, TransferRow
from processor.transfers import journal
from tests.commands import printed
from tests.music import write_album
from tests.waiting import until
from tests.web import NAME, PASSWORD, Browser, new_account
from workflow import succession
from workflow.chores import cleanup
from workflow.engine.tables import JobRow
from workflow.operations.undo import undo

HISTORY = 2000  # albums that were published before


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation on SQLite with three approved albums, the first of which is published."""
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    for role in ("inbound", "staging", "library"):
        (tmp_path / role).mkdir()
        printed("libraries", "add", role, str(tmp_path / role))
    printed("settings", "set", "quiet_seconds", "0")
    for artist in ("Ada", "Bo", "Cy"):
        write_album(tmp_path / "inbound" / artist, artist=artist, album="Tide", tracks=1, ext="mp3")
    printed("cycle")
    printed("review", "approve", "1", "2", "3")
    printed("publish", "1")
    return tmp_path


@contextmanager
def counting() -> Iterator[list[int]]:
    """Count the steps of all connections that are opened meanwhile, in hundreds."""
    steps = [0]

    def step() -> None:
        steps[0] += 1

    def connected(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(step, 100)

    event.listen(Pool, "connect", connected)
    try:
        yield steps
    finally:
        event.remove(Pool, "connect", connected)


@contextmanager
def most_in_memory() -> Iterator[list[int]]:
    """Count the bytes that objects made meanwhile took at once, at most."""
    peak = [0]
    tracemalloc.start()
    try:
        yield peak
        peak[0] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def steps_of(*words: str) -> int:
    """Return what a command asks of the database."""
    with counting() as steps:
        printed(*words)
    return steps[0]


def read_so_far() -> int:
    """Return how many bytes this process has read by now."""
    return int(re.findall(r"rchar: (\d+)", Path("/proc/self/io").read_text())[0])


def remember(database: Database, tracks: int = 1) -> None:
    """Let what happened to the first album have happened to many others, of as many artists and with more tracks."""
    tables: tuple[type[Base], ...] = (StagingItem, TransferRow, PublicationRow, LedgerRow)
    with database.begin() as connection:
        for table in tables:
            first = connection.execute(select(table.__table__)).mappings().all()
            rows = [{**row, **_other(dict(row), n, m, tracks)} for n in range(HISTORY) for m, row in enumerate(first)
                    if row.get("status", "published") == "published"]  # fmt: skip
            connection.execute(insert(table), rows)


def _other(row: dict[str, Any], album: int, m: int, tracks: int) -> dict[str, Any]:
    """Return how the same row of another album differs."""
    other: dict[str, Any] = {"key": f"album:{album}-{m}", "artist": f"name:{album}"}
    other |= {"files": row.get("files", []) * tracks}
    other |= {name: b"%d/%d/%s" % (album, m, row[name]) for name in ("path", "target") if name in row}
    other |= {"item_id": row.get("item_id") and 1000 + album * 100 + m, "id": 1000 + album * 100 + m}
    if isinstance(row.get("id"), str):
        other["id"] = f"{album}-{m}"
    return {name: value for name, value in other.items() if name in row}


def test_a_publication_costs_no_more_beside_thousands_of_others_nor_does_taking_it_back(data_dir: Path) -> None:
    few = steps_of("publish", "2"), steps_of("publish", "--undo", "2")
    with application() as app:
        remember(app.database)
    many = steps_of("publish", "3"), steps_of("publish", "--undo", "3")
    assert [now < 2 * before for now, before in zip(many, few, strict=True)] == [True, True]


def test_what_a_person_asks_for_in_the_page_costs_no_more_beside_thousands(data_dir: Path) -> None:
    def asked(item: int) -> int:
        """Return what a decision, a note, pictures, and the look before grouping anew ask of the database."""
        with counting() as steps, application() as app:
            if item == 2:
                new_account(app)
            browser = Browser(app)
            browser.client.post("/sign-in", data={"name": NAME, "password": PASSWORD})
            csrf, before = browser.csrf(), steps[0]
            forms: list[tuple[str, dict[str, str]]] = [
                ("", {"undo": "1 approved"}),
                ("/note", {"text": "mine"}),
                ("/pictures/look", {}),
                ("/rules", {"seen": "1 pending_review"}),
            ]
            for path, form in forms:
                sent = form | {"csrf": csrf}
                answer = browser.client.post(f"/review/{item}{path}", data=sent, follow_redirects=False)
                assert answer.status_code == 303, path
                until(partial(app.ongoing.is_idle, 1))
            return steps[0] - before

    few = asked(2)
    with application() as app:
        remember(app.database)
    assert asked(3) < 2 * few


def test_what_may_be_removed_is_found_among_many_without_reading_all_for_each(data_dir: Path) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    with application() as app:
        remember(app.database)
    with counting() as steps, application() as app, app.database.read() as connection:
        journal.old(connection, later, HISTORY)
    assert steps[0] * 100 < 200 * HISTORY


def test_an_album_that_tracks_join_costs_no_more_while_thousands_wait_to_be_enriched(data_dir: Path) -> None:
    def join(artist: str) -> int:
        first, _ = write_album(data_dir / "inbound" / artist, artist=artist, album="Tide", tracks=2, ext="mp3")
        first.unlink()
        return steps_of("cycle")

    few = join("Bo")
    with application() as app, app.database.begin() as connection:
        (job,) = connection.execute(select(JobRow.__table__).where(JobRow.item_id == 2)).mappings().all()
        others = ({"id": n, "item_id": n, "subject": f"item {n}"} for n in range(1000, 1000 + HISTORY))
        connection.execute(insert(JobRow), [{**job, **other} for other in others])
    assert join("Cy") < 2 * few


def test_albums_that_are_due_are_found_without_a_look_at_thousands_that_are_published(data_dir: Path) -> None:
    def steps_of_a_look() -> int:
        with counting() as steps, application() as app:
            succession.reconcile(app.database)
        return steps[0]

    printed("settings", "set", "phase.publish.mode", "auto")
    few = steps_of_a_look()
    with application() as app:
        remember(app.database)
    assert steps_of_a_look() < 2 * few


def test_an_undo_of_a_run_has_not_all_in_memory_that_its_albums_said(data_dir: Path) -> None:
    said, albums = 50_000, 400  # characters of an album's evidence
    with application() as app:
        with app.database.begin() as connection:
            album = TransferRow.kind == "album"
            first = connection.execute(select(TransferRow.__table__).where(album)).mappings().first()
            assert first is not None
            item = first["item"] | {"evidence": "x" * said}
            rows = ({"id": f"{n:03}", "target": b"%d" % n, "item": item, "run_id": "many"} for n in range(albums))
            connection.execute(insert(TransferRow), [{**first, **row} for row in rows])
        with most_in_memory() as peak:
            report = undo(app.database, "many", dry_run=True, stop=threading.Event())
    assert [album.transfer.id for album in report.albums] == [f"{n:03}" for n in reversed(range(albums))]
    assert peak[0] < albums * said


def test_a_list_of_items_for_scripts_has_not_all_of_them_in_memory(data_dir: Path) -> None:
    said, albums = 50_000, 400  # characters of an album's evidence
    with application() as app, app.database.begin() as connection:
        first = connection.execute(select(StagingItem.__table__)).mappings().first()
        assert first is not None
        rows = ({"id": n, "key": f"{n}", "path": b"%d" % n, "evidence": ["x" * said]} for n in range(100, 100 + albums))
        connection.execute(insert(StagingItem), [{**first, **row} for row in rows])
    with (data_dir / "listed").open("w") as file, contextlib.redirect_stdout(file), most_in_memory() as peak:
        main(["items", "--json", "--sort", "added"], standalone_mode=False)
    listed = json.loads((data_dir / "listed").read_text())
    assert len(listed) == albums + 3
    assert [len(item["evidence"][0]) for item in listed if item["id"] >= 100] == [said] * albums
    assert peak[0] < albums * said


def test_what_was_moved_before_is_read_neither_by_a_cycle_nor_by_the_look_for_what_is_old(data_dir: Path) -> None:
    def look(album: str) -> int:
        """Return what two cycles read, the second of which finds gone what the first one took, and the daily look."""
        before = read_so_far()
        for artist in ("Di", "Eve"):
            write_album(data_dir / "inbound" / artist / album, artist=artist, album=album, tracks=1, ext="mp3")
        printed("cycle")
        printed("cycle")
        with application() as app, app.database.read() as connection:
            assert not cleanup.CHORE.has_work(connection, cleanup.CleanupSettings(), dt.datetime.now(dt.UTC))
        return read_so_far() - before

    look("Ebb")  # from here on all modules are imported
    few = look("Flow")
    with application() as app:
        remember(app.database, tracks=50)
    size = (data_dir / "data" / "greenroom.db").stat().st_size
    assert size > 10 * few
    assert look("Neap") < few + size / 10
