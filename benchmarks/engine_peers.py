"""One other job queue, a database and a number of jobs → seconds for all, and from the wish to the act, as JSON.

Run as `python engine_peers.py NAME URL JOBS` in an environment that has the peers and nothing of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

THREADS, SINGLE = 4, 20


def main(name: str, url: str, jobs: int) -> None:
    """Print what one peer takes."""
    print(json.dumps(PEERS[name](url, jobs)))


class Marks:
    """When each job ran."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self._changed = threading.Condition()

    def mark(self) -> None:
        """Remember that a job runs now."""
        with self._changed:
            self.at.append(time.perf_counter())
            self._changed.notify_all()

    def wait(self, count: int) -> float:
        """Wait until so many ran; return when the last one did."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.at) >= count, 300):
                raise TimeoutError(f"{len(self.at)} of {count} ran")
            return self.at[count - 1]


def measured(marks: Marks, jobs: int, submit: Callable[[], object], start: Callable[[], object]) -> dict[str, Any]:
    """Let a backlog be worked off, then wait for single jobs."""
    for _ in range(jobs):
        submit()
    began = time.perf_counter()
    start()
    seconds = marks.wait(jobs) - began
    waits = []
    for done in range(jobs, jobs + SINGLE):
        time.sleep(0.03)
        asked = time.perf_counter()
        submit()
        waits.append(marks.wait(done + 1) - asked)
    waits.sort()
    return {"per_second": jobs / seconds, "p50": waits[SINGLE // 2], "p95": waits[int(SINGLE * 0.95) - 1]}


def huey(url: str, jobs: int) -> dict[str, Any]:
    """Huey on its SQLite storage, with threads."""
    from huey import SqliteHuey

    queue, marks = SqliteHuey(filename=url.removeprefix("sqlite:///"), fsync=True), Marks()
    task = queue.task()(marks.mark)
    consumer = queue.create_consumer(workers=THREADS, periodic=False)
    found = measured(marks, jobs, task, consumer.start)
    consumer.stop()
    return found


def dbos(url: str, jobs: int) -> dict[str, Any]:
    """DBOS by itself: a workflow a job, one queue."""
    from dbos import DBOS

    marks = Marks()
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

    @DBOS.workflow(name="act")
    def act() -> None:
        marks.mark()

    DBOS.listen_queues([])
    DBOS.launch()
    DBOS.register_queue("bench", worker_concurrency=THREADS, polling_interval_sec=0.5)

    def start() -> None:
        DBOS.destroy()
        DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
        DBOS.listen_queues(["bench"])
        DBOS.launch()

    found = measured(marks, jobs, lambda: DBOS.enqueue_workflow("bench", act), start)
    DBOS.destroy()
    return found


def procrastinate(url: str, jobs: int) -> dict[str, Any]:
    """Procrastinate, which is told of new jobs by PostgreSQL."""
    from procrastinate import App, PsycopgConnector

    marks = Marks()
    app = App(connector=PsycopgConnector(conninfo=url))

    task = app.task(name="act")(marks.mark)
    app.open()
    app.schema_manager.apply_schema()
    loop = asyncio.new_event_loop()

    async def work() -> None:
        async with app.open_async():
            with contextlib.suppress(asyncio.CancelledError):
                await app.run_worker_async(concurrency=THREADS, install_signal_handlers=False)

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()), daemon=True)
    return measured(marks, jobs, task.defer, thread.start)


PEERS = {"huey": huey, "dbos": dbos, "procrastinate": procrastinate}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.stdout.flush()
