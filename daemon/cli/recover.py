"""`greenroom recover`: interrupted transfers → finished or undone."""

from __future__ import annotations

import sys

import click

from daemon.bootstrap import application
from daemon.cli.output import because, json_option, print_json
from daemon.signals import stop_on_signals
from daemon.status import TRY_AGAIN
from workflow import recovering


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Finish or undo what an interrupted cycle left behind.

    Every cycle does this first; use the command after a crash to do it at once. Running it again changes nothing. What
    it cannot decide alone it leaves untouched, says so, and ends with 1; `greenroom fsck` says where the files of that
    are, and with --adopt tries again where none can be lost.
    """
    stop = stop_on_signals()
    with application() as app:
        app.may_move()
        report = recovering.recover(app.database, app.boot.data_dir, stop)
    left = len(report.attention) + len(report.waiting)
    if as_json:
        reasons = [reason._asdict() for reason in report.reasons]
        print_json({"done": len(report.done), "cancelled": len(report.cancelled), "open": left, "reasons": reasons})
    else:
        click.echo(f"{len(report.done)} finished, {len(report.cancelled)} undone, {left} left open")
        for reason in report.reasons:
            click.echo(f"  {because(reason.message, reason.path)}")
        if report.attention:
            click.echo(TRY_AGAIN)
    sys.exit(1 if left else 0)
