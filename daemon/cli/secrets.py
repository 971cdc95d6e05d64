"""`greenroom secrets`: passwords, keys and tokens in the database → counted, and encrypted with a new key."""

from __future__ import annotations

import click

from config.reasons import counted
from config.secrecy import mark, new_key
from daemon import secrecy
from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json
from daemon.cli.usage import usage


@click.group(cls=Group)
def command() -> None:
    """Show how secrets are kept; make another key.

    Keys of providers, passwords and tokens of players, URLs and secrets of messages stand in the database encrypted.
    The key is secret.key in the data folder, made with the first secret, or what GREENROOM_SECRET_KEY says, or the file
    GREENROOM_SECRET_KEY_FILE names, or the credential greenroom.secret_key of systemd. A backup has the secrets and not
    the key: keep a copy of it elsewhere. All hosts of one database need the same key.

    Whoever loses it loses nothing but the secrets: what needed one stands still, says so, and goes on once it was
    entered again. Ends with 1 if any cannot be read.

    \b
    Examples:
      greenroom secrets
      greenroom secrets rotate
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """Show how secrets are kept, and those that cannot be read."""
    with application() as app, usage():
        keys, count, lost = app.vault.keys(), secrecy.count(app.database), secrecy.lost(app.database)
        where = None if app.vault.given else str(app.vault.file)
    if as_json:
        print_json({"key": mark(keys[0]) if keys else None, "file": where, "secrets": count, "lost": lost})
    else:
        key = f"encrypted with the key {mark(keys[0])}, {where or 'given from outside'}" if keys else "no key yet"
        click.echo(f"{counted(count, 'secret')}; {key}")
        for message in lost:
            click.echo(message)
    if lost:
        raise SystemExit(1)


@command.command("rotate")
def rotate() -> None:
    """Make a new key, encrypt every secret with it, and forget the old one.

    Where the key is given from outside: put the one of `greenroom secrets new-key` before the old one, with a space
    between, and restart; that encrypts everything with it. Then take the old one away.
    """
    with application() as app, usage():
        count = secrecy.rotate(app)
        click.echo(f"{count} secrets are encrypted with a new key, in {app.vault.file}; old backups need the old one")


@command.command("new-key")
def fresh() -> None:
    """Print a key nobody has, for GREENROOM_SECRET_KEY."""
    click.echo(new_key())
