"""`greenroom players`: the players of the house → listed, added, tested, told, removed."""

from __future__ import annotations

from typing import Any

import click

from config.reasons import MASK, counted
from daemon.actions import players
from daemon.bootstrap import application
from daemon.cli.folder import FOLDER
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.person import person
from daemon.cli.secret import secret
from daemon.cli.usage import usage
from processor.players.examination import Examination
from processor.players.kinds import kinds
from processor.players.paths import parsed
from processor.players.player import Player
from processor.players.rows import Standing

NONE = "There are none yet; `greenroom players add --help` says how one is added."


@click.group(cls=Group)
def command() -> None:
    """Show, add, test and tell the players that show your libraries.

    A player is told of each album that is published, asked whether it shows it, and asked elsewhere if it does not. It
    may see a library under another name, such as smb://nas/music; its path map says so.

    \b
    Examples:
      greenroom players add livingroom kodi http://livingroom:8080 \\
          --user kodi --map /srv/music=smb://nas/music
      greenroom players test livingroom
      greenroom players tell livingroom
    """


@command.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the players, and how it goes with each."""
    with application() as app:
        found, lost = players.listed(app), players.missed(app)
    if as_json:
        print_json([{**_of(one), "missed": lost.get(one.player.id, [])} for one in found])
        return
    rows = [(p.name, p.kind, p.url, "on" if p.enabled else "off", one.owed, one.missed, one.problem)
            for one in found if (p := one.player)]  # fmt: skip
    print_table(rows, ("name", "kind", "address", "", "owed", "missed", "problem"), NONE)
    for why in (why for reasons in lost.values() for why in reasons):
        click.echo(why, err=True)


def _of(one: Standing) -> dict[str, Any]:
    player = one.player
    return {
        "name": player.name, "kind": player.kind, "url": player.url, "user": player.user,
        "secret": MASK if player.secret or player.lost else None, "path_map": [str(pair) for pair in player.path_map],
        "enabled": player.enabled, "heard_at": one.heard_at, "problem": one.problem, "owed": one.owed,
    }  # fmt: skip


@command.command("add")
@click.argument("name")
@click.argument("kind", type=click.Choice(sorted(kinds())))
@click.argument("url")
@click.option("--user", help="User name, where the player has one; a token has none.")
@click.option("--map", "pairs", multiple=True, metavar="OURS=THEIRS", help="What a folder of ours is called there.")
@click.option("--off", is_flag=True, help="Do not tell it anything yet.")
def add(name: str, kind: str, url: str, user: str | None, pairs: tuple[str, ...], off: bool) -> None:
    """Add the player NAME. Its password or token is asked for, or read from standard input."""
    given = secret("Password or token", default="", err=True)
    with application() as app, usage():
        new = Player(0, name, kind, url, user, given or None, parsed(pairs), not off)
        made = players.add(app, new, actor=person())
    click.echo(f"added the player {made.name}; `greenroom players test {made.name}` asks it who it is", err=True)


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the player NAME, and what it is owed."""
    with application() as app, usage():
        players.remove(app, name, actor=person())
    click.echo(f"forgot the player {name}", err=True)


@command.command("test")
@click.argument("name")
@click.argument("folders", nargs=-1, type=FOLDER)
@json_option
def test(name: str, folders: tuple[bytes, ...], as_json: bool) -> None:
    """Ask the player NAME who it is, and which paths it would be asked for: of FOLDERS, or else of the libraries."""
    with application() as app, usage():
        found = players.try_out(app, name, folders)
    if as_json:
        print_json(_plain(found))
    else:
        click.echo(found.health.version)
        rows = [(place.ours, place.theirs, {True: "yes", False: "no", None: "it does not tell"}[place.known])
                for place in found.places]  # fmt: skip
        print_table(rows, ("our folder", "is asked for as", "known there"), "There is no library to ask for.")
        for problem in found.problems:
            click.echo(problem, err=True)
        for pair in found.suggested:
            click.echo(f"perhaps: --map '{pair}'", err=True)
    if found.problems:
        raise SystemExit(1)


def _plain(found: Examination) -> dict[str, object]:
    return {
        "version": found.health.version, "roots": found.roots, "problems": found.problems,
        "places": [{"ours": place.ours, "theirs": place.theirs, "known": place.known} for place in found.places],
        "suggested": [str(pair) for pair in found.suggested],
    }  # fmt: skip


@command.command("tell")
@click.argument("name", required=False)
@click.argument("folder", required=False, type=FOLDER)
def tell(name: str | None, folder: bytes | None) -> None:
    """Have players told now: of all they are owed or missed, or the player NAME of FOLDER at once, unconfirmed."""
    with application() as app, usage():
        if name is not None and folder is not None:
            click.echo(f"{name} was asked to look at {players.look(app, name, folder)}", err=True)
        else:
            count = players.tell(app, name, actor=person())
            click.echo(f"{counted(count, 'folder')} to be told, by the daemon or `greenroom worker`", err=True)
