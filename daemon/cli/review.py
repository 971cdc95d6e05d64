"""`greenroom review`: a person's word → the status of an item and the phase that follows, its fields, its notes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from config.errors import Misconfigured, NeedsReview, Rejected
from daemon.actions import discarding, regrouping
from daemon.bootstrap import Application, application
from daemon.cli.acting import act
from daemon.cli.completing import among
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_done, print_json
from daemon.cli.person import person
from daemon.cli.usage import usage
from processor.metadata.fields import FIELDS, Subject
from workflow.operations import deciding, editing


@click.group(cls=Group)
def command() -> None:
    """Approve or reject what is in staging, or take that back; say what an album's fields are, and keep notes.

    Who did it, when and why is kept: greenroom items show ID.
    """


@command.command("list")
@json_option
@click.pass_context
def queue(ctx: click.Context, as_json: bool) -> None:
    """List the albums that wait for a person, as `greenroom items --status pending_review` does."""
    from daemon.cli import items

    ctx.invoke(items.list_all, status="pending_review", sort="-added", as_json=as_json)


@command.command("approve")
@click.argument("items", metavar="ITEM…", type=int, nargs=-1, required=True)
@click.option("--why", default="approved by a person", help="Kept in the item's history.")
@click.option("--publish", is_flag=True, help="And have a worker publish it, whatever phase.publish.mode says.")
@json_option
def approve(items: tuple[int, ...], why: str, publish: bool, as_json: bool) -> None:
    """Approve each ITEM, a number that `greenroom items` lists.

    \b
    Examples:
      greenroom review approve 17 18
      greenroom review list --json | jq '.[] | select(.confidence > 0.9).id' \\
          | xargs -r greenroom review approve --publish
    """
    _decide(items, "approved", why, as_json, publish=publish)


@command.command("reject")
@click.argument("items", metavar="ITEM…", type=int, nargs=-1, required=True)
@click.option("--why", default="rejected by a person", help="Kept in the item's history.")
@json_option
def reject(items: tuple[int, ...], why: str, as_json: bool) -> None:
    """Reject each ITEM: it stays in staging and goes nowhere by itself; see also `greenroom review trash`."""
    _decide(items, "rejected", why, as_json)


@command.command("trash")
@click.argument("items", type=int, nargs=-1, required=True)
@click.option("--why", default="", help="Kept in their histories.")
@click.option("--dry-run", is_flag=True, help="Only say whether it can be.")
@json_option
def trash(items: tuple[int, ...], why: str, dry_run: bool, as_json: bool) -> None:
    """Reject ITEMS and put their albums into the trash of staging, from where they can be restored for a while.

    An album goes as a whole, and only while it is as it was put there, with nothing of somebody else in its folder.
    `greenroom trash restore` brings it back, with what people said of its fields; its decisions do not come along.
    """
    act(lambda app: discarding.throw_away(app, items, actor=person(), why=why, sure=not dry_run), as_json)


@command.command("undo")
@click.argument("items", metavar="ITEM…", type=int, nargs=-1, required=True)
@json_option
def undo(items: tuple[int, ...], as_json: bool) -> None:
    """Take the last decision about each ITEM back, if nothing happened to it since; say which it was, and whose."""

    def take_back(app: Application, item: int) -> tuple[str, dict[str, Any]]:
        status, taken = deciding.take_back(app.database, item, actor=person(), seen=None)
        text = f"item {item} is {status} again; taken back: {taken}"
        return text, {"item": item, "status": status, "taken_back": taken}

    _each(items, take_back, as_json)


@command.command("set")
@click.argument("item", type=int)
@click.argument("field", shell_complete=among(lambda: {**FIELDS["album"], **FIELDS["track"]}))
@click.argument("value", nargs=-1)
@click.option("--track", default="", metavar="FILE", help="The field of a track: its file, relative to the album.")
@click.option("--unlock", is_flag=True, help="Say nothing any more; what the sources say counts again.")
@json_option
def say(item: int, field: str, value: tuple[str, ...], track: str, unlock: bool, as_json: bool) -> None:
    """Say what FIELD of ITEM is. It is locked then: no source changes it.

    Several values make a list, as of artists or genres; numbers, and true and false, are written as JSON.

    \b
    Examples:
      greenroom review set 17 title "Low Tide"
      greenroom review set 17 genres Folk "Sea Shanty"
      greenroom review set 17 title Salt --track "01 - Slat.flac"
      greenroom review set 17 genres --unlock
    """
    if unlock == bool(value):
        raise click.UsageError("give a value, or --unlock")
    subject: Subject = "track" if track else "album"
    said = None if unlock else value_of(subject, field, value)
    with application() as app, usage():
        news = editing.say(app.database, item, track, {field: said}, actor=person(), seen=None)
    text = (
        f"{field} of item {item} {'is left to the sources' if unlock else 'is locked'}" if news else "that is no news"
    )
    print_done(text, {"item": item, "field": field, "changed": bool(news)}, as_json)


@command.command("note")
@click.argument("item", type=int)
@click.argument("text")
@json_option
def note(item: int, text: str, as_json: bool) -> None:
    """Keep TEXT with the history of ITEM."""
    with application() as app, usage():
        editing.note(app.database, item, text, actor=person())
    print_done(f"noted of item {item}", {"item": item, "note": text}, as_json)


@command.command("split")
@click.argument("item", type=int)
@click.argument("tracks", nargs=-1, required=True)
@click.option("--artist", required=True, help="Artist of the other album.")
@click.option("--album", required=True, help="Title of the other album.")
@click.option("--dry-run", is_flag=True, help="Only say whether it can be.")
@json_option
def split(item: int, tracks: tuple[str, ...], artist: str, album: str, dry_run: bool, as_json: bool) -> None:
    """Make TRACKS of ITEM, files relative to its folder, another album.

    The album goes back to inbound, and the cycle that follows stages it as two. If that one fails the exit code is 0
    all the same, and it is told: what you said is kept, and the next cycle goes by it.

    \b
    Example:
      greenroom review split 17 "05 - Engines.flac" "06 - Home.flac" \\
          --artist "Nora Vale" --album "High Tide"
    """
    act(lambda app: regrouping.split(app, item, tracks, artist, album, actor=person(), sure=not dry_run), as_json)


@command.command("merge")
@click.argument("items", type=int, nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say whether it can be.")
@json_option
def merge(items: tuple[int, ...], dry_run: bool, as_json: bool) -> None:
    """Make ITEMS one album, called as the first is.

    They go back to inbound, and the cycle that follows stages them as one; where they have the same numbers, the later
    ones become further discs. If that cycle fails the exit code is 0 all the same, and it is told: what you said is
    kept, and the next cycle goes by it.
    """
    act(lambda app: regrouping.merge(app, items, actor=person(), sure=not dry_run), as_json)


@command.command("regroup")
@click.argument("item", type=int)
@click.option("--dry-run", is_flag=True, help="Only say whether it can be.")
@json_option
def regroup(item: int, dry_run: bool, as_json: bool) -> None:
    """Take ITEM back to inbound and group its files by the rules again, whatever was said of them before."""
    act(lambda app: regrouping.leave_to_rules(app, item, actor=person(), sure=not dry_run), as_json)


def value_of(subject: Subject, field: str, words: tuple[str, ...]) -> Any:
    """Return the words of a command line as a field's JSON; an unknown field is left to whoever knows them all."""
    kind = FIELDS[subject][field].kind if field in FIELDS[subject] else "line"
    if kind in ("lines", "credits"):
        return list(words)
    text = " ".join(words)
    if kind in ("count", "rating", "flag"):
        try:
            return json.loads(text)
        except ValueError:
            return text  # its reader says what it must be
    return text


def _decide(items: tuple[int, ...], status: str, why: str, as_json: bool, *, publish: bool = False) -> None:
    def decide(app: Application, item: int) -> tuple[str, dict[str, Any]]:
        deciding.decide(app.database, item, status, actor=person(), why=why, seen=None, publish=publish)
        return f"item {item} {status}", {"item": item, "status": status, "why": why}

    _each(items, decide, as_json)


def _each(
    items: Sequence[int], decide: Callable[[Application, int], tuple[str, dict[str, Any]]], as_json: bool
) -> None:
    """Decide about each item; print what `decide` says of it, for people or scripts, or why it was refused.

    Ends with 1 if any was; the others are decided all the same.
    """
    told, refused = [], False
    with application() as app:
        for item in dict.fromkeys(items):  # the second time would take back what the first one took back
            try:
                text, values = decide(app, item)
            except (Misconfigured, NeedsReview, Rejected) as error:
                named = "" if f"item {item}" in error.message else f"item {item}: "
                text, values = f"! {named}{error.message}", {"item": item, "refused": error.message}
                refused = True
            told.append(values)
            if not as_json:
                click.echo(text, err=True)
    if as_json:
        print_json(told)
    sys.exit(1 if refused else 0)
