"""`greenroom hooks`: who may tell us that something arrived → made with a secret, listed, removed."""

from __future__ import annotations

import click

from config import tokens
from daemon.actions import hook_secrets
from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_rows
from daemon.cli.person import person
from daemon.cli.usage import usage

NONE = "There are none yet: `greenroom hooks add lidarr`"


@click.group(cls=Group)
def command() -> None:
    """Let Lidarr and Radarr tell when something arrived.

    A hook is an address, /api/v1/hooks/NAME, with a secret of its own. In Lidarr: Settings, Connect, Webhook; the
    secret is the password, the user name is of no matter. A message never does more than let the next cycle come
    earlier, and only if it names a path in inbound; `greenroom settings set hooks.path_map /downloads=/srv/inbound`
    says how paths are called here when that program sees them under another name.

    \b
    Examples:
      greenroom hooks add lidarr
      greenroom hooks list
      greenroom hooks remove lidarr
    """


@command.command("add")
@click.argument("name")
def add(name: str) -> None:
    """Make the hook NAME and print its secret on standard output, this once."""
    with application() as app, usage():
        secret = hook_secrets.add(app, name, actor=person())
    click.echo(f"POST {app.boot.web_base}/api/v1/hooks/{name} with this secret:", err=True)
    click.echo(secret)


@command.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the hooks, newest first."""
    with application() as app, app.database.read() as connection:
        hooks = tokens.granted(connection, "hook")
    rows = [{"name": hook.name, "made_by": hook.account, "created_at": hook.created_at} for hook in hooks]
    print_rows(rows, as_json, ("name", "made by", "made"), NONE)


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the hook NAME; its secret is worthless at once."""
    with application() as app, usage():
        hook_secrets.remove(app, name, actor=person())
    click.echo(f"forgot the hook {name}", err=True)
