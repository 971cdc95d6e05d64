"""The engine's promises, on both databases: what becomes of a job, in one process and through its public interface."""

from __future__ import annotations

import datetime as dt
import errno
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from config.database import Database
from config.driver_errors import answering, may_be_own
from config.errors import Busy, LeaseLost, Misconfigured, Retryable, RootSilent, Unmoved
from config.machine import utc_now
from daemon.worker import GRACE_SECONDS
from tests.engine_worker import MARKS, QUICK, Play, Script, limits, marks, plays, raising
from tests.waiting import PATIENCE, until
from workflow.engine import dispatches, hosts, jobs, wanting
from workflow.engine.carrier import Carrier
from workflow.engine.engine import Engine
from workflow.engine.engine import wanted as new_job
from workflow.engine.failure import FULL_SECONDS, OUTAGE, OUTAGE_ATTEMPTS, RootAway, Verdict, judge
from workflow.engine.job import PRIORITIES, Job, Limits, Payload
from workflow.engine.runner import Runner
from workflow.engine.tables import JobRow
from workflow.engine.worker import Worker, working

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def engine(database: Database) -> Engine:
    """The engine with the phases of the tests, and nobody working yet."""
    with database.begin() as connection:
        connection.execute(text(MARKS))
    return Engine(database, plays())


@pytest.fixture
def work(database: Database, engine: Engine, tmp_path: Path) -> Iterator[Callable[..., dict[str, Limits]]]:
    """Start the worker of this process; give its limits, which a test may change."""
    import contextlib

    with contextlib.ExitStack() as stack:

        def start(**given: Any) -> dict[str, Limits]:
            found = limits(given)
            stack.enter_context(
                working(database, tmp_path, plays(), lambda _: found, concurrency=8, grace=5, pace=QUICK)
            )
            return found

        yield start


def closed(engine: Engine, *ids: int) -> list[Job]:
    """Wait until jobs have ended."""
    until(lambda: all(engine.show(job_id).status not in ("queued", "running") for job_id in ids))
    return [engine.show(job_id) for job_id in ids]


def submit(engine: Engine, phase: str, item: int | None, **options: Any) -> int:
    priority = options.pop("priority", "normal")
    return engine.submit(phase, item, Script(**options), actor="test", priority=priority).job.id


def submit_for_later(database: Database, item: int) -> int:
    """Want a job that waits an hour."""
    new = new_job(plays(), "alpha", item, Script(), actor="test")._replace(delay=3600)
    with database.begin() as connection:
        return wanting.submit_one(connection, new, dt.datetime.now(dt.UTC))[0].id


def begun(database: Database, job_id: int) -> Job:
    """Start a queued job for a worker that is not there."""
    with database.begin() as connection:
        job = jobs.start(connection, job_id, "me", NOW)
    assert job is not None
    return job


def test_a_job_ends_in_one_transaction_with_what_it_did(database: Database, engine: Engine, work: Any) -> None:
    job_id = submit(engine, "alpha", 1)
    work()
    (job,) = closed(engine, job_id)
    assert (job.status, job.attempt, job.error, job.failures) == ("done", 1, None, [])
    assert [(mark.job, mark.item) for mark in marks(database, "ended")] == [(job_id, 1)]
    assert engine.counts() == {"alpha": {"done": 1}}


def test_a_start_whose_answer_got_lost_is_known_again_and_counts_once(database: Database, engine: Engine) -> None:
    job = begun(database, submit(engine, "alpha", 1))
    assert begun(database, job.id) == job
    with database.begin() as connection:
        assert jobs.start(connection, job.id, "another", NOW) is None
        assert jobs.start(connection, job.id + 1, "me", NOW) is None  # nobody knows it any more


def test_once_the_file_of_the_database_was_replaced_jobs_are_taken_from_the_new_one(
    database: Database, engine: Engine, work: Any
) -> None:
    if not database.is_sqlite:
        pytest.skip("there is no file that could be replaced")
    file = Path(str(database.url.database))
    work()
    closed(engine, submit(engine, "alpha", 1))
    restored = file.with_name("restored.db")
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(restored)) as new:
        old.backup(new)
    for name in (f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink(missing_ok=True)
    restored.replace(file)
    with suppress(Retryable):  # which says so, to whoever asks first
        engine.counts()
    (job,) = closed(engine, submit(engine, "alpha", 2))
    assert (job.status, job.dispatch) == ("done", 1)


def test_once_the_index_of_the_database_was_removed_jobs_go_on_with_the_next_one(
    database: Database, engine: Engine, work: Any
) -> None:
    if not database.is_sqlite:
        pytest.skip("there is no file that could be removed")
    work()
    closed(engine, submit(engine, "alpha", 1))
    Path(f"{database.url.database}-shm").unlink()
    until(lambda: counted(engine) == {"alpha": {"done": 1}})
    (job,) = closed(engine, submit(engine, "alpha", 2))
    assert (job.status, job.dispatch) == ("done", 1)


def counted(engine: Engine) -> Any:
    """Return how many jobs there are, or that nobody can say."""
    try:
        return engine.counts()
    except Retryable as error:
        return error.reason_code


def test_the_urgent_goes_before_the_idle_whatever_came_first(database: Database, engine: Engine, work: Any) -> None:
    names = ("idle", "normal", "low", "urgent", "high")
    ids = [submit(engine, "alpha", n, priority=name) for n, name in enumerate(names)]
    work(alpha=(1,))
    closed(engine, *ids)
    order = [names[mark.item] for mark in marks(database, "began")]
    assert order == ["urgent", "high", "normal", "low", "idle"]


def test_a_phase_of_an_item_has_one_open_job(engine: Engine, work: Any) -> None:
    first = engine.submit("alpha", 1, Script(do="hold", seconds=60), actor="test", priority="low")
    again = engine.submit("alpha", 1, Script(), actor="eva", priority="urgent")
    assert (again.job.id, again.is_new) == (first.job.id, False)
    assert (again.job.priority, again.job.actor, again.job.payload) == (10, "eva", first.job.payload)  # hastened
    work()
    until(lambda: engine.show(first.job.id).status == "running")
    assert not engine.submit("alpha", 1, Script(), actor="test").is_new
    assert engine.submit("alpha", 2, Script(), actor="test").is_new
    engine.cancel(first.job.id)
    closed(engine, first.job.id)
    assert engine.submit("alpha", 1, Script(), actor="test").is_new


def test_what_a_person_asks_for_reaches_the_job_that_waits_already(engine: Engine) -> None:
    first = engine.submit("alpha", 1, actor="chain").job
    for actor in ("eva", "ada"):  # a person's wish may wait there, too
        engine.submit("alpha", 1, Script(do="hold", seconds=60), actor=actor, priority="urgent")
        assert engine.show(first.id).payload == Script(do="hold", seconds=60).model_dump(mode="json")
    plain = engine.submit("alpha", 1, Script(), actor="bo", priority="urgent").job
    assert plain.payload == Script(do="hold", seconds=60).model_dump(mode="json")  # asks for nothing else


def test_what_a_person_asks_for_while_the_job_runs_is_done_afterwards(
    database: Database, engine: Engine, work: Any
) -> None:
    job_id = submit(engine, "alpha", 1, do="spin", seconds=0.5)
    work()
    until(lambda: engine.show(job_id).status == "running")
    engine.submit("alpha", 1, actor="bo", priority="urgent")  # asks for nothing else: it is being done
    wish = Script(do="fail", times=1)
    assert engine.submit("alpha", 1, wish, actor="eva", priority="urgent").job.id == job_id
    (job,) = closed(engine, job_id)
    assert (job.status, job.attempt, job.actor, job.payload) == ("done", 2, "eva", wish.model_dump(mode="json"))
    assert len(marks(database, "ended")) == 2


def test_a_job_that_is_to_go_on_with_another_wish_does_so_once(database: Database, engine: Engine) -> None:
    job_id = submit(engine, "alpha", 1)
    job = begun(database, job_id)
    submit(engine, "alpha", 1, priority="urgent", do="hold")
    with database.begin() as connection:
        assert jobs.finish(connection, job, NOW)
        assert not jobs.finish(connection, job, NOW)  # the answer to the first commit got lost
    assert engine.show(job_id).status == "queued"
    job = begun(database, job_id)
    submit(engine, "alpha", 1, priority="urgent", do="spin")
    engine.cancel(job_id)
    with database.begin() as connection:
        jobs.finish(connection, job, NOW)
    assert engine.show(job_id).status == "done"  # it was too late to cancel it, and nobody wants it again


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("wish", [{}, {"do": "hold"}])
def test_what_a_person_asks_for_after_a_cancellation_is_done(
    database: Database, engine: Engine, wish: dict[str, str], noticed: bool
) -> None:
    job_id = submit(engine, "alpha", 1)
    job = begun(database, job_id)
    engine.cancel(job_id)
    submit(engine, "alpha", 1, priority="urgent", **wish)
    with database.begin() as connection:
        if noticed:
            failure = {"code": "cancelled", "message": ""}
            assert jobs.fail(connection, job, Verdict("cancelled"), failure, NOW, asked=True)
        else:
            assert jobs.finish(connection, job, NOW)
    after = engine.show(job_id)
    assert (after.status, after.cancel_requested) == ("queued" if wish or noticed else "done", False)
    assert after.payload == Script.model_validate(wish).model_dump(mode="json")


def test_an_item_has_one_running_job_at_a_time(database: Database, engine: Engine, work: Any) -> None:
    ids = [submit(engine, phase, 7, do="spin", seconds=0.05) for phase in ("alpha", "beta", "gamma", "delta")]
    work()
    closed(engine, *ids)
    events = sorted((m.at, m.kind) for kind in ("began", "ended") for m in marks(database, kind))
    assert [kind for _, kind in events] == ["began", "ended"] * 4


def test_an_error_that_may_pass_is_tried_again_and_remembered(engine: Engine, work: Any) -> None:
    job_id = submit(engine, "alpha", 1, do="fail", times=2)
    work()
    (job,) = closed(engine, job_id)
    assert (job.status, job.attempt) == ("done", 3)
    assert [(f["attempt"], f["code"]) for f in job.failures] == [(1, "not_yet"), (2, "not_yet")]
    assert "not yet, says attempt 1" in job.failures[0]["traceback"]


def test_a_job_that_gives_up_is_dead_until_a_person_tries_or_discards_it(engine: Engine, work: Any) -> None:
    ids = [submit(engine, "alpha", n, do="fail", times=9) for n in range(2)]
    work()
    dead, other = closed(engine, *ids)
    assert (dead.status, dead.attempt, dead.code) == ("dead", 3, "not_yet")
    assert {job.id for job in engine.list(statuses=["dead"])} == set(ids)
    again = engine.retry(dead.id, actor="eva")
    assert again.is_new
    assert (again.job.payload, again.job.actor, again.job.manual) == (dead.payload, "eva", True)
    engine.discard(other.id)
    closed(engine, again.job.id)
    assert [job.id for job in engine.list(statuses=["dead"])] == [again.job.id]
    assert [engine.show(job_id).status for job_id in ids] == ["discarded", "discarded"]
    with pytest.raises(Misconfigured, match="only what failed"):
        engine.discard(other.id)


def test_the_class_of_an_error_decides_what_becomes_of_a_job(engine: Engine, work: Any) -> None:
    ends = {"park": ("parked", 1, "which"), "reject": ("dead", 1, "no_album"), "break": ("dead", 3, "unexpected")}
    given = [submit(engine, "alpha", item, do=do) for item, do in enumerate(ends, 1)]
    work()
    found = closed(engine, *given)
    assert [(job.status, job.attempt, job.code) for job in found] == list(ends.values())
    assert [len(job.failures) for job in found] == [1, 1, 3]


def test_a_failure_that_quotes_what_no_database_takes_is_kept(engine: Engine, work: Any) -> None:
    job_id = submit(engine, "alpha", 1, do="quote")
    work()
    (job,) = closed(engine, job_id)
    assert (job.status, job.code, job.error) == ("dead", "odd_title", "no title is \\ud800\\x00")
    assert "    raise Rejected(" in job.failures[0]["traceback"].splitlines()[-2]


def test_what_the_system_refuses_a_job_is_said_with_the_file_and_the_way_out(engine: Engine, work: Any) -> None:
    ends = {
        errno.EMFILE: ("dead", "too_many_files", "raise LimitNOFILE"),
        errno.EIO: ("dead", "io_error", "check the kernel's log and the disk"),
        errno.EPERM: ("parked", "permission_denied", "look whether it is immutable (`lsattr`)"),
        errno.EACCES: ("parked", "permission_denied", "give the user Greenroom runs as the right to it"),
    }
    given = [submit(engine, "alpha", item, do="open", times=number) for item, number in enumerate(ends, 1)]
    work()
    for job, (status, code, advice) in zip(closed(engine, *given), ends.values(), strict=True):
        assert (job.status, job.code) == (status, code)
        assert "/srv/music/a \\xff.flac" in (job.error or "")
        assert advice in (job.error or "")
        assert "in _open" in job.failures[0]["traceback"]


def test_back_off_doubles_up_to_its_cap_and_jobs_do_not_come_back_together() -> None:
    retries = plays()["alpha"].retries._replace(attempts=9, base=2, cap=60)
    delays = [judge(OSError(), attempt, retries, 0.5).delay for attempt in range(1, 9)]
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]
    assert judge(OSError(), 2, retries, 0).delay == 2
    assert judge(OSError(), 2, retries, 1).delay == 6


def test_a_disk_that_does_not_answer_costs_a_job_no_attempt_and_is_asked_again_after_as_long_as_it_was_silent() -> None:
    def silent(seconds: float) -> Verdict:
        error = RootSilent("/srv/music has not answered")
        error.seconds = seconds
        return judge(error, 9, plays()["alpha"].retries, 0.5)

    assert [silent(seconds) for seconds in (0, 130, 9000)] == [
        Verdict("queued", delay, counts=False) for delay in (10, 130, 300)
    ]


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, "disk_full", "No space left on device; free some space"),
        (errno.EDQUOT, "quota_full", "Disk quota exceeded; raise the quota or free some space"),
    ],
)
def test_a_job_that_finds_no_room_costs_no_attempt_and_people_hear_of_it_once(
    database: Database, engine: Engine, work: Any, number: int, code: str, said: str
) -> None:
    ids = [submit(engine, "alpha", n, do="open", times=number) for n in range(3)]
    work(alpha=Limits(1))
    for _ in range(2):  # the second time each comes back to a disk that is as full
        later = utc_now() + dt.timedelta(seconds=FULL_SECONDS - 1)
        until(lambda: all((job := engine.show(one)).status == "queued" and job.not_before > later for one in ids))  # noqa: B023
        found = [engine.show(one) for one in ids]
        assert {(job.code, job.attempt) for job in found} == {(code, 0)}
        assert sum(len(job.failures) for job in found) == 1, "what people heard is kept"
        with database.begin() as connection:
            told = connection.execute(text("SELECT kind, why FROM events")).all()
            connection.execute(update(JobRow).values(not_before=utc_now()))
    assert [kind for kind, _ in told] == ["job_dead"]
    assert said in told[0].why
    assert "until then it is tried again every few minutes" in told[0].why


@pytest.mark.parametrize("do", ["miss", "ask"])
def test_a_database_that_is_away_costs_no_attempt_but_a_statement_that_it_refuses_again_does_and_both_are_told_once(
    database: Database, engine: Engine, work: Any, do: str
) -> None:
    ids = [submit(engine, "alpha", n, do=do) for n in range(3)]
    work(alpha=Limits(1))

    def told() -> list[str]:
        until(lambda: all((job := engine.show(one)).status == "queued" and job.code for one in ids))
        assert {job.code for job in map(engine.show, ids)} == {"database_unavailable"}
        assert all(job.not_before > utc_now() + dt.timedelta(seconds=30) for job in map(engine.show, ids))
        with database.begin() as connection:
            return list(connection.scalars(text("SELECT why FROM events")))

    assert told() == [], "it may be a restart, which is over"
    assert {engine.show(one).attempt for one in ids} == {0}
    for attempt in (1, 2):
        fences = {job.id: job.fence for job in map(engine.show, ids)}
        with database.begin() as connection:
            connection.execute(update(JobRow).values(not_before=utc_now()))
        until(lambda: all(engine.show(one).fence > fences[one] for one in ids))  # noqa: B023
        (why,) = told()
        assert "did not answer" in why
        assert "; until then it is tried again" in why
        assert {engine.show(one).attempt for one in ids} == {attempt if do == "ask" else 0}


def test_an_error_of_the_database_is_that_of_a_statement_only_if_it_is_no_lock_no_want_of_room_and_no_lost_connection(
    database: Database,
) -> None:
    def ask(*statements: str) -> None:
        with database.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def is_own(*statements: str) -> bool:
        with pytest.raises(Retryable) as refused:
            ask(*statements)
        assert refused.value.reason_code == OUTAGE
        return may_be_own(database.url, refused.value)

    assert not may_be_own(database.url, Retryable("the file of the database is gone", code=OUTAGE))
    if not database.is_sqlite:
        assert [is_own(raising(state)) for state in ("57014", "58030")] == [True, True]
        assert [is_own(raising(state)) for state in ("40001", "40P01", "53100", "53300", "55P03")] == [False] * 5
        assert not is_own("SELECT pg_terminate_backend(pg_backend_pid())")
        return
    assert is_own("SELECT * FROM nowhere")
    full = "PRAGMA max_page_count = 1", "CREATE TABLE more AS SELECT zeroblob(1 << 20)"
    assert not is_own(*full)
    with closing(sqlite3.connect(database.url.database or "")) as other, database.read() as reading:
        reading.exec_driver_sql("SELECT * FROM jobs").all()
        other.execute("CREATE TABLE more (less)")
        with pytest.raises(Retryable) as refused, answering(database.url):
            reading.exec_driver_sql("DELETE FROM jobs")  # after what it has not seen
    assert not may_be_own(database.url, refused.value)


def test_a_job_that_the_database_alone_never_answers_comes_back_ever_later_and_gives_up() -> None:
    """Such as a statement that takes longer than statement_timeout, or reads a page of the disk that is broken."""

    def judged(attempt: int, *, is_own: bool = True, before: str | None = OUTAGE) -> Verdict:
        error = Retryable("the database did not answer", code=OUTAGE)
        return judge(error, attempt, plays()["alpha"].retries, 0.5, before, is_own=is_own)

    for attempt in (1, OUTAGE_ATTEMPTS):
        assert judged(attempt, before=None) == Verdict("queued", 60, counts=False), "once may be a restart"
        assert judged(attempt, is_own=False) == Verdict("queued", 60, counts=False, is_told=True)
    waits = [judged(attempt) for attempt in range(1, OUTAGE_ATTEMPTS)]
    assert [verdict.delay for verdict in waits] == [120, 240, 480, 960, 1920, 3600]
    assert {(verdict.status, verdict.counts, verdict.is_told) for verdict in waits} == {("queued", True, True)}
    assert judged(OUTAGE_ATTEMPTS).status == "dead"


def test_a_job_waits_longer_for_a_move_that_a_cycle_has_to_finish_than_for_a_lock() -> None:
    waits = [judge(error("wait"), 9, plays()["alpha"].retries, 0.5) for error in (Busy, Unmoved)]
    assert waits == [Verdict("queued", 10, counts=False), Verdict("queued", 60, counts=False)]


def test_a_job_whose_root_is_away_is_offered_to_other_hosts_and_waits_only_if_nobody_has_it() -> None:
    waits = [judge(RootAway("wait"), 1, plays()["alpha"].retries, 0.5, before).delay for before in (None, "not_here")]
    assert waits == [0.5, 300]


def test_jobs_written_by_another_version_are_read_or_left_to_it(database: Database, engine: Engine, work: Any) -> None:
    ids = [submit(engine, "alpha", n) for n in range(3)]
    with database.begin() as connection:
        for job_id, payload, version in zip(
            ids, ('{"sleep": 0}', '{"new": 1}', '{"do": "fly"}'), (1, 3, 2), strict=True
        ):
            connection.execute(
                text("UPDATE jobs SET payload = :payload, payload_version = :version WHERE id = :id"),
                {"payload": payload, "version": version, "id": job_id},
            )
    work()
    old, wrong = closed(engine, ids[0], ids[2])
    assert (old.status, wrong.status, wrong.code) == ("done", "dead", "bad_payload")
    newer = until(lambda: (job := engine.show(ids[1])).code and job)
    assert (newer.status, newer.attempt, newer.code) == ("queued", 0, "not_here")


@pytest.mark.parametrize("kept", ["{", "", 7, b"\xff"])
def test_a_job_whose_payload_is_no_json_any_more_keeps_no_other_from_being_done(
    database: Database, engine: Engine, work: Any, kept: object
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL takes nothing but JSON")
    broken, whole = submit(engine, "alpha", 1), submit(engine, "alpha", 2)
    with database.begin() as connection:
        connection.execute(text("UPDATE jobs SET payload = :kept WHERE id = :id"), {"kept": kept, "id": broken})
    work()
    (dead,) = closed(engine, broken)
    assert (dead.status, dead.code) == ("dead", "bad_payload")
    (done,) = closed(engine, whole)
    assert done.status == "done"
    engine.discard(broken)


def test_a_job_of_a_phase_this_version_does_not_know_is_not_tried_again_here(database: Database) -> None:
    newer = Engine(database, {**plays(), "omega": Play("omega")})
    job_id = submit(newer, "omega", 1)
    newer.cancel(job_id)
    with pytest.raises(Misconfigured, match="there is no phase 'omega'"):
        Engine(database, plays()).retry(job_id, actor="eva")


def test_what_was_handed_over_before_an_upgrade_runs_after_it(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    ids = [submit(engine, "alpha", n) for n in range(2)]
    with working(
        database, tmp_path, plays(), lambda _: limits({"alpha": (2, None, True)}), concurrency=2, grace=5, pace=QUICK
    ):
        until(lambda: all(engine.show(job_id).carried for job_id in ids))
    with database.begin() as connection:  # as the version before wrote them
        connection.execute(text("""UPDATE jobs SET payload = '{"sleep": 0}', payload_version = 1"""))
    with working(database, tmp_path, plays(), lambda _: limits({}), concurrency=2, grace=5, pace=QUICK):
        assert {(job.status, job.attempt) for job in closed(engine, *ids)} == {("done", 1)}


def test_a_job_that_does_not_stop_in_time_is_given_back_and_commits_nothing(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    job_id = submit(engine, "alpha", 1, do="spin", seconds=3)
    worker = Worker(database, tmp_path, plays(), "here", lambda _: limits({}), concurrency=2, pace=QUICK)
    worker.start()
    until(lambda: engine.show(job_id).status == "running")
    assert worker.stop(0.1) is False
    assert (engine.show(job_id).status, engine.workers()) == ("queued", [])
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(PATIENCE)
    assert (engine.show(job_id).status, marks(database, "ended")) == ("queued", [])


def test_systemd_waits_longer_than_jobs_are_given_to_stop() -> None:
    unit = Path(__file__).parents[2] / "systemd" / "greenroom.service"
    (seconds,) = [
        line.partition("=")[2] for line in unit.read_text().splitlines() if line.startswith("TimeoutStopSec=")
    ]
    assert int(seconds) > 2 * GRACE_SECONDS


def test_what_is_submitted_is_checked(engine: Engine) -> None:
    with pytest.raises(Misconfigured, match="no phase 'omega'"):
        engine.submit("omega", 1, Script(), actor="test")
    with pytest.raises(Misconfigured, match="no priority 'asap'"):
        engine.submit("alpha", 1, Script(), actor="test", priority="asap")
    with pytest.raises(Misconfigured, match="given a Script, not Payload"):
        engine.submit("alpha", 1, Payload(), actor="test")


def test_a_job_is_there_if_and_only_if_the_transaction_commits(database: Database, engine: Engine) -> None:
    wanted = [new_job(plays(), "alpha", n, Script(), actor="test") for n in range(3)]
    with pytest.raises(ZeroDivisionError), database.begin() as connection:  # noqa: PT012  the block is what is tested
        wanting.submit(connection, wanted, NOW)
        raise ZeroDivisionError
    assert engine.list() == []
    for _ in range(2):
        with database.begin() as connection:
            wanting.submit(connection, wanted, NOW)
    assert engine.counts() == {"alpha": {"queued": 3}}


def test_jobs_that_are_all_new_are_one_statement_and_those_there_are_hastened_by_another(
    database: Database, engine: Engine
) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))

    def want(items: range, priority: str) -> int:
        statements.clear()
        with database.begin() as connection:
            wanted = [new_job(plays(), "alpha", n, Script(), actor="test", priority=priority) for n in items]
            wanting.submit(connection, wanted, dt.datetime.now(dt.UTC))
        return sum("jobs" in statement for statement in statements)

    assert want(range(40), "low") == 1
    assert want(range(38, 42), "urgent") == 2
    assert [job.item_id for job in engine.list() if job.priority < 40] == [41, 40, 39, 38]


@pytest.mark.sqlite
def test_more_jobs_are_hastened_than_a_statement_may_have_parameters(database: Database, engine: Engine) -> None:
    for priority in ("low", "urgent"):
        wanted = [new_job(plays(), "alpha", n, Script(), actor="test", priority=priority) for n in range(2500)]
        with database.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 2000)  # 32,766 as SQLite comes, 65,535 of PostgreSQL
            wanting.submit(connection, wanted, dt.datetime.now(dt.UTC))
    with database.read() as connection:
        assert set(connection.scalars(select(JobRow.priority))) == {PRIORITIES["urgent"]}


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_at_its_next_safe_place(
    database: Database, engine: Engine, work: Any, logged: list[str]
) -> None:
    queued, running = submit_for_later(database, 1), submit(engine, "beta", 2, do="hold", seconds=3600)
    assert engine.cancel(queued) == "queued"
    work()
    until(lambda: engine.show(running).status == "running")
    assert engine.cancel(running) == "running"
    assert [job.status for job in closed(engine, queued, running)] == ["cancelled", "cancelled"]
    assert marks(database, "ended") == []
    assert [line for line in logged if "a job" in line] == ["INFO a job was cancelled"]
    with pytest.raises(Misconfigured, match="nothing to cancel"):
        engine.cancel(queued)


def test_only_the_starts_that_are_meant_are_given_back(database: Database, engine: Engine) -> None:
    job = begun(database, submit(engine, "alpha", 1))
    with database.begin() as connection:
        assert jobs.give_back(connection, "me", NOW, died=True, only={job.id: job.fence - 1}) == []
        assert jobs.give_back(connection, "me", NOW, died=True, only={job.id: job.fence}) == [job]
    assert engine.show(job.id).status == "queued"


@pytest.mark.parametrize("failure", ["passes", "stopped", "gives up", "died", "gave back"])
def test_a_job_that_fails_before_it_learns_that_it_was_cancelled_does_not_begin_again(
    database: Database, engine: Engine, failure: str
) -> None:
    job_id = submit(engine, "alpha", 1)
    job = begun(database, job_id)
    engine.cancel(job_id)
    with database.begin() as connection:
        if failure in ("died", "gave back"):
            jobs.give_back(connection, "me", NOW, died=failure == "died")
        else:
            verdict = Verdict("dead" if failure == "gives up" else "queued", 60, counts=failure != "stopped")
            assert jobs.fail(connection, job, verdict, {"code": "x", "message": "why"}, NOW, asked=False)
    after = engine.show(job_id)
    assert (after.status, after.code, after.finished_at) == ("cancelled", "cancelled", NOW)


def test_what_a_person_wants_again_waits_for_them_if_it_found_something_to_look_at(
    database: Database, engine: Engine
) -> None:
    job_id = submit(engine, "alpha", 1)
    job = begun(database, job_id)
    engine.cancel(job_id)
    submit(engine, "alpha", 1, priority="urgent")
    with database.begin() as connection:
        assert jobs.fail(connection, job, Verdict("parked"), {"code": "x", "message": "why"}, NOW, asked=True)
    assert (engine.show(job_id).status, engine.show(job_id).code) == ("parked", "x")


def test_who_was_taken_for_dead_records_nothing_though_nobody_has_the_job_yet(
    database: Database, engine: Engine
) -> None:
    job = begun(database, submit(engine, "alpha", 1))
    with database.begin() as connection:
        jobs.give_back(connection, "me", NOW, died=True)
    with pytest.raises(LeaseLost), database.begin() as connection:
        jobs.finish(connection, job, NOW)
    assert engine.show(job.id).status == "queued"


def test_a_cancelled_job_still_says_what_a_person_has_to_look_at(database: Database, engine: Engine) -> None:
    job_id = submit(engine, "alpha", 1)
    job = begun(database, job_id)
    engine.cancel(job_id)
    with database.begin() as connection:
        jobs.fail(connection, job, Verdict("parked"), {"code": "x", "message": "why"}, NOW, asked=False)
    assert (engine.show(job_id).status, engine.show(job_id).code) == ("parked", "x")


@pytest.mark.postgres
def test_what_is_wanted_while_the_open_job_ends_is_a_job_of_its_own(database: Database, engine: Engine) -> None:
    first = submit(engine, "alpha", 1)
    job = begun(database, first)
    ended: list[bool] = []

    def ends(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO jobs") and not ended:
            ended.append(True)
            with database.begin() as other:
                jobs.finish(other, job, NOW)

    event.listen(database.engine, "after_cursor_execute", ends)
    found = engine.submit("alpha", 1, Script(), actor="eva", priority="urgent")
    assert (found.is_new, found.job.status, found.job.id != first) == (True, "queued", True)
    assert engine.show(first).status == "done"


def test_a_paused_phase_starts_nothing_until_it_is_resumed(database: Database, engine: Engine, work: Any) -> None:
    found = work(alpha=(4, None, True))
    waits = submit(engine, "alpha", 1)
    closed(engine, *[submit(engine, "beta", n) for n in range(2)])
    assert engine.show(waits).status == "queued"
    found["alpha"] = Limits()
    closed(engine, waits)
    assert {mark.phase for mark in marks(database, "ended")} == {"alpha", "beta"}


def test_a_delayed_job_waits_and_a_person_can_hasten_it(database: Database, engine: Engine, work: Any) -> None:
    later = submit_for_later(database, 1)
    work()
    closed(engine, submit(engine, "alpha", 2))
    assert engine.show(later).status == "queued"
    engine.submit("alpha", 1, Script(), actor="eva", priority="urgent")
    assert closed(engine, later)[0].status == "done"


def test_a_person_can_hasten_a_job_of_before_the_clock_was_set_back(database: Database, engine: Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    ahead = new_job(plays(), "alpha", 1, Script(), actor="chain")._replace(delay=60)
    with database.begin() as connection:
        wanting.submit(connection, [ahead], now + dt.timedelta(days=400))
    job = engine.submit("alpha", 1, Script(), actor="eva", priority="urgent").job
    assert (job.actor, job.manual, job.priority) == ("eva", True, 10)
    assert job.not_before < now + dt.timedelta(hours=1)


def test_a_job_of_before_the_clock_was_set_back_waits_for_no_year(
    database: Database, engine: Engine, work: Any
) -> None:
    far, near = submit(engine, "alpha", 1), submit_for_later(database, 2)
    with database.begin() as connection:
        next_year = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
        connection.execute(update(JobRow).where(JobRow.id == far).values(not_before=next_year, created_at=next_year))
    work()
    assert [job.status for job in closed(engine, far)] == ["done"]
    assert engine.show(near).status == "queued"


def test_what_the_carrier_forgets_is_handed_over_again(database: Database, engine: Engine, work: Any) -> None:
    found = work(alpha=(4, None, True))
    ids = [submit(engine, "alpha", n) for n in range(4)]
    until(lambda: all(engine.show(job_id).carried for job_id in ids))
    table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
    with database.begin() as connection:
        connection.execute(text(f"DELETE FROM {table} WHERE workflow_uuid LIKE 'job-%'"))
    found["alpha"] = Limits()
    assert {job.status for job in closed(engine, *ids)} == {"done"}


def test_only_the_newest_start_of_a_job_may_end_it(database: Database, engine: Engine) -> None:
    job_id = submit(engine, "alpha", 1)

    def begin(executor: str) -> Job:
        with database.begin() as connection:
            started = jobs.start(connection, job_id, executor, NOW)
            assert started is not None
            return started

    slow = begin("slow")
    with database.begin() as connection:
        jobs.give_back(connection, "slow", NOW, died=True)
    quick = begin("quick")
    with pytest.raises(LeaseLost, match="given to another worker"), database.begin() as connection:
        jobs.finish(connection, slow, NOW)
    with database.begin() as connection:
        assert jobs.finish(connection, quick, NOW)
        assert not jobs.finish(connection, quick, NOW)  # the answer to the first commit got lost
    assert engine.show(job_id).status == "done"


def test_a_job_that_begins_while_the_rows_are_looked_at_is_not_taken_for_lost(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    runner = Runner(database, tmp_path, plays(), "here", threading.Event(), 0)
    runner.limit(limits({}))
    job_id = submit(engine, "alpha", 1, do="hold", seconds=0.3)
    running, held = runner.running(), dict[int, tuple[int, bool]]()
    with database.begin() as connection:
        dispatches.hand_over(connection, "alpha", dt.datetime.now(dt.UTC), 10)
    thread = threading.Thread(target=runner.run, args=(job_id, 1))
    thread.start()
    until(lambda: engine.show(job_id).status == "running")
    assert runner.tell(running, held) == {}
    thread.join()
    assert engine.show(job_id).status == "done"


def test_a_slot_beyond_the_limit_is_given_back_whatever_the_carrier_hands_over(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    runner = Runner(database, tmp_path, plays(), "here", threading.Event(), 0)
    runner.limit(limits({"alpha": (1,)}))
    first, second = (submit(engine, "alpha", n, do="hold", seconds=0.3) for n in range(2))
    with database.begin() as connection:
        dispatches.hand_over(connection, "alpha", dt.datetime.now(dt.UTC), 2)
    thread = threading.Thread(target=runner.run, args=(first, 1))
    thread.start()
    until(lambda: engine.show(first).status == "running")
    runner.run(second, 1)
    assert (engine.show(second).status, engine.show(second).carried) == ("queued", False)
    thread.join()
    assert engine.show(first).status == "done"


def test_where_somebody_works_on_a_root_one_job_is_tried_for_all_of_its_phase(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    """A cycle lasts minutes, and hundreds of albums may wait to be published."""
    runner = Runner(database, tmp_path, plays(), "here", threading.Event(), 60)
    runner.limit(limits({}))
    ids = [submit(engine, "alpha", n, do="busy") for n in range(3)]
    with database.begin() as connection:
        dispatches.hand_over(connection, "alpha", dt.datetime.now(dt.UTC), 1)
    runner.run(ids[0], 1)
    assert [(engine.show(job_id).fence, engine.show(job_id).code) for job_id in ids] == [
        (1, "busy"),
        (0, None),
        (0, None),
    ]
    assert runner.is_away("alpha")


def test_a_slot_is_for_the_most_urgent_job_whichever_it_was_made_for(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    runner = Runner(database, tmp_path, plays(), "here", threading.Event(), 0)
    runner.limit(limits({}))
    idle = submit(engine, "alpha", 1, priority="idle")
    with database.begin() as connection:
        dispatches.hand_over(connection, "alpha", dt.datetime.now(dt.UTC), 1)
    urgent = submit(engine, "alpha", 2, priority="urgent")
    runner.run(idle, 1)
    assert (engine.show(urgent).status, engine.show(idle).status) == ("done", "queued")
    assert not engine.show(idle).carried  # it is handed over again
    runner.run(idle, 0)  # a stale dispatch is no slot
    assert engine.show(idle).status == "queued"


def test_a_worker_is_not_taken_for_dead_by_the_clock_of_the_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the machine slept, or that clock was set, all seem silent; what they were given is not lost for that."""
    alive = list[Collection[str]]()

    def lost(_carrier: Carrier, _dispatches: object, there: Collection[str]) -> list[tuple[int, int]]:
        alive.append(there)
        return []

    monkeypatch.setattr(Carrier, "lost", lost)
    monkeypatch.setattr(Worker, "_beat", lambda _: None)
    worker = Worker(database, tmp_path, plays(), "here", lambda _: limits({}), concurrency=2, pace=QUICK)
    worker.start()
    try:
        with database.begin() as connection:
            connection.execute(update(hosts.WorkerRow).values(beat_ms=hosts.WorkerRow.beat_ms - 3_600_000))
        seen = len(alive)
        until(lambda: len(alive) > seen + 1)
        assert "here" in alive[-1]
    finally:
        worker.stop(1)


def test_pages_of_jobs_follow_one_another(engine: Engine) -> None:
    ids = [submit(engine, "alpha", n) for n in range(7)]
    first = engine.list(limit=4)
    rest = engine.list(limit=4, before=first[-1].id)
    assert [job.id for job in [*first, *rest]] == ids[::-1]
    assert [job.id for job in engine.list(item_id=3)] == [ids[3]]
    assert engine.list(phase="beta") == []
    assert [job.id for job in engine.list(statuses=["queued", "queued"], limit=4)] == ids[:2:-1]


@pytest.mark.sqlite
@pytest.mark.parametrize("step", ["_enlist", "_take_back", "launch", "_limit"])
def test_a_worker_that_cannot_begin_leaves_no_carrier_behind(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The daemon tries again each time that jobs are due; what carries them has threads and connections."""
    ended: list[bool] = []

    class Fake:
        def __init__(self, *_: object) -> None:
            ended.append(False)

        def launch(self) -> None:
            pass

        def claimed_by(self, _: str) -> list[str]:
            return []

        def drop(self, _: list[str]) -> None:
            pass

        def stop(self) -> None:
            ended[-1] = True

    def fails(*_: object) -> None:
        raise Retryable("the database is away", code="database_unavailable")

    monkeypatch.setattr("workflow.engine.carrier.Carrier", Fake)
    monkeypatch.setattr(Fake if step == "launch" else Worker, step, fails)
    worker = Worker(database, tmp_path, plays(), "here", lambda _: limits({}), concurrency=2, pace=QUICK)
    with pytest.raises(Retryable):
        worker.start()
    assert (ended, worker.is_busy) == ([True], False)
