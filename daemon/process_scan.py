"""`process-scan -scan … -staging …`: the old name of `greenroom process`, for scripts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from config.errors import GreenroomError, Misconfigured
from config.reasons import show_path
from daemon.bootstrap import application
from daemon.cli.output import bear_any_text, full_disk_told
from daemon.cli.summary import print_report
from daemon.signals import attended, stop_on_signals
from workflow.request import Request
from workflow.roots import resolve_roots


class _Command(click.Command):
    def main(self, *args: Any, **extra: Any) -> Any:
        """Run it; a disk too full for its answer is told."""
        with full_disk_told("process-scan"):
            return super().main(*args, **extra)


@click.command(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-scan",
    "--scan",
    "scan_db",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Scan DB.",
)
@click.option(
    "-staging", "--staging", type=click.Path(exists=True, file_okay=False), help="The staging library, as a check."
)
@click.option("-dry-run", "--dry-run", is_flag=True, default=None, help="Plan and report, touch nothing.")
def main(scan_db: Path, staging: str | None, dry_run: bool | None) -> None:
    """Move the albums of a scan DB into the staging library of this installation."""
    bear_any_text()
    click.get_current_context().with_resource(attended())
    stop = stop_on_signals()
    try:
        with application() as app:
            library = resolve_roots(app.database).staging
            if staging is not None and os.path.realpath(os.fsencode(staging)) != library.path:
                raise Misconfigured(f"{staging} is not the staging library; that is {show_path(library.path)}")
            request = Request(dry_run=dry_run, scan_db=scan_db)
            report = app.run_cycle(trigger="command", stop=stop, request=request)
    except GreenroomError as error:
        click.echo(f"process-scan: {error.message}", err=True)
        sys.exit(error.exit_code)
    print_report(report)
    sys.exit(report.exit_code)
