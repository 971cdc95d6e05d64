"""An argument that cannot be used → click's message for wrong usage, and exit code 2."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from config.errors import Misconfigured


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Say of a Misconfigured in the block that the command was called with something that cannot be used."""
    try:
        yield
    except Misconfigured as error:
        raise click.UsageError(error.message) from error
