"""`greenroom migrate`: the database's schema → this version's."""

from __future__ import annotations

import click

from config.logs import RUNNING_LEVEL
from config.schema import migrate
from daemon import secrecy
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.migrating import tell_aloud


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Bring the database's schema up to date.

    Every other command and the daemon do this at their start too; use it to do it at a time of your choosing, for
    instance after a backup. Running it again changes nothing.
    """
    with application(log_level=RUNNING_LEVEL, migrate=False) as app:
        before, after = migrate(app.database, told=tell_aloud)
        secrecy.seal_at_start(app.database)
    if as_json:
        print_json({"before": before, "after": after})
        return
    click.echo(
        f"schema {after}, nothing to do" if before == after else f"schema {before or 'empty'} → {after}", err=True
    )
