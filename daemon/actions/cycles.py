"""A person's wish for a cycle, or for what a dry run planned → begun in a thread of this process."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace

from config.errors import Busy, Rejected, Retryable
from config.lease import holder
from daemon.actions.ongoing import Stage
from daemon.bootstrap import Application
from daemon.disks import raised, told
from workflow import plans, runs
from workflow.report import CycleReport
from workflow.request import Request
from workflow.roots import resolve_roots


def ask(app: Application, *, dry_run: bool, actor: str) -> str:
    """Begin a cycle in this process, as the settings say or as a dry run; return the run's id at once.

    Raises Busy, naming who works there, when a cycle is running anywhere; Misconfigured when there are no roots.
    """
    return _begin(app, Request(dry_run=True if dry_run else None, asked_by=actor))


def approve(app: Application, run_id: str, *, actor: str) -> str:
    """Begin the cycle that carries out the plan of a dry run, exactly or not at all; return its run's id at once.

    Raises Rejected when there is no such plan or it was carried out already, Misconfigured while dry runs are all
    that settings allow, and what `ask` raises.
    """
    with app.database.read() as connection:
        plan, done = plans.read(connection, run_id), runs.approving(connection, run_id)
    if plan is None:
        raise Rejected(f"there is no plan of a run {run_id}; only the newest are kept", code="no_plan")
    if by := [run["id"] for run in done if run["status"] in ("done", "running")]:
        raise Rejected(f"the plan of {run_id} was carried out already, by {by[0]}", code="already_done")
    app.may_move()
    request = Request(dry_run=False, settle=False, asked_by=actor, approves=run_id, approved=plan.approved)
    return _begin(app, request)


def _begin(app: Application, request: Request) -> str:
    looked = app.disks.ask({"roots": lambda: raised(lambda: resolve_roots(app.database))})["roots"]
    if looked.late is not None:
        raise Retryable(f"a disk has not answered for {looked.late:.0f} s; nothing was begun", code="disk_late")
    roots = told(looked).value
    assert roots is not None
    with app.database.read() as connection:
        for root in (roots.staging, roots.inbound):
            if who := holder(connection, root.root_uuid):
                raise Busy(f"somebody works on the {root.called} just now: {who}")
    run_id = runs.new_run_id(dt.datetime.now(dt.UTC))
    request = replace(request, run_id=run_id)

    def work(stop: threading.Event) -> CycleReport:
        return app.run_cycle(trigger="request", stop=stop, request=request)

    app.ongoing.ask(Stage(run_id), work)
    return run_id
