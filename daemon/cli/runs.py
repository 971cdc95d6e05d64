"""`greenroom runs`: run rows → a list, and one with what it moved and why other albums stayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from config.reasons import show_text, show_time
from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import because, json_option, print_json, print_table
from workflow import history, runs
from workflow.report import OUTCOMES

MOST = 100_000  # albums of one run that are shown


@click.group(cls=Group)
def command() -> None:
    """List the newest runs, and show what one did and why.

    \b
    Examples:
      greenroom runs
      greenroom runs show 20261122T093108Z-e61ab6
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@json_option
def show_list(limit: int, as_json: bool) -> None:
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
        (run["id"], run["started_at"], run["status"] + (" (dry run)" if run["dry_run"] else ""), run["trigger"],
         _counted(run), run["error"])
        for run in found
    ]  # fmt: skip
    print_table(
        rows,
        ("run", "began", "status", "trigger", "albums", "error"),
        "Nothing has run yet: `greenroom cycle`, or on a schedule `greenroom run`",
    )


@command.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show RUN: the albums it moved, and why each other one stayed where it was.

    `--json` adds the settings it used.
    """
    with application() as app, app.database.read() as connection:
        run = runs.one(connection, run_id)
        moved = history.moved_by(connection, run_id, 0, MOST)
    if run is None:
        raise click.UsageError(f"there is no run {run_id}; `greenroom runs` lists them")
    if as_json:
        print_json({**run, "run_id": run["id"], "moved": moved})
        return
    what, counts = "dry run" if run["dry_run"] else "run", _counted(run)
    click.echo(f"{what} {run_id} {run['status']}, began {show_time(run['started_at'])} by {run['trigger']}")
    if counts:
        click.echo(f"would be: {counts}" if run["dry_run"] else counts)
    if run["error"]:
        click.echo(show_text(run["error"]))
    for album in moved:
        name = show_text(album["name"] or "an album that is not there any more")
        click.echo(f"→ item {album['item_id']}: {name}, {album['status'] or 'gone'}")
    for stayed in runs.by_album(run["reasons"]):
        click.echo(f"! {show_text(stayed['name'])}: {stayed['outcome'].replace('_', ' ')}")
        for why in stayed["reasons"]:
            click.echo(f"      {because(why['message'], why['path'])}")


def _counted(run: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in run["counts"].items() if n and name in OUTCOMES)
