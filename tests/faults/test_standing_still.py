"""A process stopped inside a transaction of PostgreSQL → others get its rows; it hears of it when it wakes."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from config.database import STANDING_STILL_S, Database
from config.errors import Retryable
from tests.engine_worker import MARKS, marks, plays
from tests.faults.test_engine_workers import Crew, all_done, is_stopped, pid_of, submit
from tests.waiting import until
from workflow.engine.engine import Engine
from workflow.engine.worker import PACE

pytestmark = pytest.mark.postgres
GIVEN = text("SHOW idle_in_transaction_session_timeout")


def impatient(url: str, milliseconds: int) -> Database:
    """The database with sessions that may stand still for a moment only, as their URL says."""
    return Database(f"{url}&options=-c%20idle_in_transaction_session_timeout%3D{milliseconds}")


def wait_for_the_end_of(session: int, database: Database) -> None:
    alive = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")

    def is_over() -> bool:
        with database.read() as connection:
            return bool(connection.execute(alive, {"pid": session}).scalar_one() == 0)

    until(is_over)


def write_half(database: Database, others: Database, more: str | None) -> None:
    """Stand still in a transaction until the server has had enough of it, then go on as if nothing were."""
    with database.begin() as one:
        session = one.execute(text("INSERT INTO marks (kind) VALUES ('half') RETURNING pg_backend_pid()"))
        wait_for_the_end_of(session.scalar_one(), others)
        if more:
            one.execute(text(more))  # else it is the COMMIT that hears of it


@pytest.mark.parametrize("more", ["SELECT 1", None])
def test_what_stood_still_is_told_so_and_goes_on_in_a_new_session(postgres_url: str, more: str | None) -> None:
    with closing(Database(postgres_url)) as others, closing(impatient(postgres_url, 200)) as database:
        with others.begin() as connection:
            connection.execute(text(MARKS))
        with pytest.raises(Retryable, match="this process stood still for too long") as told:
            write_half(database, others, more)
        assert told.value.reason_code == "database_unavailable"
        assert marks(others, "half") == []
        with database.read() as again:
            assert again.execute(GIVEN).scalar_one() == "200ms"


def test_sessions_are_given_time_that_ends_before_a_worker_counts_as_dead(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with database.begin() as connection:
            assert connection.execute(GIVEN).scalar_one() == f"{STANDING_STILL_S}s"
        with database.read(snapshot=True) as connection:  # what is written to files may wait for a disk
            assert connection.execute(GIVEN).scalar_one() == "0"
        with database.begin() as connection:
            assert connection.execute(GIVEN).scalar_one() == f"{STANDING_STILL_S}s"
    assert PACE.timeout >= STANDING_STILL_S


def test_a_worker_stopped_in_the_transaction_that_ends_its_job_holds_nobody_up(
    postgres_url: str, tmp_path: Path
) -> None:
    with closing(impatient(postgres_url, 2000)) as database:
        with database.begin() as connection:
            connection.execute(text(MARKS))
        engine, crew = Engine(database, plays()), Crew(database, tmp_path)
        try:
            frozen = crew.hire("first")
            job_id = submit(engine, "alpha", 1, do="freeze")
            until(lambda: is_stopped(frozen))
            other = crew.hire("second")
            submit(engine, "beta", 2)
            until(all_done(engine, 2))
            os.kill(pid_of(frozen), signal.SIGCONT)
            until(lambda: {worker.pid for worker in engine.workers()} == {frozen.pid, other.pid})  # it begins anew
            other.kill()
            submit(engine, "alpha", 3)
            until(all_done(engine, 3))
            by = [(mark.item, mark.pid) for mark in marks(database, "ended")]
            assert sorted(by) == [(1, other.pid), (2, other.pid), (3, frozen.pid)]
            assert engine.show(job_id).deaths == 1
            assert "the end of a job waits for the database" in (tmp_path / "log").read_text()
        finally:
            crew.end()
