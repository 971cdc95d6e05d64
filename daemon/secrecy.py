"""An installation → its secrets encrypted with the newest key, the key changed, what cannot be read named."""

from __future__ import annotations

from collections.abc import Iterator

from loguru import logger
from sqlalchemy import Connection

from config import admin
from config.database import Database
from config.errors import GreenroomError
from config.secrecy import mark
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.players import rows as players


def seal(database: Database) -> int:
    """Encrypt with the newest key what is in clear or encrypted with an older one; return how many secrets that were.

    Raises Misconfigured for a key file that cannot be used, Retryable when the database does not answer.
    """
    with database.begin() as connection:
        return admin.reseal(connection) + players.reseal(connection)


def seal_at_start(database: Database) -> None:
    """Do so for a process that begins; what keeps it from doing so is logged, and holds nothing up."""
    try:
        count = seal(database)
    except GreenroomError as error:
        logger.bind(error=error.message).warning("secrets cannot be encrypted until this is put right")
        return
    if count:
        logger.bind(secrets=count).info("secrets were encrypted")


def rotate(app: Application) -> int:
    """Make a new key, encrypt every secret with it, and forget the old one; return how many secrets that were.

    A crash in between leaves both keys in the file, and does no harm. While any secret cannot be read no key goes.
    Raises Misconfigured where the key comes from outside.
    """
    with app.vault.changing():
        app.vault.renew()
        count = seal(app.database)
        if not lost(app.database):
            app.vault.retire()
    return count


def lost(database: Database) -> list[str]:
    """Return, of each secret that cannot be read, that a person has to enter it again."""
    with database.read() as connection:
        return [*admin.lost_secrets(connection), *_lost_players(connection)]


def _lost_players(connection: Connection) -> list[str]:
    return [f"player {player.name}: {player.lost}" for player in players.players(connection) if player.lost]


def count(database: Database) -> int:
    """Return how many secrets are in force."""
    with database.read() as connection:
        kept = [player for player in players.players(connection) if player.secret or player.lost]
        return len(admin.secrets(connection)) + len(kept)


def examine(app: Application) -> Iterator[Finding]:
    """Look at the key of secrets, and at what cannot be read with it."""
    try:
        keys = app.vault.keys()
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
        return
    gone = lost(app.database)
    for message in gone:
        yield Finding("problem", "secret_lost", message)
    if keys and not gone:
        where = "given from outside" if app.vault.given else str(app.vault.file)
        yield Finding("ok", "secrets", f"secrets are encrypted with the key {mark(keys[0])}, {where}")
