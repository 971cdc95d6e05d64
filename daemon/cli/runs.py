"""`greenroom runs`: run rows → a list."""

from __future__ import annotations

import click

from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json, print_table
from workflow import runs


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@json_option
def command(limit: int, as_json: bool) -> None:
    """List the newest runs: what started them, how they ended, what they counted.

    A tick that found a cycle still running is listed as skipped. `--json` adds the settings each run used, and the
    reasons of albums that stayed where they were.
    """
    with application() as app, app.database.read() as connection:
        found = runs.recent(connection, limit)
    if as_json:
        print_json([{**run, "run_id": run["id"]} for run in found])
        return
    rows = [
        (run["id"], run["status"] + (" (dry run)" if run["dry_run"] else ""), run["trigger"],
         ", ".join(f"{n} {name}" for name, n in run["counts"].items() if n and name in SHOWN), run["error"])
        for run in found
    ]  # fmt: skip
    print_table(rows, ("run", "status", "trigger", "albums", "error"), "Nothing has run yet.")


SHOWN = ("staged", "waiting", "needs_review", "quarantined", "duplicate", "conflict", "failed")
