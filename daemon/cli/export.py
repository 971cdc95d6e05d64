"""`greenroom export`: the database → a proven backup file."""

from __future__ import annotations

from pathlib import Path

import click

import daemon.tables  # noqa: F401  a table nobody imported would not be in the file
from config.backup import Backup, export_database
from daemon import secrecy
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.signals import stop_on_signals

work_option = click.option(
    "--work",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Where the scratch database is made, which is as large as the rows; default: the data folder.",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@work_option
@json_option
def command(file: Path, work: Path | None, as_json: bool) -> None:
    """Write a backup of the whole database to FILE, and prove it.

    The backup is the database of one moment, also while the daemon works. It is written beside FILE under another
    name, restored into a scratch database, and compared there with what was written, table by table; only then does
    it become FILE. An older FILE stays until that moment, or for good if anything fails.

    Music is not in it, nor is the cache of pictures and NFO files: after an import `greenroom verify --all` takes what
    is in a library back into the cache, and other pictures are fetched again when they are wanted. What providers
    answered is asked again, too.

    Secrets, such as keys of providers, are in it encrypted, and their key is not: without a copy of secret.key of the
    data folder they have to be entered again after an import. `greenroom secrets` tells where the key is.

    FILE is gzipped JSON lines, the same for SQLite and PostgreSQL, readable by its owner only. `greenroom import`
    takes it back, into either kind of database.

    \b
    Examples:
      greenroom export /backup/greenroom-$(date +%F).jsonl.gz
      zcat /backup/greenroom-2026-01-31.jsonl.gz | less
    """
    stop = stop_on_signals()
    with application() as app:
        secrecy.seal_at_start(app.database)  # an older version may have left some in clear
        backup = export_database(app.database, file.absolute(), work or app.boot.data_dir, stop)
        kept = secrecy.count(app.database)
        key = "your key of secrets" if app.vault.given else str(app.vault.file)
    if as_json:
        print_json({"file": str(file), "secrets": kept, **as_object(backup)})
        return
    if kept:
        click.echo(f"secrets in it are encrypted ({kept}): keep a copy of {key}, apart from it", err=True)
    click.echo(f"{file}: {counts(backup)}, schema {backup.revision}; restored for a test, and every table was the same")


def as_object(backup: Backup) -> dict[str, object]:
    """Return a backup for scripts."""
    tables = {name: content._asdict() for name, content in backup.tables.items()}
    return {"revision": backup.revision, "made_at": backup.made_at, "tables": tables}


def counts(backup: Backup) -> str:
    """Return how much a backup holds, for a person."""
    rows = sum(content.rows for content in backup.tables.values())
    return f"{rows} rows of {len(backup.tables)} tables"
