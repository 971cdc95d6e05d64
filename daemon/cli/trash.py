"""`greenroom trash`: albums that gave way to better ones → a list, or gone for good."""

from __future__ import annotations

import datetime as dt

import click

from config.reasons import show_path, show_text
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json, print_table
from daemon.signals import stop_on_signals


@click.group()
def command() -> None:
    """Show and empty the trash of the staging library.

    An album that gave way to a better one lies in .greenroom-trash of the staging root for staging_scan.trash_days, and
    `greenroom undo` can bring it back as long as it does. Cycles remove what has lain there long enough; they count the
    time themselves, at most a day from one to the next, so that a wrong clock empties nothing.
    """


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List what lies in the trash, what has lain there longest first, and from when on it is removed."""
    with application() as app:
        found = app.trash()
        days = dt.timedelta(days=app.staging_settings()[0].trash_days)
    now = dt.datetime.now(dt.UTC)
    rows = [(t.transfer_id, t.files, t.size, t.since, now + max(days - t.age, dt.timedelta(0))) for t in found]
    names = ("transfer", "files", "bytes", "since", "kept_until")
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(rows, [name.replace("_", " ") for name in names])


@command.command("empty")
@click.option("--older-than", type=click.IntRange(0), metavar="DAYS", help="Default: staging_scan.trash_days.")
@json_option
def empty(older_than: int | None, as_json: bool) -> None:
    """Remove for good what has lain in the trash long enough; `--older-than 0` removes everything.

    What a transfer that is not settled may still need is kept whatever its age, and so is what no transfer is known to
    have put there.
    """
    stop = stop_on_signals()
    with application() as app:
        days = app.staging_settings()[0].trash_days if older_than is None else older_than
        gone, kept = app.empty_trash(days, stop=stop)
    if as_json:
        removed = [trashed.transfer_id for trashed in gone]
        print_json({"removed": removed, "kept": [{"code": r.code, "message": r.message, "path": r.path} for r in kept]})
        return
    for trashed in gone:
        click.echo(f"removed {show_text(trashed.transfer_id)}: {trashed.files} files, {trashed.size} bytes")
    for reason in kept:
        click.echo(f"kept {show_path(reason.path or b'')}: {reason.message}")
    click.echo(f"{len(gone)} removed, {len(kept)} kept")
