"""Whoever runs a command → the name under which histories remember what it did."""

from __future__ import annotations

import getpass
import os


def person() -> str:
    """Return `command:` and the user's name, or the number where nobody has it, as in most containers."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):  # until Python 3.13 the first, from then on the second
        return f"command:{os.geteuid()}"
