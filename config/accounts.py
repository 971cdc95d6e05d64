"""Names and passwords, kept as argon2id hashes ↔ rows: who may ask us for something. All SQL of accounts."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from config import tokens
from config.database import one_writer
from config.errors import Misconfigured
from config.tables import AccountRow

MIN_PASSWORD: Final = 12  # characters; NIST SP 800-63B asks for 8, and offline guessing has become cheaper
MAX_PASSWORD: Final = 1000  # characters; hashing more would be a way to keep us busy


def has_accounts(connection: Connection) -> bool:
    """Tell whether anybody has set the page up."""
    return connection.execute(select(func.count()).select_from(AccountRow)).scalar_one() > 0


def account_names(connection: Connection) -> list[str]:
    """Return the names of all accounts, in their order."""
    return list(connection.scalars(select(AccountRow.name).order_by(AccountRow.name)))


def add_account(connection: Connection, name: str, password: str, now: dt.datetime) -> None:
    """Add an account; the setup token opens nothing from then on.

    Raises Misconfigured for a name that is taken or no name, and a password that is too short.
    """
    one_writer(connection, AccountRow.__tablename__)
    if not tokens.is_name(name):
        raise Misconfigured("a name has 1 to 64 printable characters, without spaces around it", code="bad_name")
    if connection.execute(select(AccountRow.name).where(AccountRow.name == name)).first():
        raise Misconfigured(f"there is an account {name} already", code="bad_name")
    values = {"name": name, "password": _hashed(password), "created_at": now}
    connection.execute(insert(AccountRow).values(**values))
    tokens.end(connection, "setup")


def add_first_account(connection: Connection, token: str, name: str, password: str, now: dt.datetime) -> bool:
    """Add an account for whoever shows the setup token; False for anybody else.

    Raises what `add_account` does.
    """
    one_writer(connection, AccountRow.__tablename__)  # of two with one token only the first gets in
    if has_accounts(connection) or tokens.recognise(connection, token, ("setup",), now) is None:
        return False
    add_account(connection, name, password, now)
    return True


def offer_setup(connection: Connection, now: dt.datetime) -> str | None:
    """Make the setup token, and those made before worthless; None once there is an account."""
    if has_accounts(connection):
        return None
    tokens.end(connection, "setup")
    return tokens.grant(connection, "setup", now, lasts=tokens.SETUP)


def change_password(connection: Connection, name: str, password: str) -> None:
    """Give an account another password, and end all its sessions.

    Raises Misconfigured for a password that is too short, and a name nobody has.
    """
    changed = connection.execute(update(AccountRow).where(AccountRow.name == name).values(password=_hashed(password)))
    if not changed.rowcount:
        raise Misconfigured(f"there is no account {name}", code="unknown_account")
    tokens.end(connection, "session", name)


def kept_password(connection: Connection, name: str) -> str | None:
    """Return what is kept of an account's password, for `is_password`; None for a name nobody has."""
    return connection.execute(select(AccountRow.password).where(AccountRow.name == name)).scalar_one_or_none()


def is_kept(connection: Connection, name: str, kept: str) -> bool:
    """Tell whether this still is what is kept of an account's password; it stays so until the transaction ends."""
    mine = select(AccountRow.name).where(AccountRow.name == name, AccountRow.password == kept)
    return connection.execute(mine.with_for_update()).first() is not None


def is_password(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one of which this is kept. Takes as long for a name nobody has, and 64 MiB."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(kept or _nobodys(), password[:MAX_PASSWORD]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def _hashed(password: str) -> str:
    from argon2 import PasswordHasher

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Misconfigured(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", code="bad_password")
    return PasswordHasher().hash(password)


def _nobodys() -> str:
    """Return the hash of a password nobody has, with today's parameters."""
    global _NOBODYS  # noqa: PLW0603  made once, because making it takes as long as checking one
    if _NOBODYS is None:
        _NOBODYS = _hashed(secrets.token_urlsafe(32))
    return _NOBODYS


_NOBODYS: str | None = None
