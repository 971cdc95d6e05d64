"""`greenroom enrich`: items, or all that a filter finds → jobs that ask providers about them."""

from __future__ import annotations

import click

from config.reasons import counted
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.person import person
from daemon.cli.usage import usage
from processor.items import listing
from processor.items.listing import Filter
from workflow import progress
from workflow.operations import enriching
from workflow.states import MOVES


@click.command()
@click.argument("items", type=int, nargs=-1, metavar="[ITEM]...")
@click.option(
    "--status",
    type=click.Choice(list(MOVES)),
    metavar="STATUS",
    help="All items with this status, such as pending_review.",
)
@click.option("--search", default="", metavar="WORDS", help="All items with these words in artist and album.")
@click.option("--warned", is_flag=True, help="All items with something a reviewer should look at.")
@click.option("--force", is_flag=True, help="Ask anew what is remembered.")
@json_option
def command(items: tuple[int, ...], status: str | None, search: str, warned: bool, force: bool, as_json: bool) -> None:
    """Ask providers about ITEMs, or about all of which every filter is true: releases, fields, artists and lyrics.

    What is asked again is answered from memory unless it is old or --force is given; what is the same changes nothing.
    The daemon or a worker does it, see `greenroom jobs`.

    \b
    Examples:
      greenroom enrich 17 18
      greenroom enrich --status pending_review --warned --force
      greenroom enrich --search "nora vale"
    """
    wanted = Filter(status, warned=warned or None, words=search.strip())
    if bool(items) == (wanted != Filter()):
        raise click.UsageError("name items, or say by --status, --search and --warned which; not both")
    with application() as app, usage():
        with app.database.read() as connection:
            for item in items:
                progress.find(connection, item)
            found = list(items) or listing.ids(connection, wanted)
        jobs = enriching.want(app.engine, found, actor=person(), force=force)
    if as_json:
        print_json([{"item": job.item_id, "job": job.id} for job in jobs])
    else:
        click.echo(f"{counted(len(jobs), 'job')} wanted")
