"""`scan-inbound -path … -output …`: the old name of the scan, for scripts; needs no installation and no database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from config.errors import GreenroomError
from daemon.cli.output import bear_any_text
from daemon.cli.progress import bars
from daemon.cli.signals import stop_on_signals
from scanner.scan import scan_folder


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-path", "--path", "path", required=True, type=click.Path(exists=True, file_okay=False), help="Folder to scan."
)
@click.option(
    "-output",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the scan DB.",
)
@click.option(
    "-workers", "--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Processes reading tags."
)
def main(path: str, output: Path, workers: int) -> None:
    """Scan a folder of albums into a scan DB, and print that file's path."""
    bear_any_text()
    stop = stop_on_signals()
    try:
        with bars() as progress:
            scan_db, stats = scan_folder(
                os.path.abspath(os.fsencode(path)), output, workers=workers, stop=stop, progress=progress
            )
    except GreenroomError as error:
        click.echo(f"scan-inbound: {error.message}", err=True)
        sys.exit(error.exit_code)
    click.echo(f"{stats.audio} audio files, {stats.groups} albums, {stats.problems} unreadable", err=True)
    click.echo(scan_db)
