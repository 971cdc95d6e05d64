"""`greenroom process`: an existing scan DB → albums in staging."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.summary import print_report
from daemon.progress import bars
from daemon.signals import stop_on_signals
from workflow.request import Request


@click.command()
@click.option(
    "--scan",
    "scan_db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A scan DB; default: the newest.",
)
@click.option(
    "--dry-run/--no-dry-run", default=None, help="Plan and report, touch nothing; default: staging_scan.dry_run."
)
@json_option
def command(scan_db: Path | None, dry_run: bool | None, as_json: bool) -> None:
    """Move the albums of an existing scan DB into staging: the second half of `greenroom cycle`.

    A file that changed since the scan is not moved; its album waits and is taken by the next cycle.
    """
    stop = stop_on_signals()
    with application() as app, bars() as progress:
        request = Request(dry_run=dry_run, scan_db=scan_db or app.newest_scan_db())
        report = app.run_cycle(trigger="command", stop=stop, request=request, progress=progress)
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
    sys.exit(report.exit_code)
