"""`greenroom keys`: API keys → made and shown once, listed, revoked."""

from __future__ import annotations

import datetime as dt

import click

from config import accounts, activity, tokens
from config.errors import Misconfigured
from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_rows
from daemon.cli.usage import usage

NONE = "There are none yet: `greenroom keys add NAME`"


@click.group(cls=Group)
def command() -> None:
    """Show, make and revoke API keys.

    A key opens the API under /api/v1 to a script, in the header X-Api-Key. It acts in the name of an account, reads
    only unless it was made with --write, and is shown when it is made and never again.

    \b
    Examples:
      greenroom keys add graphs
      greenroom keys add "my script" --write --account eva
      greenroom keys list
      greenroom keys revoke 3
    """


@command.command("add")
@click.argument("name")
@click.option("--account", help="In whose name; not needed while there is one account.")
@click.option("--write", is_flag=True, help="Let it change things, too.")
def add(name: str, account: str | None, write: bool) -> None:
    """Make a key called NAME and print it on standard output, this once."""
    now = dt.datetime.now(dt.UTC)
    with application() as app, app.database.begin() as connection, usage():
        names = accounts.account_names(connection)
        if not names:
            raise Misconfigured("a key acts for an account, and there is none yet: `greenroom accounts add NAME`")
        if account is None and len(names) != 1:
            raise Misconfigured(f"--account is needed, one of {', '.join(names)}")
        owner = account or names[0]
        made = tokens.add_key(connection, owner, name, tokens.SCOPES if write else ("read",), now)
        activity.note(connection, "key_made", owner, now, name)
    click.echo(made)


@command.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the keys, newest first."""
    with application() as app, app.database.read() as connection:
        keys = tokens.granted(connection, "api_key")
    names = ("id", "account", "name", "prefix", "scopes", "created_at", "seen_at")
    rows = [{name: getattr(key, name) for name in names} for key in keys]
    print_rows(rows, as_json, ("id", "account", "name", "begins with", "may", "made", "last used"), NONE)


@command.command("revoke")
@click.argument("key", type=int, metavar="ID")
def revoke(key: int) -> None:
    """Make the key with that ID, as `greenroom keys list` shows it, worthless at once."""
    now = dt.datetime.now(dt.UTC)
    with application() as app, app.database.begin() as connection, usage():
        revoked = tokens.revoke_key(connection, key)
        activity.note(connection, "key_revoked", revoked.account or "", now, revoked.name)
    click.echo(f"revoked the key {revoked.name} of {revoked.account}", err=True)
