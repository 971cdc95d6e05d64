"""Items and a word about each → decided one by one; what came of it, printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from config.errors import Misconfigured, NeedsReview, Rejected
from daemon.bootstrap import Application, application
from daemon.cli.output import print_json


def each(items: Sequence[int], decide: Callable[[Application, int], tuple[str, dict[str, Any]]], as_json: bool) -> None:
    """Decide about each item; print what `decide` says of it, for people or scripts, or why it was refused.

    Ends with 1 if any was; the others are decided all the same.
    """
    told, refused = [], False
    with application() as app:
        for item in dict.fromkeys(items):  # the second time would take back what the first one took back
            try:
                text, values = decide(app, item)
            except (Misconfigured, NeedsReview, Rejected) as error:
                named = "" if f"item {item}" in error.message else f"item {item}: "
                text, values = f"! {named}{error.message}", {"item": item, "refused": error.message}
                refused = True
            told.append(values)
            if not as_json:
                click.echo(text, err=True)
    if as_json:
        print_json(told)
    sys.exit(1 if refused else 0)
