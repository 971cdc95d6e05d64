"""A terminal, or standard input → a password, never from an argument that other users of the machine could see."""

from __future__ import annotations

import sys
from typing import Any

import click


def secret(prompt: str, **asked: Any) -> str:
    """Return what is typed, or the line that is given; `asked` is how click.prompt is to ask.

    Raises UsageError for what is no text in the encoding of the locale.
    """
    try:
        if sys.stdin.isatty():
            given = str(click.prompt(prompt, hide_input=True, **asked))
        else:
            given = sys.stdin.readline().rstrip("\n")
        given.encode()
    except UnicodeError:  # whose own words would show it
        raise click.UsageError("what was given is no text in UTF-8, or in the encoding of this locale") from None
    return given
