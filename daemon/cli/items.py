"""`greenroom items`: staging items → a list."""

from __future__ import annotations

import os

import click

from config import libraries
from config.reasons import show_path
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json, print_table
from processor import repository


@click.command()
@click.option("--status", default=None, help="Only items with this status, such as pending_review.")
@click.option("--limit", type=click.IntRange(1), default=None, help="At most so many.")
@json_option
def command(status: str | None, limit: int | None, as_json: bool) -> None:
    """List the albums in staging, as the database holds them.

    `--json` adds the files of each, the evidence that they belong together, and what a reviewer should look at.
    """
    with application(quiet=True) as app, app.database.read() as connection:
        roots = {lib.root_uuid: lib.path for lib in libraries.list_libraries(connection)}
        items = list(repository.items(connection, status=status, limit=limit, with_files=as_json))
    for item in items:
        root = roots.get(item["root_uuid"])
        item["staging_path"] = show_path(os.path.join(root, item["path"]) if root else item["path"])
    if as_json:
        print_json(items)
        return
    rows = [
        (i["id"], i["status"], i["album_artist"], i["album"], i["year"], i["track_count"], i["staging_path"])
        for i in items
    ]
    print_table(rows, ("id", "status", "artist", "album", "year", "tracks", "where"))
