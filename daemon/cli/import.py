"""`greenroom import`: a backup file → an empty database filled."""

from __future__ import annotations

from pathlib import Path

import click

import daemon.tables  # noqa: F401  a table nobody imported would not be in the file
from config.backup import check_backup, import_database
from daemon import secrecy
from daemon.bootstrap import application
from daemon.cli.export import as_object, counts, work_option
from daemon.cli.output import json_option, print_json
from daemon.signals import stop_on_signals


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only restore it into a scratch database, and say whether it is whole.")
@work_option
@json_option
def command(file: Path, check: bool, work: Path | None, as_json: bool) -> None:
    """Fill an empty database from FILE, which `greenroom export` made.

    The database may be of the other kind than the one FILE came from, and FILE may come from an older version: its
    rows are brought up to date first. All of it happens in one transaction, and every table is compared before it
    ends. A database that holds anything, a damaged FILE, or one of a newer version is refused, and nothing changes.

    What happened to the music since the backup was made is not in it: let `greenroom fsck --adopt` find it in the
    staging tree afterwards.

    \b
    Examples:
      export GREENROOM_DATABASE_URL=postgresql+psycopg:///greenroom
      greenroom import greenroom.jsonl.gz
      greenroom import --check greenroom.jsonl.gz
    """
    stop = stop_on_signals()
    with application(migrate=False) as app:
        scratch = work or app.boot.data_dir
        backup = check_backup(file, scratch, stop) if check else import_database(app.database, file, scratch, stop)
        if not check:
            secrecy.seal_at_start(app.database)
        lost = [] if check else secrecy.lost(app.database)
    if as_json:
        print_json({"file": str(file), "imported": not check, "lost": lost, **as_object(backup)})
        return
    done = "whole" if check else "imported, and every table is the same; now let `greenroom fsck --adopt` look"
    if lost:
        message = f"copy the secret.key of where it was made to {app.vault.file}, or enter these again:"
        click.echo("\n  ".join([f"Secrets in it cannot be read here; {message}", *lost]), err=True)
    click.echo(f"{file}: {counts(backup)} of {backup.made_at}, schema {backup.revision}; {done}")
