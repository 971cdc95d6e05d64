"""`greenroom trash`: albums nobody wanted, or that gave way to better ones → a list, restored, or gone for good."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Final

import click

from config.reasons import counted, show_path, show_text
from daemon.actions import discarding
from daemon.bootstrap import application
from daemon.cli.acting import act
from daemon.cli.group import Group
from daemon.cli.output import album_name, json_option, print_json, print_table
from daemon.cli.person import person
from daemon.disks import Disks
from daemon.signals import stop_on_signals
from processor.planning.space import human_size
from workflow.operations import emptying

_UNKNOWN: Final = (None, None, None)


@click.group(cls=Group)
def command() -> None:
    """Show, restore and empty the trash of staging and of each library.

    An album that a person put there (`greenroom review trash`), or that gave way to a better or a retagged one, lies in
    .greenroom-trash of its root for staging_scan.trash_days. In staging it can be restored as long as it does; what is
    in a library's gave way to an album that is published there. Cycles remove what has lain there long enough; they
    count the time themselves, at most a day from one to the next, so that a wrong clock empties nothing.
    """


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List what lies in the trash, what has lain there longest first, and from when on it is removed.

    What an older database or a new one does not know stays; whoever does not want it any more removes it by hand.
    """
    with application() as app:
        app.disks = Disks(threading.TIMEOUT_MAX)
        found = discarding.bins(app)
        days = dt.timedelta(days=app.staging_settings()[0].trash_days)
    now = dt.datetime.now(dt.UTC)
    rows = [
        (t.transfer_id, *(t.told or _UNKNOWN)[:3], t.files, t.size, t.since, t.kept_until(days, now),
         one.root.path)
        for one in found for t in one.lying.albums
    ]  # fmt: skip
    names = ("transfer", "kind", "artist", "album", "files", "bytes", "since", "kept_until", "root")
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(rows, [name.replace("_", " ") for name in names], "The trash is empty.")
    for one in found:
        if one.problem:
            click.echo(one.problem, err=True)


@command.command("restore")
@click.argument("transfer")
@click.option("--dry-run", is_flag=True, help="Only say whether it can be.")
@json_option
def restore(transfer: str, dry_run: bool, as_json: bool) -> None:
    """Put what TRANSFER brought into the trash back into its place; it waits for review again.

    A better album that had taken the place goes back to inbound then, as `greenroom undo` says.
    """
    act(lambda app: discarding.bring_back(app, transfer, actor=person(), sure=not dry_run), as_json)


@command.command("empty")
@click.option("--older-than", type=click.IntRange(0, 36_500), metavar="DAYS", help="Default: staging_scan.trash_days.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
def empty(older_than: int | None, dry_run: bool, as_json: bool) -> None:
    """Remove for good what has lain in the trash long enough; `--older-than 0` removes everything.

    What a transfer that is not settled may still need is kept whatever its age, and so is what no transfer is known to
    have put there. A library that is away is left out, and said so.
    """
    stop = stop_on_signals()
    with application() as app:
        if not dry_run:
            app.may_move()
        days = app.staging_settings()[0].trash_days if older_than is None else older_than
        done = emptying.empty(app.database, stop, actor=person(), days=days, sure=not dry_run)
    if as_json:
        print_json(done.to_json())
        return
    would = "would be " if dry_run else ""
    for trashed in done.gone:
        _, artist, album = (trashed.told or _UNKNOWN)[:3]
        name = album_name(artist, album)
        holds = f"{counted(trashed.files, 'file')}, {human_size(trashed.size)}"
        click.echo(f"{would}removed {name}: {holds}  (transfer {show_text(trashed.transfer_id)})")
    for reason in done.kept:
        click.echo(f"kept {show_path(reason.path or b'')}: {reason.message}")
    if done.gone or done.kept:
        click.echo(f"{would}removed for good: {done.amount}; kept: {len(done.kept)}")
    else:
        click.echo(f"nothing has lain there for {counted(days, 'day')}" if days else "the trash is empty")
