"""`greenroom providers`: who is asked about albums and artists → a list; one of them tried."""

from __future__ import annotations

import sys
from typing import Any

import click

from daemon.actions import providers
from daemon.bootstrap import application
from daemon.cli.completing import among
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.usage import usage
from processor.providers.registry import all_providers


@click.group(cls=Group)
def command() -> None:
    """Show who is asked about albums, artists, pictures and lyrics, in their order, and try one of them.

    A provider that failed five times is left alone for five minutes, by all workers on all hosts; what was remembered
    is used meanwhile. Addresses, keys, paces and order are settings; keys are shown to nobody.

    \b
    Examples:
      greenroom providers
      greenroom providers test musicbrainz
      greenroom settings set provider.fanart.key  # asks for it
      greenroom settings set provider.musicbrainz.base_url http://mb.lan:5000/ws/2
      greenroom settings set provider.lrclib.enabled false
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """Show every provider: whether it is on, what it answers, how it stands."""
    with application() as app:
        rows = providers.standing(app)
    if as_json:
        print_json(rows)
        return
    header = ("provider", "is", "answers", "stands", "requests", "last answer", "what it is")
    print_table(
        [
            (row["name"], "on" if row["on"] else f"off: {row['why']}", ", ".join(row["answers"]).replace("_", " "),
             _stands(row), row["requests"], row["succeeded_at"], row["description"])
            for row in rows
        ],
        header,
    )  # fmt: skip


def _stands(row: dict[str, Any]) -> str:
    if not row["requests"]:
        return "not asked yet"
    if row["state"] == "closed":
        return "well" if not row["error"] or _recovered(row) else f"failed: {row['error']}"
    return f"left alone: {row['error']}"


def _recovered(row: dict[str, Any]) -> bool:
    return row["succeeded_at"] is not None and row["succeeded_at"] >= row["failed_at"]


@command.command("test")
@click.argument("name", shell_complete=among(all_providers))
@json_option
def test(name: str, as_json: bool) -> None:
    """Ask provider NAME something simple now, and say what came of it.

    It is asked even while it is off or left alone; if it answers, everybody may ask it again.
    """
    with application() as app, usage():
        found = providers.try_out(app, name)
    if as_json:
        print_json({"name": name, **found._asdict()})
    else:
        click.echo(f"{name}: {found.why} ({found.seconds:.1f} s)", err=not found.works)
    sys.exit(0 if found.works else 1)
