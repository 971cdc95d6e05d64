"""`greenroom gc`: rows, cached files, scans and trash that are old enough → removed now."""

from __future__ import annotations

import click

from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.signals import stop_on_signals
from workflow.operations.collecting import collect


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Remove now what nobody needs any more, by the settings that say how long things are kept.

    These are rows of ended jobs, runs, events and moves (phase.cleanup.*), pictures and files of the cache that are
    neither selected nor published (phase.blobs.keep_blobs_days), scans (staging_scan.keep_scan_dbs) and the trash of
    staging (staging_scan.trash_days). The daemon does the same by itself. Music is in the trash only.
    """
    stop = stop_on_signals()
    with application() as app:
        removed = collect(app.database, app.boot.data_dir, stop)
    if as_json:
        print_json(removed)
        return
    gone = [f"{count} {name}" for name, count in removed.items() if count]
    click.echo(f"removed: {', '.join(gone)}" if gone else "nothing is old enough")
