"""Workers that are killed, frozen, stopped and cut off → every job still ends once, as seen in what it changed."""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from config.database import Database
from tests import engine_worker
from tests.databases import PostgresServer
from tests.engine_worker import MARKS, PHASES, QUICK, Script, marks, plays
from tests.faults import ALL
from tests.waiting import PATIENCE, until
from workflow.engine.engine import Engine

NURSERY = multiprocessing.get_context("forkserver")  # imports once what each worker would import for a second
NURSERY.set_forkserver_preload(["tests.engine_worker", "workflow.engine.carrier"])


class Crew:
    """Worker processes of one test; each data folder is a host of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._url = database.url.render_as_string(hide_password=False)
        self._folder = folder
        self.processes: dict[BaseProcess, str] = {}
        self._events: list[Event] = []  # one that nobody here refers to could not be opened over there

    def begin(self, host: str = "host", **limits: Any) -> BaseProcess:
        """Start a worker without waiting for it."""
        return self._begin(host, limits)[0]

    def hire(self, host: str = "host", **limits: Any) -> BaseProcess:
        """Start a worker and wait until it works."""
        process, works = self._begin(host, limits)
        assert works.wait(PATIENCE), (self._folder / "log").read_text()
        return process

    def _begin(self, host: str, limits: dict[str, Any]) -> tuple[BaseProcess, Event]:
        (self._folder / host).mkdir(exist_ok=True)
        works = NURSERY.Event()
        self._events.append(works)
        given = (self._url, str(self._folder / host), json.dumps(limits), self._folder / "log", works)
        process = NURSERY.Process(target=work, args=given)
        process.start()
        self.processes[process] = host
        return process, works

    def end(self) -> None:
        """Kill whoever is left."""
        for process in self.processes:
            process.kill()
            process.join()
            process.close()


def work(url: str, data_dir: str, limits: str, log: Path, works: Event) -> None:
    """Be a worker."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    engine_worker.main(url, data_dir, limits, began=works.set)


@pytest.fixture
def crew(database: Database, tmp_path: Path) -> Iterator[Crew]:
    """Nobody yet; whoever a test hires is gone after it."""
    with database.begin() as connection:
        connection.execute(text(MARKS))
    hired = Crew(database, tmp_path)
    yield hired
    hired.end()


@pytest.fixture
def engine(database: Database, crew: Crew) -> Engine:
    """The engine with the phases of the tests."""
    return Engine(database, plays())


def freeze(process: BaseProcess, database: Database) -> None:
    """Stop a process; on SQLite not while it writes, for nobody else can then as long as it sleeps."""
    while True:
        os.kill(pid_of(process), signal.SIGSTOP)
        until(lambda: is_stopped(process))
        if not database.is_sqlite or not _holds_the_file(database):
            return
        os.kill(pid_of(process), signal.SIGCONT)


def is_stopped(process: BaseProcess) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _holds_the_file(database: Database) -> bool:
    connection = sqlite3.connect(str(database.url.database), timeout=0.2)
    with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE").connection.rollback()
        return False
    return True


def is_heard(engine: Engine, process: BaseProcess) -> bool:
    return any(one.pid == process.pid and one.seconds_silent < 1 for one in engine.workers())


def pid_of(process: BaseProcess) -> int:
    assert process.pid is not None
    return process.pid


def ended(process: BaseProcess) -> int | None:
    """Wait until a process has ended; return its exit code."""
    process.join(PATIENCE)
    return process.exitcode


def submit(engine: Engine, phase: str, item: int, priority: str = "normal", **script: Any) -> int:
    return engine.submit(phase, item, Script(**script), actor="test", priority=priority).job.id


def all_done(engine: Engine, count: int) -> Callable[[], bool]:
    return lambda: sum(found.get("done", 0) for found in engine.counts().values()) == count


def two_that_may_judge(database: Database, engine: Engine, crew: Crew, timeouts: int) -> list[BaseProcess]:
    """Let two hosts work, and listen to one another for so long; their jobs last a timeout longer."""
    both = [crew.hire(host, alpha=[1]) for host in ("first", "second")]
    for item in range(2):
        submit(engine, "alpha", item, do="hold", seconds=(timeouts + 1) * QUICK.timeout)
    until(lambda: {mark.pid for mark in marks(database, "began")} == {process.pid for process in both})
    time.sleep(timeouts * QUICK.timeout)
    return both


def sign_of(database: Database, process: BaseProcess) -> int:
    """Return when a worker gave its last sign of life, by the database's clock."""
    with database.read() as connection:
        found = connection.scalar(text("SELECT beat_ms FROM workers WHERE pid = :pid"), {"pid": process.pid})
    return int(found or 0)


def most_at_once(database: Database) -> int:
    with database.read() as connection:
        changes = sorted(
            (row.at, 1 if row.kind == "began" else -1) for row in connection.execute(text("SELECT at, kind FROM marks"))
        )
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def assert_each_ended_once(database: Database, wanted: set[tuple[str, int]]) -> None:
    ended = Counter((mark.phase, mark.item) for mark in marks(database, "ended"))
    assert set(ended) == wanted
    assert set(ended.values()) == {1}


def test_a_worker_that_was_killed_goes_on_where_it_was(database: Database, engine: Engine, crew: Crew) -> None:
    for item in range(12):
        submit(engine, "alpha", item, do="spin", seconds=0.1)
    first = crew.hire()
    until(lambda: len(marks(database, "began")) >= 3)
    first.kill()
    crew.hire()
    until(all_done(engine, 12))
    assert_each_ended_once(database, {("alpha", item) for item in range(12)})


def test_another_host_takes_over_what_a_dead_one_had(database: Database, engine: Engine, crew: Crew) -> None:
    first, second = crew.hire("first", alpha=[2]), crew.hire("second", alpha=[2])
    for item in range(8):
        submit(engine, "alpha", item, do="hold", seconds=0.5)
    until(lambda: first.pid in {mark.pid for mark in marks(database, "began")})
    first.kill()
    until(all_done(engine, 8))
    assert_each_ended_once(database, {("alpha", item) for item in range(8)})
    until(lambda: [worker.pid for worker in engine.workers()] == [second.pid])


def test_a_worker_that_wakes_up_too_late_commits_nothing(database: Database, engine: Engine, crew: Crew) -> None:
    frozen = crew.hire("first")
    job_id = submit(engine, "alpha", 1, do="spin", seconds=1)
    until(lambda: marks(database, "began"))
    freeze(frozen, database)
    other = crew.hire("second")
    until(all_done(engine, 1))
    os.kill(pid_of(frozen), signal.SIGCONT)
    until(lambda: {worker.pid for worker in engine.workers()} == {frozen.pid, other.pid})  # it begins anew
    submit(engine, "beta", 1)
    until(all_done(engine, 2))
    assert [mark.pid for mark in marks(database, "ended") if mark.job == job_id] == [other.pid]
    assert engine.show(job_id).executor in {worker.executor for worker in engine.workers() if worker.pid == other.pid}


def test_of_workers_that_slept_together_the_first_to_wake_takes_nobody_for_dead(
    database: Database, engine: Engine, crew: Crew
) -> None:
    """As when their machine is suspended: nobody has heard of anybody since."""
    both = two_that_may_judge(database, engine, crew, 1)
    for process in both:
        freeze(process, database)
    time.sleep(2 * QUICK.timeout)
    for process in both:
        os.kill(pid_of(process), signal.SIGCONT)
        until(partial(is_heard, engine, process))
        time.sleep(2 * QUICK.beat)
    until(all_done(engine, 2))
    assert [job.deaths for job in engine.list()] == [0, 0]


@pytest.mark.parametrize("jump_ms", [3600000, -3600000])
def test_where_the_databases_clock_jumps_nobody_takes_the_others_for_dead(
    database: Database, engine: Engine, crew: Crew, jump_ms: int
) -> None:
    """As when the clock of its machine is set: everybody's last sign of life is an hour ago at once, or to come."""
    two_that_may_judge(database, engine, crew, 2)
    with database.begin() as connection:
        connection.execute(text("UPDATE workers SET beat_ms = beat_ms - :jump"), {"jump": jump_ms})
    until(all_done(engine, 2))
    assert [job.deaths for job in engine.list()] == [0, 0]


@pytest.mark.parametrize("jump_ms", [3600000, -3600000])
def test_who_was_heard_while_the_databases_clock_was_wrong_for_a_moment_is_not_taken_for_dead(
    database: Database, engine: Engine, crew: Crew, jump_ms: int
) -> None:
    """As when it is set and set back again between two beats of the others, who see nothing of it."""
    one, other = two_that_may_judge(database, engine, crew, 2)
    began = time.monotonic()
    freeze(other, database)  # or it may be heard again before the other one looks
    with database.begin() as connection:
        wrong = text("UPDATE workers SET beat_ms = beat_ms + :jump WHERE pid = :pid")
        connection.execute(wrong, {"jump": jump_ms, "pid": other.pid})
    for _ in range(2):
        last = sign_of(database, one)
        until(lambda last=last: sign_of(database, one) != last)  # type: ignore[misc]
    os.kill(pid_of(other), signal.SIGCONT)
    if time.monotonic() - began > QUICK.timeout / 2:
        pytest.skip("this machine was so slow that whoever was frozen may well be taken for dead")
    until(all_done(engine, 2))
    assert [job.deaths for job in engine.list()] == [0, 0]


def test_a_job_that_kills_its_workers_is_parked_with_its_input(database: Database, engine: Engine, crew: Crew) -> None:
    job_id = submit(engine, "alpha", 1, do="kill")
    for _ in range(3):
        assert ended(crew.begin()) == -signal.SIGKILL
    crew.hire()
    job = until(lambda: (found := engine.show(job_id)).status == "parked" and found)
    assert (job.code, job.deaths, job.payload["do"]) == ("poison", 3, "kill")
    assert [failure["code"] for failure in job.failures] == ["worker_died"] * 3


def test_the_most_urgent_goes_first_whichever_worker_takes_it(database: Database, engine: Engine, crew: Crew) -> None:
    names = ("idle", "normal", "low", "urgent", "high")
    for item in range(10):
        submit(engine, "alpha", item, priority=names[item % 5], do="spin", seconds=0.05)
    for host in ("first", "second"):
        crew.begin(host, alpha=[1, 1])
    until(all_done(engine, 10))
    order = [names[mark.item % 5] for mark in marks(database, "began")]
    assert order == [name for name in ("urgent", "high", "normal", "low", "idle") for _ in range(2)]


def test_a_limit_over_all_workers_holds_over_two_of_them(database: Database, engine: Engine, crew: Crew) -> None:
    for item in range(16):
        submit(engine, "alpha", item, do="spin", seconds=0.1)
    for host in ("first", "second"):
        crew.begin(host, alpha=[4, 3])
    until(all_done(engine, 16))
    assert most_at_once(database) <= 3


def test_requests_of_two_workers_are_as_far_apart_as_the_provider_allows(
    database: Database, engine: Engine, crew: Crew
) -> None:
    for host in ("first", "second"):
        crew.hire(host, alpha=[1])
    items = itertools.count()

    def are_both_at_it() -> bool:
        submit(engine, "alpha", next(items), do="turn", times=1, seconds=0.2)
        return len({mark.pid for mark in marks(database, "turn")}) == 2

    until(are_both_at_it)
    until(all_done(engine, next(items)))
    assert min(later.at - earlier.at for earlier, later in pairwise(marks(database, "turn"))) >= 0.2


def test_a_worker_told_to_stop_gives_back_what_it_has(database: Database, engine: Engine, crew: Crew) -> None:
    job_id = submit(engine, "alpha", 1, do="hold", seconds=1)
    for item in range(2, 8):
        submit(engine, "alpha", item, do="hold", seconds=0.2)
    first = crew.hire(alpha=[2])
    until(lambda: engine.show(job_id).status == "running")
    first.terminate()
    assert ended(first) == 0
    assert engine.counts()["alpha"].get("running") is None
    assert engine.workers() == []
    crew.hire()
    until(all_done(engine, 7))
    assert {(job.deaths, job.attempt) for job in engine.list()} == {(0, 1)}
    assert_each_ended_once(database, {("alpha", item) for item in range(1, 8)})


@pytest.mark.postgres
def test_workers_outlive_a_server_that_goes_away(
    postgres_server: PostgresServer, database: Database, engine: Engine, crew: Crew
) -> None:
    worker = crew.hire(alpha=[2])
    for item in range(6):
        submit(engine, "alpha", item, do="spin", seconds=0.3)
    until(lambda: len(marks(database, "began")) >= 2)
    postgres_server.crash()
    time.sleep(30 if ALL else 1)  # it is away so long
    postgres_server.start()
    database.engine.dispose()
    until(all_done(engine, 6))
    assert worker.is_alive()
    assert_each_ended_once(database, {("alpha", item) for item in range(6)})


@pytest.mark.sqlite
def test_workers_outlive_a_file_that_stays_locked(database: Database, engine: Engine, crew: Crew) -> None:
    worker = crew.hire()
    for item in range(6):
        submit(engine, "alpha", item, do="spin", seconds=0.1)
    with database.begin():
        time.sleep(40 if ALL else 3)  # longer than it takes to be taken for dead
    until(all_done(engine, 6))
    assert worker.is_alive()
    assert_each_ended_once(database, {("alpha", item) for item in range(6)})


def test_chains_of_four_phases_end_once_while_workers_are_killed_at_random(
    database: Database, engine: Engine, crew: Crew
) -> None:
    items, kills = (1000, 20) if ALL else (20, 3)
    chance = random.Random(7)

    def are_ended(more_than: int) -> bool:
        return len(marks(database, "ended")) > more_than

    for phase in PHASES:
        for item in range(items):
            submit(engine, phase, item)
    crew.hire("first", **{phase: [8] for phase in PHASES})
    crew.hire("second", **{phase: [8] for phase in PHASES})
    for kill in range(1, kills + 1):
        until(partial(are_ended, items * 4 * kill // (kills + 2)))
        number = chance.randrange(2)
        victim = [process for process in crew.processes if process.is_alive()][number]
        victim.kill()
        victim.join()
        crew.begin(crew.processes[victim], **{phase: [8] for phase in PHASES})
    done = all_done(engine, items * 4)

    def done_or_tried_again() -> bool:
        for job in engine.list(statuses=("parked",)):  # the one that three of the dead had: a person looks, and says so
            engine.retry(job.id, actor="eva")
        return done()

    until(done_or_tried_again)
    assert_each_ended_once(database, {(phase, item) for phase in PHASES for item in range(items)})
