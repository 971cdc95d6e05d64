"""Each step of a migration → a line for who waits, on a terminal or in the log; and from systemd the time for it."""

from __future__ import annotations

import sys

import click
from loguru import logger

from daemon import systemd

STEP_SECONDS = 900  # that one step may take; the largest table of 200,000 rows takes some seconds


def tell(step: int, of: int, revision: str) -> None:
    """Say which step begins: to a process that runs until it is stopped, and to its journal."""
    text = f"the database is being migrated: step {step} of {of}"
    systemd.notify(systemd.more_time(STEP_SECONDS), systemd.status(text))
    logger.bind(step=step, of=of, revision=revision).info("the database is being migrated")


def tell_aloud(step: int, of: int, revision: str) -> None:
    """Say it to a person who waits for a command."""
    if sys.stderr.isatty():
        click.echo(f"the database is being migrated: step {step} of {of} ({revision})", err=True)
    else:
        tell(step, of, revision)
