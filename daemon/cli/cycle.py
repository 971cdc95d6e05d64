"""`greenroom cycle`: one staging cycle, now → a report."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from config.errors import GreenroomError, Retryable
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.summary import print_report
from daemon.progress import bars
from daemon.signals import stop_on_signals
from workflow.report import CycleReport, plan_json, unrecorded
from workflow.request import Request


@click.command()
@click.option(
    "--dry-run/--no-dry-run", default=None, help="Plan and report, touch nothing; default: staging_scan.dry_run."
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every planned move to FILE as JSON.",
)
@click.option("--wait/--no-wait", default=True, help="Wait staging_scan.quiet_seconds for what is new.")
@json_option
def command(dry_run: bool | None, plan_file: Path | None, wait: bool, as_json: bool) -> None:
    """Run one staging cycle now: scan the inbound folder, group tracks into albums, move each whole album into staging.

    It does exactly what the daemon does at a tick, whether or not staging_scan.enabled is set, and takes the same
    locks: while the daemon is inside a cycle it says so and ends with 75. A dry run takes no lock and changes nothing.

    What is new is taken once it has not changed for staging_scan.quiet_seconds, so a cycle that finds something new
    lasts at least as long, a dry run too: else it could say nothing but `waiting` of it, as it does with `--no-wait`.

    Every album ends as one of: staged, waiting (still changing), needs_review, quarantined (nothing readable),
    duplicate (already in staging), conflict (the place is taken by something else), failed. Files of albums that are
    not staged stay where they are. A cycle that ran to its end ends with 0, also when albums of it failed: what came of
    them is in `--json`.

    \b
    Examples:
      greenroom cycle
      greenroom cycle --dry-run --plan plan.json
      greenroom cycle --json | jq '.albums[] | select(.outcome != "staged")'
    """
    if plan_file is not None:
        _require_writable(plan_file.absolute())
    stop = stop_on_signals()
    try:
        with application() as app, bars() as progress:
            request = Request(dry_run=dry_run, settle=wait)
            report = app.run_cycle(trigger="command", stop=stop, request=request, progress=progress)
    except GreenroomError as error:  # there is no database to record it in; scripts get their object all the same
        if as_json:
            print_json(unrecorded(error, dry_run=bool(dry_run)).to_json())
        raise
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
    if plan_file is not None:
        _write_plan(plan_file, report)
    sys.exit(report.exit_code)


def _require_writable(file: Path) -> None:
    """Refuse, before anything moves, a plan that could not be written; /dev/stdout can be, though not its folder."""
    place = file if file.exists() else file.parent
    if not os.access(place, os.W_OK):
        raise click.BadParameter(f"{place} cannot be written", param_hint="--plan")


def _write_plan(file: Path, report: CycleReport) -> None:
    try:
        # A pipe that nobody reads is refused: to wait for a reader would hear no signal.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o666)
        os.set_blocking(handle, True)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(plan_json(report), indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise Retryable(f"the plan could not be written to {file}: {error.strerror}") from error
