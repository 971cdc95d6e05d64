"""`greenroom pictures`: pictures on offer for an album and its artists → a list; chosen, rejected, given by people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from daemon.bootstrap import application
from daemon.cli.completing import among
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.person import person
from daemon.cli.usage import usage
from processor.artwork.rows import Candidate
from processor.artwork.selecting import Decision
from processor.artwork.types import TYPES
from workflow.operations import picturing


@click.group(cls=Group)
def command() -> None:
    """Show the pictures on offer for an album and for its artists, and say which they get.

    What a person chooses comes first and stays, whatever is found later; what is rejected stays away in every size.
    What is said of an artist's picture holds for all albums by that artist.

    \b
    Examples:
      greenroom pictures list 17
      greenroom pictures choose 17 204
      greenroom pictures give 17 front cover.jpg
      greenroom pictures give 17 thumb portrait.jpg --artist "Nora Vale"
    """


@command.command("list")
@click.argument("item", type=int)
@json_option
def list_all(item: int, as_json: bool) -> None:
    """Show every picture on offer for ITEM: selected ones first, with the parts of their scores."""
    with application() as app, usage():
        groups = picturing.shown(app.database, item)
    found = [(group.artist, one) for group in groups for one in group.pictures]
    if as_json:
        print_json([{"artist": artist, **picturing.told(one)} for artist, one in found])
        return
    header = (
        "number",
        "of",
        "type",
        "rank",
        "score",
        "resolution aspect language votes provider",
        "size",
        "from",
        "note",
    )
    print_table(
        [(one.id, artist or "the album", *_row(one)) for artist, one in found], header, "No picture is on offer."
    )


@command.command("choose")
@click.argument("item", type=int)
@click.argument("number", type=int)
@json_option
def choose(item: int, number: int, as_json: bool) -> None:
    """Let picture NUMBER be the first of its type, of ITEM or of its artist."""
    _decide(item, number, "chosen", as_json)


@command.command("reject")
@click.argument("item", type=int)
@click.argument("number", type=int)
@json_option
def reject(item: int, number: int, as_json: bool) -> None:
    """Never select picture NUMBER of ITEM, nor the same picture from somewhere else."""
    _decide(item, number, "rejected", as_json)


@command.command("leave")
@click.argument("item", type=int)
@click.argument("number", type=int)
@json_option
def leave(item: int, number: int, as_json: bool) -> None:
    """Take back what was said of picture NUMBER of ITEM: the rule decides again."""
    _decide(item, number, None, as_json)


@command.command("give")
@click.argument("item", type=int)
@click.argument("type", shell_complete=among(lambda: dict.fromkeys(name for _, name in TYPES)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--artist", default=None, metavar="NAME", help="It shows this artist of ITEM, not the album.")
@json_option
def give(item: int, type: str, file: Path, artist: str | None, as_json: bool) -> None:
    """Let the picture in FILE be the first of TYPE of ITEM.

    Of an album there are front, back, disc, booklet and fanart; of an artist thumb, fanart, logo, clearart, banner and
    landscape.
    """
    with application() as app, usage():
        outcome = picturing.give(
            app.database, app.boot.data_dir, item, type, file.read_bytes(), actor=person(), artist=artist
        )
    _said(outcome, as_json)


def _decide(item: int, number: int, decision: Decision | None, as_json: bool) -> None:
    with application() as app, usage():
        outcome = picturing.decide(app.database, app.boot.data_dir, item, number, decision, actor=person())
    _said(outcome, as_json)


def _said(outcome: Any, as_json: bool) -> None:
    if as_json:
        print_json([one._asdict() for one in outcome.selected])
        return
    for one in outcome.selected:
        click.echo(f"{one.type} {one.rank}: picture {one.candidate}, {one.width} × {one.height}, {one.provider}")


def _row(one: Candidate) -> tuple[Any, ...]:
    size = f"{one.seen.width} × {one.seen.height}" if one.seen else None
    parts = " ".join(f"{part:g}" for part in one.parts) if one.parts else None
    note = f"{one.decision} by {one.decided_by}" if one.decision else one.message
    if note is None and one.same_as is not None:
        note = f"the same as {one.same_as}"
    return one.offer.type, one.rank, one.score, parts, size, one.offer.provider, note
