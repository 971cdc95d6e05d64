"""`greenroom enrich`: items, or all of a status → jobs that ask providers about them."""

from __future__ import annotations

import getpass

import click

from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.usage import usage
from processor import repository
from workflow import progress


@click.command()
@click.argument("items", type=int, nargs=-1, metavar="[ITEM]...")
@click.option("--status", default=None, help="All items with this status, such as pending_review.")
@click.option("--force", is_flag=True, help="Ask anew what is remembered.")
@json_option
def command(items: tuple[int, ...], status: str | None, force: bool, as_json: bool) -> None:
    """Ask providers about ITEMs, or about all of a status: their releases, fields, artists and lyrics.

    What is asked again is answered from memory unless it is old or --force is given; what is the same changes nothing.
    The daemon or a worker does it, see `greenroom jobs`.

    \b
    Examples:
      greenroom enrich 17 18
      greenroom enrich --status pending_review --force
    """
    if bool(items) == (status is not None):
        raise click.UsageError("name items, or a status; not both")
    with application() as app, usage():
        with app.database.read() as connection:
            for item in items:
                progress.find(connection, item)
            wanted = list(items) or [row["id"] for row in repository.items(connection, status=status)]
        jobs = app.enrich(wanted, actor=f"command:{getpass.getuser()}", force=force)
    if as_json:
        print_json([{"item": job.item_id, "job": job.id} for job in jobs])
    else:
        click.echo(f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} wanted")
