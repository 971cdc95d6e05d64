"""A person's word about who may tell us that something arrived → a hook made or forgotten, with who said it."""

from __future__ import annotations

import datetime as dt

from config import activity, tokens
from daemon.bootstrap import Application


def add(app: Application, name: str, *, actor: str) -> str:
    """Make a hook and return its secret, which can be seen this once. Raises Misconfigured (`bad_name`)."""
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        secret = tokens.add_hook(connection, actor, name, now)
        activity.note(connection, "hook_made", actor, now, name)
    return secret


def remove(app: Application, name: str, *, actor: str) -> None:
    """Forget a hook; its secret is worthless at once. Raises Misconfigured (`unknown_hook`)."""
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        tokens.remove_hook(connection, name)
        activity.note(connection, "hook_removed", actor, now, name)
