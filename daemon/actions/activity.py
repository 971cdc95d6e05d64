"""Settings, decisions, runs, sign-ins → who did what, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from config import activity, admin
from workflow import history, progress, runs

EACH: Final = 100  # newest of each kind that are merged


class Done(NamedTuple):
    """One thing somebody did; with the item or the run it was about, if that is still there."""

    at: dt.datetime
    who: str
    what: str
    about: str
    item_id: int | None = None
    run_id: str | None = None


def newest(connection: Connection, *, everything: bool) -> list[Done]:
    """Return who did what; unless everything is asked for, without what Greenroom did to albums by itself.

    Newest first; what is of one kind in the order it was written, also where the clock was set back since.
    """
    kinds = _accounts(connection), _settings(connection), _items(connection, everything), _runs(connection)
    return list(islice(merge(*kinds, key=lambda done: done.at, reverse=True), EACH))


def _accounts(connection: Connection) -> Iterator[Done]:
    for event in activity.newest(connection, EACH):
        yield Done(event.at, event.account, event.what.replace("_", " "), event.detail or "")


def _settings(connection: Connection) -> Iterator[Done]:
    for change in admin.history(connection, limit=EACH):
        values = f"{_value(change['old'])} → {_value(change['new'])}"
        yield Done(change["changed_at"], change["changed_by"], f"set {change['key']}", values)


def _items(connection: Connection, everything: bool) -> Iterator[Done]:
    entries = history.newest(connection, EACH, by_people=not everything)
    names = progress.names(connection, {entry["item_id"] for entry in entries})
    for entry in entries:
        item = entry["item_id"] if entry["item_id"] in names else None
        yield Done(entry["at"], entry["actor"], entry["what"], _about(entry, names), item_id=item)


def _runs(connection: Connection) -> Iterator[Done]:
    for run in runs.page(connection, limit=EACH):
        ran = "made a dry run" if run["dry_run"] else "ran a cycle"
        yield Done(run["started_at"], run["asked_by"] or run["trigger"], ran, run["status"], run_id=run["id"])


def _about(entry: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Say which album, what it became and why."""
    name = names.get(entry["item_id"], f"item {entry['item_id']}, which is no more")
    return f"{name}: {entry['status'].replace('_', ' ')}, {entry['why']}"


def _value(stored: str | None) -> str:
    return "default" if stored is None else stored
