"""A word that was begun → the words a shell may complete it to; the database is asked for none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click


def among(words: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes an argument to one of some words, which are asked for only then."""
    return lambda _context, _parameter, begun: [word for word in words() if word.startswith(begun)]
