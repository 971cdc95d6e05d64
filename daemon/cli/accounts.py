"""`greenroom accounts`: who may use the page → listed, added, given another password."""

from __future__ import annotations

import datetime as dt

import click

from config import accounts, activity
from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json
from daemon.cli.secret import secret
from daemon.cli.usage import usage


@click.group(cls=Group)
def command() -> None:
    """Show who may use the page, add an account, set a password.

    The first account is usually made in the browser, with the setup token from the log. A password is asked for on a
    terminal and read from standard input otherwise, never from an argument that other users of the machine could see.

    \b
    Examples:
      greenroom accounts add eva
      greenroom accounts password eva
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List who may use the page."""
    with application() as app, app.database.read() as connection:
        names = accounts.account_names(connection)
    if as_json:
        print_json(names)
    else:
        click.echo("\n".join(names) or "Nobody has an account yet: `greenroom accounts add NAME`")


@command.command("add")
@click.argument("name")
def add(name: str) -> None:
    """Add an account called NAME; the password is asked for."""
    now, password = dt.datetime.now(dt.UTC), _password()
    with application() as app, app.database.begin() as connection, usage():
        accounts.add_account(connection, name, password, now)
        activity.note(connection, "account_made", name, now, "command line")
    click.echo(f"{name} can sign in now", err=True)


@command.command("password")
@click.argument("name")
def password(name: str) -> None:
    """Give the account NAME another password, and end its sessions; the password is asked for."""
    now, given = dt.datetime.now(dt.UTC), _password()
    with application() as app, app.database.begin() as connection, usage():
        accounts.change_password(connection, name, given)
        activity.note(connection, "password_changed", name, now, "command line")
    click.echo(f"{name} has another password now, and no session", err=True)


def _password() -> str:
    return secret("Password", confirmation_prompt=True)
