"""A folder as it is typed → its whole path, in bytes; a shell completes it."""

from __future__ import annotations

import os
from typing import Final

import click


class Folder(click.Path):
    """A folder that need not be there, or answer: no disk is asked."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return its path; a variable that nobody set is not the folder we are in."""
        if not value:
            self.fail("it is empty", param, ctx)
        return os.path.abspath(os.fsencode(value))


FOLDER: Final = Folder(file_okay=False)
