"""`greenroom items`: albums in staging and libraries → listed, shown, forgotten; which release one is, chosen."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import click

from config import libraries
from config.reasons import path_text, show_path, show_text, show_time
from daemon.bootstrap import application
from daemon.cli import detail
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.person import person
from daemon.cli.usage import usage
from daemon.signals import stop_on_signals
from processor.items import listing, repository
from processor.items.listing import Filter, Sort
from processor.matching.rows import Candidate
from processor.publication import news
from workflow.states import MOVES

NONE = {None: "No album is in staging or published yet.", "pending_review": "No album waits for a person."}

# The verbs of a subcommand are imported in it: listing items needs none of them, and starts the quicker.


@click.group(cls=Group)
def command() -> None:
    """List the albums in staging, as the database holds them; `greenroom items show ID` shows one with its history.

    `--json` adds the tracks and all files of each, the evidence that they belong together, and what a reviewer should
    look at. Tracks are shown as `greenroom cycle --json` shows them; the paths of files are relative to the album.

    \b
    Examples:
      greenroom items --status missing
      greenroom items --sort changed --limit 20
      greenroom items forget 17
    """


@command.command("list")
@click.option(
    "--status",
    type=click.Choice(list(MOVES)),
    metavar="STATUS",
    help=f"Only items with this status: {', '.join(MOVES)}.",
)
@click.option(
    "--sort",
    type=click.Choice(get_args(Sort)),
    default="-added",
    show_default=True,
    help="Newest added or changed first, artist or album from A to Z, newest year first; a - turns it around.",
)
@click.option("--limit", type=click.IntRange(1), default=None, help="At most so many.")
@json_option
def list_all(status: str | None, sort: Sort, limit: int | None, as_json: bool) -> None:
    """List the albums in staging and in libraries."""
    # A snapshot may be read as slowly as whoever asked reads what is printed of it.
    with application() as app, app.database.read(snapshot=as_json) as connection:
        found = libraries.list_libraries(connection)
        listed = listing.ids(connection, Filter(status), sort, limit)
        outdated = news.outdated(connection)
        items = (_shown(i, found, outdated) for i in repository.these(connection, listed, with_files=as_json))
        if as_json:
            print_json(items)
            return
        rows = [
            (i["id"], _status(i), i["album_artist"], i["album"], i["year"], i["track_count"], i["staging_path"])
            for i in items
        ]
    none = NONE.get(status, f"No album is {status}.")
    print_table(rows, ("id", "status", "artist", "album", "year", "tracks", "where"), none)


@command.command("forget")
@click.argument("item_id", metavar="ID", type=int)
def forget(item_id: int) -> None:
    """Let the row of item ID go, whose files are gone.

    For an album that somebody took out of staging on purpose. While any of its files, or its sidecar, is still in its
    folder the item is kept, and the command says what is there. Nothing on disk is touched. Should the folder come
    back with its sidecar, `greenroom fsck --adopt` records it again.
    """
    from workflow.operations.fsck import forget_item

    stop = stop_on_signals()
    with application() as app:
        row = forget_item(app.database, item_id, stop=stop)
        with app.database.read() as connection:
            is_seen = row.root_uuid in {library.root_uuid for library in libraries.list_libraries(connection)}
    unseen = "" if is_seen else "; nobody looked at its files, for its root is no library any more"
    click.echo(f"forgot item {row.id}, which was in {show_path(row.path)}{unseen}", err=True)


def _shown(
    item: dict[str, Any], found: Sequence[libraries.Library], outdated: Mapping[int, dt.datetime]
) -> dict[str, Any]:
    root = next((lib.path for lib in found if lib.root_uuid == item["root_uuid"]), b"")
    inbound = next((lib.path for lib in found if lib.role == "inbound"), b"")
    folder = os.path.join(root, item["path"])
    tracks = [_track(inbound, folder, file) for file in item.get("files", ()) if file["role"] == "audio"]
    where = path_text(folder)
    return item | {"path": where, "staging_path": where, "news_at": outdated.get(item["id"]), "tracks": tracks}


def _status(item: dict[str, Any]) -> str:
    return f"{item['status']}, newer metadata waiting" if item["news_at"] else str(item["status"])


def _track(inbound: bytes, folder: bytes, file: dict[str, Any]) -> dict[str, Any]:
    shown = {name: file[name] for name in ("disc", "track", "title")}
    return {**shown, "source": os.path.join(inbound, file["source"]), "path": os.path.join(folder, file["path"])}


@command.command("show")
@click.argument("item", type=int)
@json_option
def show(item: int, as_json: bool) -> None:
    """Show ITEM: what is known of it, and who says so; all that happened to it; its jobs.

    Of all who say something of a field the first counts: a person (user), the release a person chose (choice),
    musicbrainz, discogs, theaudiodb, lrclib, the album's own NFO file (nfo), its tags.
    """
    with application() as app, app.database.read() as connection, usage():
        shown = detail.read(app, connection, item)
    if as_json:
        print_json(shown.as_object())
        return
    for name, value in shown.lines():
        click.echo(f"{name:<14} {value}")
    shown.print_tables()


@command.command("candidates")
@click.argument("item", type=int)
@json_option
def candidates(item: int, as_json: bool) -> None:
    """Show which releases ITEM could be, the nearest first, and why none or one of them was taken.

    The distance goes from 0, the same in all that both say, to 1. `greenroom items choose` takes one of them.
    """
    from workflow.operations import enriching

    with application() as app, usage():
        told = enriching.candidates(app.database, item)
    if as_json:
        shown = [one._asdict() | {"changes": [change._asdict() for change in changes]}
                 for one, changes in zip(told.candidates, told.changes, strict=True)]  # fmt: skip
        print_json({**told._asdict(), "candidates": shown, "debts": [debt._asdict() for debt in told.debts]}
                   | {"changes": None})  # fmt: skip
        return
    click.echo(f"item {item}: {told.verdict or 'nobody was asked yet'}")
    for reason in told.reasons:
        click.echo(f"  {show_text(reason['message'])}")
    for debt in told.debts:
        click.echo(f"  {debt.provider} owes {debt.what} since {show_time(debt.since)}: {show_text(debt.why)}")
    print_table([_candidate(one) for one in told.candidates], _CANDIDATE, "No release is on offer.")


_CANDIDATE = ("", "distance", "release", "title", "date", "country", "label", "number", "on", "tracks", "chosen by")


def _candidate(one: Candidate) -> tuple[object, ...]:
    about = one.about
    edition = (about["date"], about["country"], ", ".join(about["labels"]), ", ".join(about["catalog_numbers"]))
    media = ", ".join(about["formats"])
    return (one.position, f"{one.distance:.3f}", one.release_id, about["title"], *edition, media, about["tracks"],
            one.chosen_by)  # fmt: skip


@command.command("choose")
@click.argument("item", type=int)
@click.argument("release")
@json_option
def choose(item: int, release: str, as_json: bool) -> None:
    """Say that ITEM is RELEASE: the number of a candidate, or the id of any release.

    `none` says that it is none of them, `auto` leaves it to matching again. A choice is kept by the sound of the album,
    so it holds when it is dropped again, retagged or under another name; what the release says is locked.

    \b
    Examples:
      greenroom items choose 17 2
      greenroom items choose 17 0f1a8b4e-2b7f-4b59-9a6e-0c6f2f0d3c11
      greenroom items choose 17 auto
    """
    from workflow.operations import enriching

    with application() as app, usage():
        job = enriching.choose(app.database, app.engine, item, release, actor=person())
    if as_json:
        print_json({"item": item, "release": release, "job": job.id})
    else:
        click.echo(f"item {item}: {show_text(release)}; what follows of it is job {job.id}")
