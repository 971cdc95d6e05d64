"""`greenroom settings`: the settings table → shown, changed, remembered."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import click

from config import admin
from config.reasons import MASK
from config.settings import REGISTRY, find_setting
from daemon.bootstrap import application
from daemon.cli.completing import among
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.person import person
from daemon.cli.secret import secret
from daemon.cli.usage import usage

_keys = among(lambda: REGISTRY)


@click.group(cls=Group)
def command() -> None:
    """Show and change the settings an admin may change while Greenroom runs.

    A change takes effect at the daemon's next heartbeat, within seconds, without a restart. Every change is kept with
    who made it and what it was before.

    \b
    Examples:
      greenroom settings
      greenroom settings list phase.publish
      greenroom settings set staging_scan.schedule "0 3 * * *"
      greenroom settings set quiet_seconds 300
      greenroom settings unset quiet_seconds
      greenroom settings history staging_scan.schedule
    """


@command.command("list")
@click.argument("prefix", default="", shell_complete=_keys)
@json_option
def list_all(prefix: str, as_json: bool) -> None:
    """List the settings: their values, their units, what they do; with PREFIX those whose keys begin with it."""
    with application() as app, app.database.read() as connection:
        stored = admin.read_values(connection)
    wanted = {key: setting for key, setting in REGISTRY.items() if key.startswith(prefix)}
    if not wanted:
        raise click.UsageError(f"no setting begins with {prefix}; `greenroom settings` lists them all")
    rows = []
    for key, setting in wanted.items():
        value = (MASK if setting.is_secret else _value(stored[key])) if key in stored else setting.default
        rows.append({"key": key, "value": value, "default": setting.default, "changed": key in stored,
                     "unit": setting.unit, "description": setting.field.description})  # fmt: skip
    if as_json:
        print_json(rows)
        return
    shown = [
        (r["key"], f"{_text(r['value'])}{' *' if r['changed'] else ''}", r["unit"], r["description"]) for r in rows
    ]
    print_table(shown, ("setting", "value", "unit", "what it does"))
    click.echo("* changed from the default")


@command.command("get")
@click.argument("key", shell_complete=_keys)
@json_option
def get(key: str, as_json: bool) -> None:
    """Print the value of KEY in force."""
    with application() as app, app.database.read() as connection, usage():
        value = find_setting(key).shown(admin.get(connection, key))
    if as_json:
        print_json({"key": find_setting(key).key, "value": value})
    else:
        click.echo(_text(value))


@command.command("set", context_settings={"ignore_unknown_options": True})  # -4 is a value
@click.argument("key", shell_complete=_keys)
@click.argument("value", required=False)
def put(key: str, value: str | None) -> None:
    """Change KEY to VALUE. A value that is not valid is refused, and nothing changes.

    A secret is asked for where it is left out, or read from standard input: other users of the machine can see an
    argument.
    """
    if value is None:
        with usage():
            setting = find_setting(key)
        if not setting.is_secret:
            raise click.UsageError(f"a value of {setting.key} is missing")
        value = secret(setting.key)
    _store(key, value)


@command.command("unset")
@click.argument("key", shell_complete=_keys)
def unset(key: str) -> None:
    """Go back to the default of KEY, or remove the value of one that another version left and nobody knows here."""
    _store(key, None)


def _value(stored: str) -> Any:
    """Return what a stored setting says; its text where that is no JSON, which `get` tells of."""
    try:
        return json.loads(stored)
    except (ValueError, RecursionError):
        return stored


def _store(key: str, value: str | None) -> None:
    with application() as app, app.database.begin() as connection, usage():
        actor, now = person(), dt.datetime.now(dt.UTC)
        if value is None and key in admin.unknown(connection):
            admin.forget(connection, key, actor=actor, now=now)
            said = f"{key} is no setting of this version, and its value is gone"
        else:
            typed, setting = admin.put(connection, key, value, actor=actor, now=now), find_setting(key)
            said = f"{setting.key} = {_text(setting.shown(typed))}"
    click.echo(said, err=True)


@command.command("history")
@click.argument("key", required=False, shell_complete=_keys)
@json_option
def history(key: str | None, as_json: bool) -> None:
    """Show who changed what, newest first."""
    with application() as app, app.database.read() as connection, usage():
        changes = admin.history(connection, key)
    if as_json:
        print_json(changes)
        return
    rows = [(c["changed_at"], c["changed_by"], c["key"], c["old"] or "default", c["new"] or "default") for c in changes]
    print_table(rows, ("when", "who", "setting", "from", "to"), "Nobody changed anything yet.")


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
