"""A database, a data folder and limits → a worker process for the engine's tests, doing what payloads tell it to.

Run as `python -m tests.engine_worker URL DATA_DIR LIMITS [PACE]`, LIMITS being JSON: phase → [workers, total].
What a job does is seen in the table `marks`: `began` is written when it starts, `ended` in the transaction of its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy import Connection, text

from config.database import Database
from config.errors import NeedsReview, Rejected, Retryable, RootBusy
from processor.client.turns import turn
from workflow.engine.context import Context
from workflow.engine.job import Job, Limits, Payload, Retries
from workflow.engine.work import Ending
from workflow.engine.worker import PACE, Pace, working

PHASES = ("alpha", "beta", "gamma", "delta")
QUICK = Pace(poll=0.05, claim=0.05, beat=0.2, timeout=2.0, tidy=0.5)
PACES = {"quick": QUICK, "default": PACE}
MARKS = (
    """CREATE TABLE marks (kind TEXT, job BIGINT, phase TEXT, item BIGINT, attempt INTEGER, pid INTEGER, at FLOAT)"""
)
MARK = text("INSERT INTO marks VALUES (:kind, :job, :phase, :item, :attempt, :pid, :at)")


class Script(Payload):
    """What a job of the tests shall do."""

    version: ClassVar[int] = 2

    do: Literal[
        "end",
        "hold",
        "spin",
        "fail",
        "park",
        "reject",
        "quote",
        "break",
        "kill",
        "turn",
        "freeze",
        "open",
        "busy",
        "miss",
        "ask",
    ] = "end"
    seconds: float = 0
    times: int = 0
    next: str | None = None

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 said `sleep` for `seconds`."""
        return {"seconds": values["sleep"]} if version == 1 else super().upgrade(values, version)


class Play:
    """A phase that does what its payload says."""

    payload = Script
    retries = Retries(attempts=3, base=0.05, cap=0.2)

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, context: Context, job: Job, payload: Script) -> Ending | None:
        """Do it, and leave marks."""
        with context.database.begin() as connection:
            mark(connection, "began", job)
        _ACTS[payload.do](context, job, payload)

        def end(connection: Connection, job: Job) -> None:
            mark(connection, "ended", job)
            if payload.do == "freeze" and job.deaths == 0:  # whoever takes it over does not
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # else this thread may come to the COMMIT

        return end


def _hold(context: Context, job: Job, payload: Script) -> None:
    context.wait(payload.seconds)


def _spin(context: Context, job: Job, payload: Script) -> None:
    time.sleep(payload.seconds)  # as a phase that looks neither left nor right


def _fail(context: Context, job: Job, payload: Script) -> None:
    if job.attempt <= payload.times:
        raise Retryable(f"not yet, says attempt {job.attempt}", code="not_yet")


def _park(context: Context, job: Job, payload: Script) -> None:
    raise NeedsReview("which of the two is it?", code="which")


def _reject(context: Context, job: Job, payload: Script) -> None:
    raise Rejected("this is no album", code="no_album")


def _quote(context: Context, job: Job, payload: Script) -> None:
    raise Rejected("no title is \ud800\0", code="odd_title")


def _break(context: Context, job: Job, payload: Script) -> None:
    raise ZeroDivisionError("a fault of ours")


def _open(context: Context, job: Job, payload: Script) -> None:
    raise OSError(payload.times, os.strerror(payload.times), b"/srv/music/a \xff.flac")


def _busy(context: Context, job: Job, payload: Script) -> None:
    raise RootBusy("somebody works on the root")


def _miss(context: Context, job: Job, payload: Script) -> None:
    raise Retryable("the database did not answer", code="database_unavailable")


def _ask(context: Context, job: Job, payload: Script) -> None:
    refused = "SELECT * FROM nowhere" if context.database.is_sqlite else raising("57014")
    with context.database.begin() as connection:
        connection.exec_driver_sql(refused)


def raising(state: str) -> str:
    """Return what PostgreSQL answers with an error of that SQLSTATE."""
    return f"DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$"


def _kill(context: Context, job: Job, payload: Script) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _turn(context: Context, job: Job, payload: Script) -> None:
    for _ in range(payload.times):
        mine = turn(context.database, "provider", context.wait, apart=payload.seconds, longest=60)
        with mine, context.database.begin() as connection:
            mark(connection, "turn", job)


_ACTS = {
    "end": _hold, "hold": _hold, "spin": _spin, "fail": _fail, "park": _park, "reject": _reject, "quote": _quote,
    "break": _break, "kill": _kill, "turn": _turn, "freeze": _hold, "open": _open, "busy": _busy,
    "miss": _miss, "ask": _ask,
}  # fmt: skip


def mark(connection: Connection, kind: str, job: Job) -> None:
    """Write one mark; `at` is the monotonic clock, which all processes of a machine share."""
    values = {"kind": kind, "job": job.id, "phase": job.phase, "item": job.item_id, "attempt": job.attempt}
    connection.execute(MARK, {**values, "pid": os.getpid(), "at": time.monotonic()})


def marks(database: Database, kind: str) -> list[Any]:
    """Return the marks of a kind, oldest first."""
    with database.read() as connection:
        return list(connection.execute(text("SELECT * FROM marks WHERE kind = :kind ORDER BY at"), {"kind": kind}))


def plays() -> dict[str, Play]:
    """Return the phases of the tests."""
    return {name: Play(name) for name in PHASES}


def limits(given: Mapping[str, Any]) -> dict[str, Limits]:
    """Return limits of all phases, where nothing is given four in one process."""
    return {name: Limits(*given.get(name, (4,))) for name in PHASES}


def main(
    url: str, data_dir: str, given: str, pace: str = "quick", *, began: Callable[[], object] = lambda: None
) -> None:
    """Work until SIGTERM; say when it begins."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    database = Database(url)
    found = limits(json.loads(given))
    with working(database, Path(data_dir), plays(), lambda _: found, concurrency=16, grace=5, pace=PACES[pace]):
        began()
        while not stop.wait(0.05):
            pass
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
