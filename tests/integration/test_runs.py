"""Run rows on both databases: what ran, what came of it, and what was cut short."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
from typing import Any

from sqlalchemy import insert, select, update

from config.database import Database
from config.machine import utc_now
from config.tables import LeaseRow
from workflow import plans, runs

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


def begin(database: Database, minute: int, **columns: Any) -> str:
    now = NOW + dt.timedelta(minutes=minute)
    row = {
        "id": runs.new_run_id(now),
        "status": "running",
        "trigger": "command",
        "dry_run": False,
        "fire_time": None,
        "started_at": now,
        "host": "stage",
        "pid": 7,
        "settings": {"workers": 4},
        **columns,
    }
    with database.begin() as connection:
        runs.start(connection, row)
    return str(row["id"])


def states(database: Database) -> dict[str, str]:
    """Return what the rows say of each run."""
    with database.read() as connection:
        return {row.id: row.status for row in connection.execute(select(runs.RunRow.id, runs.RunRow.status))}


def newest(database: Database, **arguments: Any) -> list[dict[str, Any]]:
    with database.read() as connection:
        return list(runs.recent(connection, **arguments))


def test_a_run_id_sorts_by_time_and_is_never_given_twice() -> None:
    eastern = dt.timezone(dt.timedelta(hours=9))
    assert runs.new_run_id(NOW.astimezone(eastern)).startswith("20240501T120000Z-")
    assert runs.new_run_id(NOW) < runs.new_run_id(NOW + dt.timedelta(microseconds=1))
    assert len({runs.new_run_id(NOW) for _ in range(200)}) == 200


def test_a_run_is_remembered_with_its_settings_before_it_ends(database: Database) -> None:
    run_id = begin(database, 0, trigger="schedule", fire_time=NOW)
    (row,) = newest(database)
    assert (row["id"], row["fire_time"], row["started_at"]) == (run_id, NOW, NOW)
    assert states(database) == {run_id: "running"}
    assert row["settings"] == {"workers": 4}
    assert (row["finished_at"], row["counts"], row["reasons"]) == (None, {}, [])


def test_a_run_is_remembered_with_what_came_of_it(database: Database) -> None:
    run_id, other = begin(database, 0), begin(database, 1)
    reasons = [{"code": "tag", "message": "nul \0 and surrogate \ud800", "path": "a\\xff"}]
    with database.begin() as connection:
        runs.finish(connection, run_id, status="done", finished_at=NOW, counts={"staged": 2}, reasons=reasons)
    by_id = {row["id"]: row for row in newest(database)}
    assert by_id[run_id]["status"] == "done"
    assert by_id[run_id]["counts"] == {"staged": 2}
    assert by_id[run_id]["reasons"] == reasons
    assert states(database)[other] == "running"


def test_only_runs_that_never_ended_are_marked_interrupted(database: Database) -> None:
    done, cut, cut_too = begin(database, 0), begin(database, 1), begin(database, 2)
    with database.begin() as connection:
        runs.finish(connection, done, status="done", finished_at=NOW)
        assert runs.mark_interrupted(connection, NOW) == {cut: False, cut_too: False}
        assert runs.mark_interrupted(connection, NOW) == {}
    assert states(database) == {done: "done", cut: "interrupted", cut_too: "interrupted"}
    assert all(row["error"] for row in newest(database) if row["status"] == "interrupted")


def test_a_dry_run_takes_no_lock_so_one_that_may_be_alive_is_not_interrupted_by_a_cycle(database: Database) -> None:
    here = {"dry_run": True, "host": socket.gethostname()}
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    mine, dead = begin(database, 0, **here, pid=os.getpid()), begin(database, 1, **here, pid=gone.pid)
    elsewhere, old = begin(database, 2, dry_run=True), begin(database, -2 * 24 * 60, dry_run=True)
    with database.begin() as connection:
        assert runs.mark_interrupted(connection, NOW) == {old: True, dead: True}
    assert states(database) == {mine: "running", elsewhere: "running", dead: "interrupted", old: "interrupted"}


def test_a_run_whose_process_was_killed_is_told_as_interrupted_at_once(database: Database) -> None:
    here, now = {"host": socket.gethostname(), "pid": os.getpid()}, utc_now()
    killed, dry, long_dry = (
        begin(database, 0, **here),
        begin(database, 1, **here, dry_run=True, started_at=now),
        begin(database, 2, dry_run=True, started_at=now - runs.DRY_RUN),
    )
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    works, frozen, dead = (begin(database, minute, **here | {"approves": dry}) for minute in (3, 4, 5))
    with database.begin() as connection:
        connection.execute(update(runs.RunRow).where(runs.RunRow.id == dead).values(pid=gone.pid))
        for run_id, left in {works: 30, dead: 30, frozen: -1}.items():
            lease = {"holder": f"stage pid 7 (cycle {run_id})", "boot_id": "", "fence": 1, "since": now}
            expires_at = int(now.timestamp()) + left
            connection.execute(insert(LeaseRow).values(root_uuid=run_id, expires_at=expires_at, **lease))
    told = {run["id"]: run["status"] for run in newest(database)}
    running = {run_id for run_id, status in told.items() if status == "running"}
    assert running == {works, dry}
    assert {told[run_id] for run_id in (killed, long_dry, frozen, dead)} == {"interrupted"}
    assert all(run["error"] == runs.INTERRUPTED for run in newest(database) if run["status"] == "interrupted")
    with database.read() as connection:
        last, whole = runs.last(connection, now), runs.one(connection, killed)
        assert [(run["id"], run["status"]) for run in (last, whole) if run] == [
            (dead, "interrupted"),
            (killed, "interrupted"),
        ]
        assert [run["status"] for run in runs.page(connection)] == [told[run_id] for run_id in sorted(told)[::-1]]
        assert [run["status"] for run in runs.approving(connection, dry)] == ["interrupted", "interrupted", "running"]
    assert set(states(database).values()) == {"running"}, "only a cycle writes it down"


def test_the_newest_runs_come_first_and_can_be_limited_to_one_trigger(database: Database) -> None:
    old, scheduled, new = begin(database, 0), begin(database, 1, trigger="schedule"), begin(database, 2)
    assert [row["id"] for row in newest(database)] == [new, scheduled, old]
    assert [row["id"] for row in newest(database, limit=2)] == [new, scheduled]
    assert [row["id"] for row in newest(database, trigger="schedule")] == [scheduled]
    assert newest(database, trigger="watch") == []


def test_what_came_after_the_last_cycle_began_may_be_unseen_and_what_the_future_saw_says_nothing(
    database: Database,
) -> None:
    def last(minute: float, **kind: bool) -> dt.datetime | None:
        with database.read() as connection:
            return runs.last_look(connection, NOW + dt.timedelta(minutes=minute), **kind)

    def done(began: int, ended: int, **columns: Any) -> None:
        run_id = begin(database, began, **columns)
        with database.begin() as connection:
            runs.finish(connection, run_id, status="done", finished_at=NOW + dt.timedelta(minutes=ended))

    assert last(0) is None
    done(0, 5)
    done(10, 15, dry_run=True)
    done(100, 105)
    done(50, 20)  # the clock was set back meanwhile
    begin(database, 12)
    assert [last(minute) for minute in (4, 15, 99)] == [runs.BEFORE_ALL, NOW, NOW + dt.timedelta(minutes=50)]
    assert last(16, dry_run=True) == NOW + dt.timedelta(minutes=10)
    assert last(25) == NOW


def test_the_last_run_is_of_now_also_after_the_clock_was_set_back(database: Database) -> None:
    def last(minute: int) -> str | None:
        with database.read() as connection:
            found = runs.last(connection, NOW + dt.timedelta(minutes=minute))
            return found["id"] if found else None

    assert last(0) is None
    future, now = begin(database, 100), begin(database, 10)
    assert [last(minute) for minute in (2, 10, 11, 98, 100)] == [future, now, now, now, future]


def test_the_plan_of_the_newest_dry_run_is_kept_also_after_the_clock_was_set_back(database: Database) -> None:
    names = [begin(database, minute, dry_run=True) for minute in (*range(100, 100 + plans.KEPT), 1)]
    with database.begin() as connection:
        for name in names:
            plans.keep(connection, name, b"/in", b"/out", ())
        assert [name for name in names if plans.read(connection, name)] == names[1:]
