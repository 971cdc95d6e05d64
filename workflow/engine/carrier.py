"""Dispatches of jobs → DBOS workflows, and back into calls of the runner. The only module that knows DBOS.

One workflow, `job`, with one application version for ever: what a phase does is inside it and may change from release
to release, so jobs survive upgrades. What DBOS stores is the number of a job and of its dispatch, as JSON.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from dbos import DBOS, DBOSClient, Serializer
from loguru import logger
from sqlalchemy import Connection

from config.batches import batched
from config.database import Database
from config.driver_errors import answering
from config.machine import boottime
from workflow.engine.job import Job, Limits

APPLICATION: Final = "greenroom"
VERSION: Final = "1"  # a constant: else a new release would leave the jobs of the old one lying
WORKFLOW: Final = "job"
CHUNK: Final = 500
TOLD_AGAIN: Final = 600.0  # seconds after which a trouble of DBOS that lasts is told once more
# It asks another database of the server whether ours has to be made, and goes on where it may not.
_NOT_ASKED: Final = "Could not connect to postgres database"
_NUMBERS: Final = re.compile(r"[0-9.]+")
LAZY: Final = 4  # how much more seldom DBOS looks for jobs that nobody waits for

Run = Callable[[int, int], None]


class Json(Serializer):
    """What DBOS stores, as JSON: nothing is ever unpickled."""

    def serialize(self, data: Any) -> str:
        """Write numbers and texts down; an error, which DBOS may have to store, as its text."""
        return json.dumps(data, default=repr)

    def deserialize(cls, serialized_data: str) -> Any:
        """Read them."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """The name stored beside each value."""
        return "greenroom_json"


class Carrier:
    """DBOS in this process; there can be only one at a time."""

    def __init__(self, url: str, executor: str, run: Run, phases: Collection[str], threads: int) -> None:
        _log_through_loguru()
        self._own = Database(url)  # a pool of its own: polling must not wait for the cycle's connections
        shown = self._own.url.set(drivername=self._own.url.get_backend_name()).render_as_string(hide_password=False)
        with answering(self._own.url):
            DBOS.migrate(shown)  # not at launch: on SQLite it opens transactions itself, which our engine does, too
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": shown,
                "system_database_engine": self._own.engine,
                "application_version": VERSION,
                "executor_id": executor,
                "serializer": Json(),
                "run_migrations": False,
                "use_listen_notify": False,
                "scheduler_polling_interval_sec": 3600.0,  # nor has schedules
                "max_executor_threads": threads,
                "log_level": "WARNING",
            }
        )

        def job(job_id: int, dispatch: int) -> None:
            run(job_id, dispatch)

        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(job)
        self._client = DBOSClient(
            system_database_engine=self._own.engine, serializer=Json(), application_name=APPLICATION, lazy=True
        )
        self._executor, self._phases = executor, list(phases)
        self._limits: dict[str, Limits] = {}

    def launch(self) -> None:
        """Begin to take jobs."""
        DBOS.listen_queues(self._phases)
        DBOS.launch()

    def stop(self) -> None:
        """Take no more jobs and let go of the database."""
        self._client.destroy()
        DBOS.destroy(destroy_registry=True)
        self._own.close()

    def limit(self, limits: Mapping[str, Limits], claim: float) -> None:
        """Say how many jobs of each phase may run at once; a paused one takes none."""
        for phase, limit in limits.items():
            if self._limits.get(phase) != limit:
                DBOS.register_queue(
                    phase,
                    worker_concurrency=limit.here,
                    global_concurrency=limit.total,
                    polling_interval_sec=claim * (LAZY if limit.lazy else 1),
                    on_conflict="always_update",
                )
                self._limits[phase] = limit

    def enqueue(self, connection: Connection, handed: Iterable[Job]) -> None:
        """Hand dispatches over in the caller's transaction; `handed` are the jobs as they were before."""
        for job in handed:
            self._client.enqueue_in_transaction(
                connection,
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": job.phase,
                    "workflow_id": workflow_id(job.id, job.dispatch + 1),
                    "app_version": VERSION,
                },
                job.id,
                job.dispatch + 1,
            )

    def waiting(self, phase: str, most: int) -> int:
        """Return how many dispatches of a phase no worker has taken yet, counted up to `most`."""
        found = self._client.list_workflows(
            queue_name=phase, status="ENQUEUED", limit=most, load_input=False, load_output=False
        )
        return len(found)

    def claimed_by(self, executor: str) -> list[tuple[int, int]]:
        """Return the dispatches a worker took from its queues and has not ended, as (job, dispatch)."""
        found = self._client.list_workflows(status="PENDING", executor_id=executor, load_input=False, load_output=False)
        return [_dispatch(one.workflow_id) for one in found]

    def drop(self, dispatches: Iterable[tuple[int, int]]) -> None:
        """Forget dispatches that nobody shall run any more."""
        for ids in batched([workflow_id(*one) for one in dispatches], CHUNK):
            self._client.delete_workflows([*ids])

    def lost(self, dispatches: Collection[tuple[int, int]], alive: Collection[str]) -> list[tuple[int, int]]:
        """Return those dispatches that DBOS does not know, will not run any more, or gave to a worker not alive."""
        wanted = {workflow_id(*one): one for one in dispatches}
        if not wanted:
            return []
        found = self._client.list_workflows(
            workflow_ids=list(wanted), status=["ENQUEUED", "PENDING"], load_input=False, load_output=False
        )
        kept = {one.workflow_id for one in found if one.status == "ENQUEUED" or one.executor_id in alive}
        return [wanted[one] for one in wanted.keys() - kept]

    def forget_ended(self) -> int:
        """Remove what has ended: the rows of jobs keep what is to be kept. Return how many."""
        found = self._client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], limit=CHUNK, load_input=False, load_output=False
        )
        if found:
            self._client.delete_workflows([one.workflow_id for one in found])
        return len(found)


def workflow_id(job_id: int, dispatch: int) -> str:
    """Return the name of one dispatch."""
    return f"job-{job_id}-{dispatch}"


def _dispatch(name: str) -> tuple[int, int]:
    _, job_id, dispatch = name.split("-")
    return int(job_id), int(dispatch)


class _ToLoguru(logging.Handler):
    """Passes what DBOS logs on to our log, where secrets are taken out; the same trouble only once in a while.

    It asks the database for each phase every other second, and each time says that it does not answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._until: dict[str, float] = {}  # by trouble: when it is told again

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        doing, _, trouble = said.partition("\n")[0].partition(": ")
        if doing.startswith(_NOT_ASKED):
            return
        now = boottime()
        self._until = {known: until for known, until in self._until.items() if until > now}
        raised = record.exc_info[1] if record.exc_info else None
        cause = None if raised is None else str(raised)
        same = _NUMBERS.sub("", cause or trouble or doing)  # which attempt it is, and when the next one comes
        if same not in self._until:
            self._until[same] = now + TOLD_AGAIN
            logger.bind(said=said, **({"error": cause} if cause else {})).log(record.levelname, "the job carrier")


def _log_through_loguru() -> None:
    log = logging.getLogger("dbos")
    log.handlers[:] = [_ToLoguru()]
    log.propagate = False
