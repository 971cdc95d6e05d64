"""E1–E8: jobs a second, from the wish to the act, and the size of the backlog, beside other queues on this machine."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks import peers
from benchmarks.corpus import home
from benchmarks.engine_peers import SINGLE, Marks, measured
from benchmarks.measure import Row, not_measured
from config.database import Database
from tests.databases import TEMPLATE, migrate
from workflow.engine import dispatches, listing, wanting
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.engine.job import PRIORITIES, Job, Limits, NewJob, Payload, Retries
from workflow.engine.worker import working

JOBS, BACKLOGS, ROUNDS, WORKERS = 500, (1_000, 100_000), 60, 3
PACKAGES = ("huey", "dbos==3.4.*", "procrastinate", "psycopg[binary]")
PEERS = {"SQLite": ("huey", "dbos"), "PostgreSQL": ("procrastinate", "dbos")}


class Trivial:
    """A phase that does nothing but say that it ran."""

    name, payload, retries = "bench", Payload, Retries()

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def run(self, context: Context, job: Job, payload: Payload) -> None:
        """Say so."""
        self._marks.mark()


def run(_large: bool) -> Iterator[Row]:
    """Measure on a file, and on a throw-away server."""
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        yield from _on("SQLite", _files(Path(folder)))
    with peers.postgres() as server, contextlib.ExitStack() as stack:
        if server is None:
            yield not_measured("E5", "PostgreSQL: the engine", "PostgreSQL is not installed")
            return

        def fresh(*, ours: bool) -> str:
            return stack.enter_context(server.database(TEMPLATE) if ours else server.database())

        yield from _on("PostgreSQL", fresh)


def _files(folder: Path) -> Callable[..., str]:
    def fresh(*, ours: bool) -> str:
        url = f"sqlite:///{tempfile.mkdtemp(dir=folder)}/bench.db"
        if ours:
            migrate(url)
        return url

    return fresh


def _on(where: str, fresh: Callable[..., str]) -> Iterator[Row]:
    number = 1 if where == "SQLite" else 5
    ours = _ours(fresh(ours=True))
    yield Row(f"E{number}", f"{where}: the engine, one worker", None, note=_told(ours))
    one, several = _crew(fresh(ours=True), 1), _crew(fresh(ours=True), WORKERS)
    yield Row(f"E{number + 1}", f"{where}: {WORKERS} worker processes against one, jobs that write a row each",
              several / one, note=f"{several:.0f} jobs/s, one process {one:.0f}")  # fmt: skip
    for peer in PEERS[where]:
        found = _peer(peer, fresh(ours=False))
        what = f"{where}: {peer}, which keeps no history, fence or limits of ours"
        if found is None:
            yield not_measured(f"E{number + 2}", what, "it could not be installed, or did not run")
        else:
            yield Row(f"E{number + 2}", what, ours["per_second"] / found["per_second"], note=_told(found))
    yield from _backlogs(f"E{number + 3}", where, fresh(ours=True))


def _ours(url: str) -> dict[str, Any]:
    database, marks, subjects = Database(url), Marks(), iter(range(10**9))
    works = {"bench": Trivial(marks)}
    engine = Engine(database, works)
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:

        def start() -> None:
            stack.enter_context(
                working(database, Path(folder), works, lambda _: {"bench": Limits(4)}, concurrency=4, grace=5)
            )

        return measured(marks, JOBS, lambda: engine.submit("bench", next(subjects), actor="bench"), start)


def _crew(url: str, workers: int) -> float:
    """Return jobs a second of worker processes at the pace all have, of jobs that write a row, counted between ends."""
    from tests.engine_worker import MARKS, Script, plays

    database = Database(url)
    with database.begin() as connection:
        connection.execute(text(MARKS))
    Engine(database, plays()).submit("alpha", 0, Script(), actor="bench")
    _fill(database, "alpha", JOBS, Script())
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.engine_worker", url]
        crew = []
        for number in range(workers):
            Path(folder, str(number)).mkdir()
            crew.append(subprocess.Popen([*command, f"{folder}/{number}", "{}", "default"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL))  # fmt: skip
        try:
            _until_ended(database, JOBS)
        finally:
            for process in crew:
                process.kill()
                process.wait()
    with database.read() as connection:
        query = "SELECT min(at), max(at), count(*) FROM marks WHERE kind = 'ended'"
        first, last, count = connection.execute(text(query)).one()
    database.close()
    return float(count / (last - first))


def _until_ended(database: Database, count: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with database.read() as connection:
            ended = connection.execute(text("SELECT count(*) FROM marks WHERE kind = 'ended'")).scalar_one()
        if ended >= count:
            return
        time.sleep(0.1)
    raise TimeoutError(f"{ended} of {count} ended")


def _backlogs(id: str, where: str, url: str) -> Iterator[Row]:
    database, filled, p95 = Database(url), 0, {}
    for backlog in BACKLOGS:
        _fill(database, "bench", backlog - filled, Payload(), filled)
        filled = backlog
        waits = sorted(_hand_over(database) for _ in range(ROUNDS))
        page = sorted(_page(database) for _ in range(ROUNDS))
        p95[backlog] = waits[int(ROUNDS * 0.95) - 1]
        note = (
            f"hand-over of 4: p50 {waits[ROUNDS // 2] * 1e3:.1f}, p95 {p95[backlog] * 1e3:.1f} ms; "
            f"page of 50: p50 {page[ROUNDS // 2] * 1e3:.1f}, p95 {page[int(ROUNDS * 0.95) - 1] * 1e3:.1f} ms"
        )
        slope = p95[backlog] / p95[BACKLOGS[0]]
        what = f"{where}: {backlog:,} waiting jobs, p95 against {BACKLOGS[0]:,}"
        yield Row(id, what, slope, 2.0, at_most=True, note=note)
    database.close()


def _fill(database: Database, phase: str, count: int, payload: Payload, first: int = 1) -> None:
    now = dt.datetime.now(dt.UTC)
    for start in range(first, first + count, 1000):
        wanted = [NewJob(phase, f"item {n}", n, payload, PRIORITIES["normal"], "bench")
                  for n in range(start, min(start + 1000, first + count))]  # fmt: skip
        with database.begin() as connection:
            wanting.submit(connection, wanted, now)


def _hand_over(database: Database) -> float:
    began = time.perf_counter()
    with database.begin() as connection:
        handed = dispatches.hand_over(connection, "bench", dt.datetime.now(dt.UTC), 4)
    seconds = time.perf_counter() - began
    with database.begin() as connection:
        dispatches.uncarry(connection, [(job.id, job.dispatch + 1) for job in handed])
    return seconds


def _page(database: Database) -> float:
    began = time.perf_counter()
    with database.read() as connection:
        assert len(listing.page(connection, statuses=("queued",), limit=50)) == 50
    return time.perf_counter() - began


def _peer(name: str, url: str) -> dict[str, Any] | None:
    python = _environment()
    script = Path(__file__).with_name("engine_peers.py")
    if python is None:
        return None
    url = url.replace("postgresql+psycopg://", "postgresql://") if name == "procrastinate" else url
    try:
        done = subprocess.run([python, script, name, url, str(JOBS)], capture_output=True, text=True, timeout=300,
                              check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError):
        return None
    return found


def _environment() -> Path | None:
    """Return the Python of an environment that has the peers, made once; None when PyPI does not answer."""
    folder = home() / "engine-peers"
    if not (folder / "made").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([folder / "bin" / "pip", "install", "-q", *PACKAGES], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            return None
        (folder / "made").touch()
    return folder / "bin" / "python"


def _told(found: dict[str, Any]) -> str:
    waits = f"one job of {SINGLE}: p50 {found['p50'] * 1e3:.0f}, p95 {found['p95'] * 1e3:.0f} ms"
    return f"{found['per_second']:.0f} jobs/s; {waits}"
