"""`greenroom scan`: the inbound folder → a scan DB and what was found."""

from __future__ import annotations

import click

from config.reasons import counted
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.progress import bars
from daemon.signals import stop_on_signals


@click.command()
@click.option("--wait/--no-wait", default=True, help="Wait staging_scan.quiet_seconds for what is new.")
@json_option
def command(wait: bool, as_json: bool) -> None:
    """Scan the inbound folder into a scan DB, and stop there.

    Nothing in the inbound folder is changed, and no lock is needed. The scan DB is a SQLite file: look into it with any
    SQLite program, or hand it to `greenroom process`.
    """
    stop = stop_on_signals()
    with application() as app, bars() as progress:
        path, stats = app.scan(stop=stop, settle=wait, progress=progress)
    values = {"scan_db": str(path), **stats._asdict()}
    if as_json:
        print_json(values)
        return
    click.echo(
        f"{counted(stats.files, 'file')} ({stats.audio} audio, {stats.read} read, {stats.carried} unchanged), "
        f"{counted(stats.groups, 'album')} ({stats.waiting} waiting), {stats.problems} unreadable, "
        f"{stats.ignored} ignored"
    )
    click.echo(path)
