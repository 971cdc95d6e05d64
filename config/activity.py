"""What people do that leaves no other trace: signing in, keys, libraries → rows for some months. All SQL of them.

Settings have a history of their own, and so have items; runs say who asked for them.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from config.tables import AccountEvent

What = Literal[
    "account_made",
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "password_changed",
    "key_made",
    "key_revoked",
    "hook_made",
    "hook_removed",
    "library_added",
    "library_removed",
    "library_resumed",
    "player_added",
    "player_changed",
    "player_removed",
    "album_given_back",
    "album_trashed",
    "album_restored",
    "trash_emptied",
    "job_retried",
    "job_cancelled",
    "job_discarded",
]
KEPT: Final = dt.timedelta(days=180)
LONGEST: Final = 200  # characters of what strangers type


class Event(NamedTuple):
    """One thing an account did, or somebody tried in its name."""

    at: dt.datetime
    account: str
    what: What
    detail: str | None


def note(connection: Connection, what: What, account: str, now: dt.datetime, detail: str | None = None) -> None:
    """Write down what happened, and forget what is too old to matter."""
    shown = account.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]  # strangers type what they like
    connection.execute(delete(AccountEvent).where(AccountEvent.at < now - KEPT))
    connection.execute(insert(AccountEvent).values(at=now, account=shown, what=what, detail=detail))


def signed_in(connection: Connection) -> list[tuple[str, str]]:
    """Return which accounts were signed in to, each with what was noted of where from."""
    query = select(AccountEvent.account, AccountEvent.detail).distinct()
    rows = connection.execute(query.where(AccountEvent.what.in_(("signed_in", "account_made"))))
    return [(account, detail) for account, detail in rows if detail]


def newest(connection: Connection, limit: int = 50) -> list[Event]:
    """Return the newest events, newest first."""
    columns = (getattr(AccountEvent, name) for name in Event._fields)
    rows = connection.execute(select(*columns).order_by(AccountEvent.id.desc()).limit(limit))
    return [Event(*row) for row in rows]
