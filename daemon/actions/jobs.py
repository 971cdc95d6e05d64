"""A person's word about a job or a phase → done through the engine, and remembered with who said it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal

from config import activity, admin
from config.errors import Misconfigured, Rejected
from daemon.bootstrap import Application
from daemon.sole import running_daemon
from workflow import succession
from workflow.engine.engine import Submitted
from workflow.engine.job import FAILED, OPEN, Job
from workflow.phase import section_of

Verb = Literal["retry", "cancel", "discard"]
AT_ONCE: Final = 1000  # jobs that are read together
# What to do about a job that gave up, by the code of its last failure, else by its status.
ADVICE: Final = {
    "worker_died": "Several workers died with it. Look at the log of their hosts before another one gets it.",
    "bad_payload": "An older version asked for it. Set it aside and ask anew.",
    "parked": "A person has to decide what the error says; then retry, or set it aside.",
    "dead": "Put right what the error names, then retry; or set it aside.",
}


def is_nobody_there(app: Application) -> bool:
    """Return whether nobody carries jobs, nor a daemon of this data folder is up that would begin to."""
    return not app.engine.workers() and running_daemon(app.boot.data_dir) is None


def retry(app: Application, job_id: int, *, actor: str) -> Submitted:
    """Want a job that has ended anew, with the input it had. Raises Misconfigured while it is open."""
    again = app.engine.retry(job_id, actor=actor)
    _note(app, "job_retried", job_id, actor)
    return again


def failed(app: Application, phase: str | None = None, code: str | None = None) -> list[int]:
    """Return the jobs that gave up or wait for a person, oldest first: of a phase, with the code of their failure."""
    found: list[int] = []
    last: int | None = None
    while some := app.engine.list(statuses=FAILED, phase=phase, before=last, limit=AT_ONCE, oldest_first=True):
        found += [job.id for job in some if code in (None, job.code)]
        last = some[-1].id
    return found


def retry_each(app: Application, job_ids: Iterable[int], *, actor: str) -> tuple[list[Submitted], list[str]]:
    """Want many jobs anew, one after the other, as `retry` does; return also why some could not be."""
    again, refused = [], []
    for job_id in dict.fromkeys(job_ids):
        try:
            again.append(retry(app, job_id, actor=actor))
        except (Misconfigured, Rejected) as error:
            refused.append(error.message)
    return again, refused


def cancel(app: Application, job_id: int, *, actor: str) -> str:
    """Cancel a job; return whether it was queued, or running until its next safe place. Raises Misconfigured."""
    was = app.engine.cancel(job_id)
    _note(app, "job_cancelled", job_id, actor)
    return was


def discard(app: Application, job_id: int, *, actor: str) -> None:
    """Set a failed job aside. Raises Misconfigured for any other."""
    app.engine.discard(job_id)
    _note(app, "job_discarded", job_id, actor)


def do(app: Application, job_id: int, verb: Verb, *, actor: str) -> int:
    """Do it to a job; return the id of the job to look at then. Raises Misconfigured where it cannot be done."""
    if verb == "retry":
        return retry(app, job_id, actor=actor).job.id
    (cancel if verb == "cancel" else discard)(app, job_id, actor=actor)
    return job_id


def _note(app: Application, what: activity.What, job_id: int, actor: str) -> None:
    with app.database.begin() as connection:
        activity.note(connection, what, actor, dt.datetime.now(dt.UTC), f"job {job_id}")


def require_phase(name: str) -> None:
    """Return if a phase has jobs. Raises Misconfigured for one that has none, or that is mistyped."""
    if name not in succession.works():
        raise Misconfigured(f"{name} is no phase with jobs; see `greenroom phases`", code="unknown_job")


def pause(app: Application, phase: str, *, paused: bool, actor: str) -> None:
    """Start no more jobs of a phase, or go on. Raises Misconfigured for a phase without jobs."""
    require_phase(phase)
    with app.database.begin() as connection:
        admin.put(connection, f"{section_of(phase)}.paused", paused, actor=actor, now=dt.datetime.now(dt.UTC))


def possible(job: Job) -> tuple[Verb, ...]:
    """Return what may be done to a job."""
    if job.status in OPEN:
        return () if job.cancel_requested else ("cancel",)
    return ("retry", "discard") if job.status in FAILED else ("retry",)


def advice(job: Job) -> str | None:
    """Return what to do about a job that gave up; None for any other."""
    if job.status not in FAILED:
        return None
    return ADVICE.get(job.code or "", ADVICE[job.status])
