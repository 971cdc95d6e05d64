"""An act → waited for, with the cycle that follows it; what came of it, printed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import click

from daemon.actions import wishes
from daemon.actions.acts import Act
from daemon.bootstrap import Application, application
from daemon.cli.output import print_json
from daemon.cli.undo import tell
from daemon.cli.usage import usage
from daemon.disks import Disks
from daemon.signals import stop_on_signals
from workflow import runs
from workflow.operations.undo import UndoReport


def act(begin: Callable[[Application], Act], as_json: bool) -> None:
    """Wait for an act, and for the cycle that follows it; print what came of it. Raises why it failed.

    The exit code is the act's. What was said of the files stays said, so a cycle that fails, which is told on stderr,
    leaves to the next one what it was to do, and a script that did the act again would find no item.
    """
    with application() as app, usage():
        app.ongoing.stopping = stop_on_signals()
        app.disks = Disks(threading.TIMEOUT_MAX)  # who types a command waits as long as a disk takes
        begun = begin(app)
        app.ongoing.is_idle()
        ended = wishes.found(app, begun.id)
        if ended.failure is not None:
            raise ended.failure
        if ended.run_id is not None:
            _warn(app, ended.run_id)
    assert ended.report is not None
    if as_json:
        print_json({**ended.report.to_json(), "run_id": ended.run_id})
    elif isinstance(ended.report, UndoReport):
        tell(ended.report)
    if ended.report.exit_code:
        sys.exit(ended.report.exit_code)


def _warn(app: Application, run_id: str) -> None:
    """Say on stderr how the cycle that followed ended, unless it ended well."""
    with app.database.read() as connection:
        run = runs.one(connection, run_id)
    if run is None or run["status"] != "done":
        why = f": {run['error']}" if run else ""
        click.echo(f"! the cycle {run_id} that followed did not end well{why}; the next one goes on", err=True)
