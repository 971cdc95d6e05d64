"""A daemon with nothing to do: it writes nothing, and begins to carry jobs when there is one, however often."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from config.database import Database
from config.errors import Misconfigured, Retryable
from config.machine import utc_now
from daemon import worker
from daemon.bootstrap import Application
from daemon.worker import Carrying
from tests.waiting import until
from workflow import succession
from workflow.engine import dispatches, wanting
from workflow.engine.engine import Engine, wanted


@pytest.fixture
def engine(database: Database) -> Engine:
    return Engine(database, succession.works())


@pytest.fixture
def database(bare_app: Application) -> Database:
    """That of the installation."""
    return bare_app.database


@pytest.fixture
def carrying(bare_app: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrying]:
    """What the daemon carries jobs with, at rest as soon as there is none."""
    monkeypatch.setattr(worker, "REST_SECONDS", -1)
    made = Carrying(bare_app)
    yield made
    made.stop()


@contextlib.contextmanager
def written(database: Database) -> Iterator[list[str]]:
    """Collect what changes rows."""
    statements: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


def test_who_has_nothing_to_carry_rests_until_there_is_something(engine: Engine, carrying: Carrying) -> None:
    carrying.look()
    assert not engine.workers()
    threads = threading.active_count()
    for _ in range(2):
        wanted = engine.submit("cleanup", None, actor="test", priority="urgent").job
        carrying.look()
        assert len(engine.workers()) == 1
        engine.cancel(wanted.id)
        until(lambda: not engine.is_due())
        carrying.look()
        assert not engine.workers()
        assert threading.active_count() == threads


@pytest.mark.parametrize("varies", [False, True])
def test_what_its_worker_fails_at_again_and_again_is_told_until_it_goes_well(
    engine: Engine, carrying: Carrying, monkeypatch: pytest.MonkeyPatch, *, varies: bool
) -> None:
    processes = iter(range(1000))

    def broken(*_: object) -> None:
        raise Misconfigured(f"no such column{f', says process {next(processes)}' if varies else ''}")

    def told() -> str:
        try:
            carrying.look()
        except Retryable as error:
            return error.message
        return ""

    wanted = engine.submit("cleanup", None, actor="test", priority="urgent").job
    with monkeypatch.context() as patched:
        patched.setattr(dispatches, "waiting", broken)
        until(lambda: told().startswith("hand-over failed: no such column"))
        engine.cancel(wanted.id)
    monkeypatch.setattr(worker, "REST_SECONDS", 60)
    until(lambda: not told())


def test_a_job_for_later_is_waited_for_at_rest(database: Database, engine: Engine, carrying: Carrying) -> None:
    new = wanted(succession.works(), "cleanup", None, actor="test")._replace(delay=3600)
    with database.begin() as connection:
        wanting.submit_one(connection, new, utc_now())
    carrying.look()
    assert not engine.workers()


def test_at_rest_nothing_is_written(database: Database, carrying: Carrying) -> None:
    carrying.look()  # the first look enters who hears events
    with written(database) as statements:
        for _ in range(3):
            carrying.look()
    assert statements == []
