"""What happened is written with it, heard at least once in one order, and told to people by a real HTTP server."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from config import admin
from config.database import Database
from config.errors import Busy, Misconfigured, Retryable, Stopped
from config.reasons import Reason
from config.sections import StagingScan
from daemon.bootstrap import application
from processor.items import storing
from processor.planning.plan import AlbumPlan, Outcome
from processor.process import ProcessResult
from processor.transfers import journal
from processor.transfers.transfer import Transfer
from tests.carrying import carrying
from tests.commands import chosen, greenroom
from tests.items import album
from tests.shelf import Shelf
from tests.waiting import until
from workflow import events, runs, succession
from workflow.chores import cleanup, notify
from workflow.chores.cleanup import Cleanup, CleanupSettings
from workflow.chores.notify import Notifier
from workflow.chorework import ChoreWork, want_daily
from workflow.engine import wanting
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.engine.failure import Cancelled, NotHere
from workflow.engine.job import NewJob, Payload
from workflow.events import KINDS, Event, Kind
from workflow.operations import deciding
from workflow.record import RunRecord
from workflow.request import Request

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


class Listener:
    """A subscriber that remembers what it was given, or fails."""

    def __init__(self, name: str, *kinds: Kind) -> None:
        self.name, self._kinds = name, kinds or KINDS
        self.heard: list[str] = []
        self.deaf = False

    def wants(self, connection: Connection) -> Collection[Kind]:
        """Return what it was made for."""
        return self._kinds

    def waits(self, heard: Sequence[Event], now: dt.datetime) -> bool:
        """Wait for nothing."""
        return False

    def take(self, connection: Connection, heard: Sequence[Event], now: dt.datetime) -> None:
        """Remember."""
        self.heard += [event.subject for event in heard]
        if self.deaf:
            raise Retryable("not now")


def tell(database: Database, *subjects: str, kind: Kind = "job_dead") -> None:
    with database.begin() as connection:
        events.tell(connection, [Event(kind, subject, "because") for subject in subjects], NOW)


def stage(database: Database, run_id: str, *keys: str) -> list[int]:
    with database.begin() as connection:
        upserted = storing.upsert(connection, [album(key) for key in keys], NOW)
        succession.after_staging(connection, upserted, run_id, NOW)
    return [upserted[key].id for key in keys]


def began(database: Database) -> RunRecord:
    run = RunRecord(database, StagingScan(), Request(dry_run=False), trigger="schedule", fire_time=None)
    run.start(holding_lock=True)
    return run


def stays(name: str, outcome: Outcome, code: str) -> AlbumPlan:
    """Return what a cycle found of an album of one song that stays in inbound."""
    shelf = Shelf()
    shelf.album(name, [1], album=name)
    return AlbumPlan(shelf.only(), outcome, None, (), (Reason(code, f"{code} of {name}"),))


def put(database: Database, **settings: Any) -> None:
    with database.begin() as connection:
        for name, value in settings.items():
            admin.put(connection, f"phase.{name.replace('__', '.')}", value, actor="eva", now=NOW)


def told(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT kind, why FROM events ORDER BY id"))]


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@pytest.fixture
def database(database: Database) -> Database:
    """A database whose chain goes from staging to review at once."""
    put(database, enrich__mode="off")
    return database


@pytest.fixture
def engine(database: Database) -> Engine:
    """The engine with the phases there are."""
    return Engine(database, succession.works())


@pytest.fixture
def server() -> Iterator[Any]:
    """A server that keeps what is posted to it, and answers with `server.answer`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.posted.append(json.loads(body))  # type: ignore[attr-defined]
            self.send_response(self.server.answer)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    made: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.posted, made.answer = [], 200
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def url(server: Any, secret: str = "hunter22") -> str:
    return f"json://eva:{secret}@127.0.0.1:{server.server_port}/"


def test_an_event_is_told_if_and_only_if_what_it_tells_of_commits(database: Database) -> None:
    listener = Listener("ear")
    events.dispatch(database, [listener], NOW)
    with pytest.raises(ZeroDivisionError), database.begin() as connection:  # noqa: PT012  the block is what is tested
        events.tell(connection, [Event("approved", "never", "")], NOW)
        raise ZeroDivisionError
    tell(database, "one", "two")
    assert events.dispatch(database, [listener], NOW) == 2
    assert listener.heard == ["one", "two"]


def test_each_subscriber_has_its_own_position_and_filter(database: Database) -> None:
    first, picky = Listener("first"), Listener("picky", "approved")
    tell(database, "one")
    events.dispatch(database, [first], NOW)
    tell(database, "two", kind="approved")
    events.dispatch(database, [first, picky], NOW)
    tell(database, "three")
    events.dispatch(database, [first, picky], NOW)
    assert (first.heard, picky.heard) == (["one", "two", "three"], ["two"])


def test_what_a_subscriber_could_not_take_is_given_again(database: Database) -> None:
    listener = Listener("ear")
    tell(database, "one")
    listener.deaf = True
    with pytest.raises(Retryable):
        events.dispatch(database, [listener], NOW)
    listener.deaf = False
    events.dispatch(database, [listener], NOW)
    assert listener.heard == ["one", "one"]


@pytest.mark.postgres
def test_an_event_that_becomes_visible_late_is_not_passed_over(database: Database) -> None:
    listener = Listener("ear")
    with database.begin() as slow:
        events.tell(slow, [Event("approved", "written first", "")], NOW)
        tell(database, "written second")
        events.dispatch(database, [listener], NOW)
    events.dispatch(database, [listener], NOW)
    assert listener.heard == ["written second", "written first"]


def test_moves_of_items_and_ends_of_runs_are_told(database: Database, engine: Engine) -> None:
    put(database, review__auto_approve="0.99")
    (one,) = stage(database, "r1", "k1")
    run = RunRecord(database, StagingScan(), Request(dry_run=False), trigger="command", fire_time=None)
    run.start(holding_lock=True)
    run.fail(Misconfigured("no disk"))
    put(database, review__auto_approve="off")
    (two,) = stage(database, "r1", "k2")
    deciding.decide(database, two, "rejected", actor="eva", why="bootleg")
    assert told(database) == [
        ("item_staged", "staged"), ("run_failed", "no disk"),
        ("item_staged", "staged"), ("needs_review", "a person decides"), ("rejected", "bootleg"),
    ]  # fmt: skip
    assert engine.list(item_id=one)[0].phase == "review"


def test_a_run_is_told_in_one_message_and_a_failure_by_itself(
    database: Database, engine: Engine, tmp_path: Path, server: Any
) -> None:
    put(database, notify__urls=url(server))
    events.dispatch(database, [Notifier()], NOW)
    stage(database, "r1", "k1", "k2")
    counts = {"counts": {"staged": 2, "duplicate": 0}, "dry_run": False}
    with database.begin() as connection:
        events.tell(connection, [Event("run_finished", "run r1", "done", run_id="r1", facts=counts)], NOW)
        quiet = {"counts": {"duplicate": 4}, "dry_run": False}
        events.tell(connection, [Event("run_finished", "run r2", "done", run_id="r2", facts=quiet)], NOW)
    tell(database, "enrich of item 7")
    events.dispatch(database, [Notifier()], NOW)
    assert "hunter22" not in json.dumps([job.payload for job in engine.list()])
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("notify") == {"done": 2})
    by_title = {posted["title"]: posted["message"] for posted in server.posted}
    assert set(by_title) == {"Greenroom: 2 needs review", "Greenroom: 1 job failed"}
    assert "run finished: run r1 (2 staged)" in by_title["Greenroom: 2 needs review"]
    assert events.dispatch(database, [Notifier()], NOW) == 0
    assert engine.counts()["notify"] == {"done": 2}


def test_albums_that_come_to_wait_for_a_person_one_by_one_are_told_together(database: Database, engine: Engine) -> None:
    put(database, notify__urls="json://127.0.0.1:9/")
    events.dispatch(database, [Notifier()], NOW)
    second = dt.timedelta(seconds=1)

    def messages(now: dt.datetime) -> list[int]:
        events.dispatch(database, [Notifier()], now)
        return [len(job.payload["events"]) for job in engine.list(phase="notify")]

    def enriched(now: dt.datetime) -> None:
        with database.begin() as connection:
            events.tell(connection, [Event("needs_review", "Ada – Tide", "a person decides", 7)], now)

    for n in range(100):
        enriched(NOW + n * 4 * second)
        assert messages(NOW + n * 4 * second) == []
    assert messages(NOW + 500 * second) == [100]
    for n in range(500, 3000, 50):  # it never ends
        enriched(NOW + n * second)
        messages(NOW + n * second)
    *others, first = messages(NOW + 3000 * second)
    assert (first, len(others)) == (100, 1)
    tell(database, "enrich of item 7")  # a failure waits for nobody, and nobody for it
    newest, *_ = messages(NOW + 3001 * second)
    assert sum(others) + newest == 50 + 1
    enriched(NOW + 9000 * second)  # by a clock that was ahead
    assert messages(NOW + 4000 * second)[0] == 1


def test_a_trouble_that_lasts_is_told_once_and_when_it_is_over(database: Database, engine: Engine) -> None:
    put(database, notify__urls="json://127.0.0.1:9/")
    events.dispatch(database, [Notifier()], NOW)
    told_of = []
    no_disk = Misconfigured("no disk", code="root_away")
    for error in (None, no_disk, no_disk, Misconfigured("3 GiB missing", code="full"), None, None):
        run = RunRecord(database, StagingScan(), Request(dry_run=False), trigger="schedule", fire_time=None)
        run.start(holding_lock=True)
        if error is not None:
            run.fail(error)
        else:
            run.finish(b"/in", b"/staging", ProcessResult((), ()), Path("scan.db"))
        events.dispatch(database, [Notifier()], NOW)
        found = [job for job in engine.list(phase="notify") if run.id in job.subject]
        told_of.append(len(found))
    assert told_of == [0, 1, 0, 1, 1, 0]
    with database.read() as connection:
        (over,) = events.of_run(connection, engine.list(phase="notify")[0].payload["run_id"], KINDS)
    assert "well again" in notify.rendered([over])[1]


def test_what_stays_in_inbound_is_told_once_and_why_it_failed(database: Database, engine: Engine) -> None:
    """Each run finds it again: hourly, for as long as nobody clears up."""
    put(database, notify__urls="json://127.0.0.1:9/")
    events.dispatch(database, [Notifier()], NOW)
    broken, full = stays("Broken", "quarantined", "unreadable"), stays("Tide", "failed", "no_room")
    away = Misconfigured("no disk", code="root_away")
    told_of, texts = [], []
    for albums in ([broken], [broken], away, [broken], [broken, full], [full, broken], [], [broken]):
        run = began(database)
        if isinstance(albums, Misconfigured):
            run.fail(albums)
        else:
            run.finish(b"/in", b"/staging", ProcessResult(tuple(albums), ()), Path("scan.db"))
        events.dispatch(database, [Notifier()], NOW)
        told_of.append(len([job for job in engine.list(phase="notify") if run.id in job.subject]))
        with database.read() as connection:
            texts.append(notify.rendered(events.of_run(connection, run.id, KINDS))[1])
    assert told_of == [1, 0, 1, 1, 1, 0, 0, 1]
    assert ["well again" in text for text in texts] == [n == 3 for n in range(8)]
    assert "1 failed): no_room of Tide" in texts[4]


def test_while_albums_fail_nothing_is_well_again_and_of_a_failure_it_is_said_why(database: Database) -> None:
    full = stays("Tide", "failed", "no_room")
    trouble = Retryable("no space left on /staging", code="disk_full")
    run = began(database)
    run.finish(b"/in", b"/staging", ProcessResult((full,), (), trouble), Path("scan.db"))
    again = began(database)
    again.finish(b"/in", b"/staging", ProcessResult((full,), ()), Path("scan.db"))
    with database.read() as connection:
        texts = [notify.rendered(events.of_run(connection, one.id, KINDS))[1] for one in (run, again)]
    assert texts == [
        f"run failed: run {run.id} (1 albums, 1 tracks, 1 failed): no space left on /staging",
        f"run finished: run {again.id} (1 albums, 1 tracks, 1 failed): no_room of Tide",
    ]


def test_of_a_huge_run_a_person_is_told_how_it_ended_before_some_of_its_albums() -> None:
    staged = [events.Event("item_staged", f"album {n}", "new", n) for n in range(1_000)]
    title, text = notify.rendered([*staged, events.Event("run_failed", "run r", "the disk is full")])
    first, second, *_, last = text.splitlines()
    assert title == "Greenroom: 1000 staged, 1 run failed"
    assert first == "run failed: run r (the disk is full)"
    assert second == "staged: album 0 (new)"
    assert last == f"… and {1_001 - notify.SHOWN} more"


@pytest.mark.parametrize("end", ["killed", "stopped", "lost"])
@pytest.mark.parametrize("failed_before", [False, True])
def test_what_a_run_staged_is_told_though_it_came_to_no_end(
    database: Database, engine: Engine, end: str, failed_before: bool
) -> None:
    put(database, notify__urls="json://127.0.0.1:9/")
    events.dispatch(database, [Notifier()], NOW)
    if failed_before:
        began(database).fail(Retryable("away", code="database_unavailable"))
    for staged in ([], ["k1", "k2"]):
        run = began(database)
        stage(database, run.id, *staged)
        if end == "killed":
            began(database).skip(Busy("not the one this is about"))
        else:
            run.fail(Stopped("on request") if end == "stopped" else Retryable("away", code="database_unavailable"))
        events.dispatch(database, [Notifier()], NOW)
        told_of = [job for job in engine.list(phase="notify") if run.id in job.subject]
        assert len(told_of) == (bool(staged) or (end == "lost" and not failed_before))
    with database.read() as connection:
        title, text = notify.rendered(events.of_run(connection, run.id, KINDS))
        failure = events.last_end(connection).get("code")
    assert failure == ("database_unavailable" if failed_before or end == "lost" else None)
    assert "2 staged" in title
    assert "well again" not in text


def test_a_message_that_is_not_taken_is_tried_again_and_stops_nothing(
    database: Database, engine: Engine, tmp_path: Path, server: Any
) -> None:
    server.answer = 500
    put(database, notify__urls=url(server), review__auto_approve="0.5", review__max_warnings=9)
    events.dispatch(database, [Notifier()], NOW)
    tell(database, "enrich of item 7")
    events.dispatch(database, [Notifier()], NOW)
    stage(database, "r1", "k1")
    with carrying(database, tmp_path):
        until(lambda: engine.list(phase="notify")[0].code == "not_delivered")
        until(lambda: engine.counts().get("review") == {"done": 1})
        (job,) = engine.list(phase="notify")
        assert (job.status, job.attempt) == ("queued", 1)
        assert "hunter22" not in json.dumps(job.failures)
        refused = len(server.posted)
        server.answer = 200
        again = NewJob("notify", job.subject, None, notify.Message(**job.payload), 10, actor="eva", manual=True)
        with database.begin() as connection:
            assert (
                wanting.submit_one(connection, again, dt.datetime.now(dt.UTC))[0].id == job.id
            )  # not waiting any longer
        until(lambda: engine.show(job.id).status == "done")
    assert [posted["message"] for posted in server.posted[refused:]] == ["job failed: enrich of item 7 (because)"]


def test_of_a_message_that_could_not_be_sent_no_message_is_sent(
    database: Database, engine: Engine, tmp_path: Path, server: Any
) -> None:
    """Or it would fail as well, and be told again, for ever, to those who can be reached."""
    put(database, notify__urls=f"{url(server)} nonsense://nowhere")
    events.dispatch(database, [Notifier()], NOW)
    tell(database, "enrich of item 7")
    events.dispatch(database, [Notifier()], NOW)
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("notify") == {"dead": 1, "done": 1})
        assert told(database)[-1][0] == "job_dead"
        events.dispatch(database, [Notifier()], NOW)
        assert engine.counts()["notify"] == {"dead": 1, "done": 1}
    assert len(server.posted) == 1


def test_a_message_to_somebody_who_is_not_named_any_more_is_dropped(
    database: Database, engine: Engine, tmp_path: Path, server: Any
) -> None:
    put(database, notify__urls=url(server))
    events.dispatch(database, [Notifier()], NOW)
    tell(database, "one")
    events.dispatch(database, [Notifier()], NOW)
    put(database, notify__urls="")
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("notify") == {"cancelled": 1})
    assert server.posted == []


def test_nobody_is_told_where_nobody_is_named(database: Database, engine: Engine) -> None:
    tell(database, "one")
    events.dispatch(database, [Notifier()], NOW)
    put(database, notify__urls="json://127.0.0.1:9/")
    events.dispatch(database, [Notifier()], NOW)
    assert engine.list() == []  # what was before is not told later


def test_the_urls_are_shown_to_nobody(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    chosen(monkeypatch, tmp_path, database)
    secret = url(server)
    shown = [
        greenroom("settings", *arguments).output
        for arguments in (
            ["set", "phase.notify.urls", secret], ["get", "phase.notify.urls"], [], ["--json"], ["history"],
            ["set", "phase.notify.urls", "hunter22"], ["get", "phase.notify.urls", "--json"],
        )
    ]  # fmt: skip
    assert all("•••" in output for output in shown), shown
    assert not any("hunter22" in output for output in shown)
    with application() as opened, opened.database.read() as connection:
        assert admin.get(connection, "phase.notify.urls") == secret


def test_chores_are_wanted_daily_though_the_clock_was_years_ahead_once(database: Database) -> None:
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM events"))
        events.tell(connection, [Event("job_dead", "old news", "because")], NOW)
    events.dispatch(database, [Listener("ear")], NOW)
    put(database, verify__mode="off")
    years = dt.timedelta(days=4000)
    assert [want_daily(database, succession.works(), at) for at in (now + years, now + years)] == [1, 0]
    with database.begin() as connection:
        connection.execute(text("UPDATE jobs SET status = 'done'"))
    assert [want_daily(database, succession.works(), at) for at in (now, now)] == [1, 0]


@pytest.mark.parametrize(
    ("setting", "value", "is_asked_for", "error"),
    [
        ("mode", "off", False, Cancelled), ("mode", "off", True, None), ("mode", "auto", False, None),
        ("paused", "true", False, NotHere), ("paused", "true", True, NotHere),
    ],
)  # fmt: skip
def test_a_chore_that_was_switched_off_or_paused_since_it_was_wanted_is_not_done(
    database: Database, engine: Engine, tmp_path: Path, setting: str, value: str, is_asked_for: bool, error: Any
) -> None:
    """Off is for those who do not ask for it; a pause is for all, and they wait."""
    done: list[str] = []

    class Noting(Cleanup):
        def run(self, context: Context, payload: Payload, settings: CleanupSettings) -> None:
            """Only note that it was done."""
            done.append(self.name)

    job = replace(engine.submit("cleanup", None, actor="test").job, manual=is_asked_for)
    put(database, **{f"cleanup__{setting}": value})
    with pytest.raises(error) if error else nullcontext():
        ChoreWork(Noting()).run(Context(database, tmp_path, job, threading.Event()), job, Payload())
    assert bool(done) == (error is None)


def test_what_is_old_is_removed_once_a_day_and_the_rest_stays(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    now = dt.datetime.now(dt.UTC)
    assert want_daily(database, succession.works(), now) == 0  # nothing is old yet
    old = [engine.submit("review", n, actor="test").job.id for n in range(3)]
    kept = engine.submit("review", 9, actor="test").job.id
    for job_id in (*old, kept):
        engine.cancel(job_id)
    tell(database, "old news")
    events.dispatch(database, [Listener("ear")], NOW)
    (listed, gone) = stage(database, "r1", "k1", "k2")
    with database.begin() as connection:
        folder = connection.execute(text(f"SELECT path FROM staging_items WHERE id = {listed}")).scalar_one()
        moves = [Transfer(name, "album", "planned", b"/in", b"/out", target, (), {}, 1, "boot")
                 for name, target in (("kept", folder), ("old", b"nobody's"))]  # fmt: skip
        journal.plan(connection, moves, NOW)
        for state in ("materialised", "published", "done"):
            journal.advance(connection, moves, state, NOW)
        connection.execute(text(f"DELETE FROM staging_items WHERE id = {gone}"))
        connection.execute(text("UPDATE item_history SET at = '2020-01-01 00:00:00'"))
        connection.execute(text("UPDATE events SET at = '2020-01-01 00:00:00'"))
        connection.execute(text(f"UPDATE jobs SET finished_at = '2020-01-01 00:00:00' WHERE id <> {kept}"))
        for n in range(runs.NEWEST_KEPT + 5):
            moment = NOW - dt.timedelta(days=n)
            id = f"r{1000 - n}"
            row = {"id": id, "status": "running", "trigger": "command", "dry_run": False,
                   "fire_time": None, "started_at": moment, "host": "h", "pid": 1, "settings": {}}  # fmt: skip
            runs.start(connection, row)
            runs.finish(connection, id, status="done", finished_at=moment)
    events.dispatch(database, [Listener("ear")], NOW)
    put(database, verify__mode="off")
    assert [want_daily(database, succession.works(), now) for _ in range(2)] == [1, 0]
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("cleanup") == {"done": 1})
    assert [job.id for job in engine.list(phase="review")] == [kept]
    assert (count(database, "events"), count(database, "runs")) == (0, runs.NEWEST_KEPT)
    with database.read() as connection:
        assert list(connection.scalars(text("SELECT id FROM transfers"))) == ["kept"]
        assert set(connection.scalars(text("SELECT item_id FROM item_history"))) == {listed}
    assert want_daily(database, succession.works(), now + dt.timedelta(days=1)) == 0


def test_why_albums_stayed_is_forgotten_before_the_run_is(database: Database) -> None:
    now, why = dt.datetime.now(dt.UTC), [{"code": "conflict"}]
    with database.begin() as connection:
        for n in range(runs.NEWEST_KEPT + 2):
            moment, id = now - dt.timedelta(days=20 + n), f"r{2000 - n}"
            row = {"id": id, "status": "running", "trigger": "schedule", "dry_run": False,
                   "fire_time": None, "started_at": moment, "host": "h", "pid": 1, "settings": {}}  # fmt: skip
            runs.start(connection, row)
            runs.finish(connection, id, status="done", finished_at=moment, counts={"conflict": 1}, reasons=why)
    removed = [cleanup.remove_old(database, cleanup.CleanupSettings(), now, lambda: None) for _ in range(2)]
    assert [one["reasons"] for one in removed] == [2, 0]
    with database.read() as connection:
        kept = {run["id"]: (run["counts"], run["reasons"]) for run in runs.recent(connection, limit=99)}
    assert [id for id, told in kept.items() if told != ({"conflict": 1}, why)] == ["r1950", "r1949"]
    assert kept["r1949"] == ({"conflict": 1}, [])
