"""An argument that cannot be used → click's message for wrong usage, and exit code 2."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import click

from config.errors import Misconfigured

# What is wrong with a root, with the settings or in the database, and not with what the command was called with.
NOT_OF_THE_CALL: Final = frozenset(
    {"root_not_mounted", "disk_late", "wrong_root", "root_read_only", "suspended", "mass_vanished", "cannot_lock"}
    | {"dry_run", "no_json"}
)


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Say of a Misconfigured in the block that the command was called with something that cannot be used.

    What is wrong with a root, with the settings or in the database is told as any other error is.
    """
    try:
        yield
    except Misconfigured as error:
        if error.reason_code in NOT_OF_THE_CALL:
            raise
        raise click.UsageError(error.message) from error
