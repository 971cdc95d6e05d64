"""Everybody phase.notify names → one message to each, so that an admin sees at once who takes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from config.database import Database
from config.errors import GreenroomError
from processor.client.webhook import deliver
from workflow.chores.notify import Notify, NotifySettings, send
from workflow.phase import settings_of

TITLE: Final = "Greenroom: a test"
TEXT: Final = "So a message looks. Nothing happened."


class Tried(NamedTuple):
    """What came of one target, named so that no secret shows."""

    target: str
    trouble: GreenroomError | None


def try_out(database: Database) -> list[Tried]:
    """Send a test message to each target, one after the other, whatever the mode of the phase; nothing is stored."""
    with database.read() as connection:
        settings: NotifySettings = settings_of(connection, Notify.name)
    tried = [Tried(url.partition("://")[0], _trouble(lambda url=url: send(url, TITLE, TEXT)))  # type: ignore[misc]
             for url in settings.urls.split()]  # fmt: skip
    return tried + [_posted(database, url, settings.webhook_secret) for url in settings.webhooks.split()]


def _posted(database: Database, url: str, secret: str) -> Tried:
    from processor.client.client import Client

    with Client(database) as client:
        message = {"title": TITLE, "events": []}
        trouble = _trouble(lambda: deliver(client, url, secret, message, time.time()))
    parts = urlsplit(url)
    return Tried(f"webhook {parts.scheme}://{parts.netloc}", trouble)


def _trouble(act: Callable[[], object]) -> GreenroomError | None:
    try:
        act()
    except GreenroomError as error:
        return error
    return None
