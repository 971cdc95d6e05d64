"""A word that was begun → the words a shell may complete it to; the database is asked for none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def among(words: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes an argument to one of some words, which are asked for only then."""
    return lambda _context, _parameter, begun: [word for word in words() if word.startswith(begun)]


def folder(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell complete the path of a folder."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="dir")]
