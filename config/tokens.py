"""Tokens (sessions, API keys, hooks, the setup token) ↔ rows: made and shown once, recognised, ended. All SQL of them.

They are 32 random bytes: nobody guesses them, so their SHA-256 is kept, and never they themselves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, delete, insert, or_, select, update

from config.database import one_writer
from config.errors import Misconfigured
from config.tables import AccountRow, TokenRow

Purpose = Literal["session", "api_key", "setup", "hook"]
Scope = Literal["read", "write"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "write")
SESSION: Final = dt.timedelta(days=14)
SETUP: Final = dt.timedelta(hours=24)
SEEN_EVERY: Final = dt.timedelta(minutes=5)  # how exactly the last use of a token is written down
HOOK_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
PREFIX: Final = 8  # characters of an API key that are kept and shown, so that a person can tell keys apart


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token that was shown to us, or of one in a list."""

    id: int
    purpose: Purpose
    account: str | None  # None for the setup token
    name: str | None  # of an API key
    prefix: str | None  # of an API key
    scopes: tuple[Scope, ...]
    created_at: dt.datetime
    seen_at: dt.datetime | None


def grant(
    connection: Connection,
    purpose: Purpose,
    now: dt.datetime,
    *,
    account: str | None = None,
    name: str | None = None,
    scopes: tuple[Scope, ...] = SCOPES,
    lasts: dt.timedelta | None = None,
) -> str:
    """Make a token and return it; this is the only time it can be seen."""
    token = secrets.token_urlsafe(32)
    values = {
        "purpose": purpose,
        "digest": _digest(token),
        "account": account,
        "name": name,
        "prefix": token[:PREFIX] if purpose == "api_key" else None,
        "scopes": " ".join(scopes),
        "created_at": now,
        "expires_at": now + lasts if lasts else None,
        "seen_at": None,
    }
    connection.execute(insert(TokenRow).values(**values))
    return token


def recognise(connection: Connection, token: str, purposes: tuple[Purpose, ...], now: dt.datetime) -> Token | None:
    """Return whose token this is; None if it is nobody's, was revoked, has expired or is for something else."""
    mine = (TokenRow.digest == _digest(token), TokenRow.purpose.in_(purposes))
    live = or_(TokenRow.expires_at.is_(None), TokenRow.expires_at > now)
    row = connection.execute(select(TokenRow.__table__).where(*mine, live)).first()
    return _token(row) if row else None


def seen(connection: Connection, token: Token, now: dt.datetime) -> None:
    """Write down that a token was used. Call it when `is_news` says so."""
    connection.execute(update(TokenRow).where(TokenRow.id == token.id).values(seen_at=now))


def is_news(token: Token, now: dt.datetime) -> bool:
    """Tell whether the last use written down is old enough to write it down again."""
    return token.seen_at is None or now - token.seen_at > SEEN_EVERY


def revoke(connection: Connection, token_id: int) -> None:
    """Make a token worthless, at once."""
    connection.execute(delete(TokenRow).where(TokenRow.id == token_id))


def end(connection: Connection, purpose: Purpose, account: str | None = None) -> None:
    """Make all tokens of a purpose worthless, of one account or of all."""
    mine = () if account is None else (TokenRow.account == account,)
    connection.execute(delete(TokenRow).where(TokenRow.purpose == purpose, *mine))


def is_name(name: str) -> bool:
    """Tell whether people can tell an account, or a key, by this name: 1 to 64 characters, all to be seen."""
    return 0 < len(name) <= 64 and name.isprintable() and name == name.strip()


def add_key(connection: Connection, account: str, name: str, scopes: tuple[Scope, ...], now: dt.datetime) -> str:
    """Make an API key and return it; this is the only time it can be seen.

    Raises Misconfigured for a name that says nothing or that a key of the account has already, and for no account.
    """
    if not is_name(name):
        raise Misconfigured("a key's name has 1 to 64 printable characters, without spaces around it", code="bad_name")
    one_writer(connection, TokenRow.__tablename__)
    if connection.scalar(select(AccountRow.name).where(AccountRow.name == account)) is None:
        raise Misconfigured(f"there is no account {account}", code="unknown_account")
    if any(key.name == name for key in granted(connection, "api_key", account)):
        raise Misconfigured(f"{account} has a key called {name} already", code="bad_name")
    return grant(connection, "api_key", now, account=account, name=name, scopes=scopes)


def revoke_key(connection: Connection, key_id: int, account: str | None = None) -> Token:
    """Make an API key, of one account or of any, worthless at once. Raises Misconfigured if there is none."""
    for key in granted(connection, "api_key", account):
        if key.id == key_id:
            revoke(connection, key_id)
            return key
    raise Misconfigured("there is no such key; it may have been revoked already", code="unknown_key")


def add_hook(connection: Connection, account: str, name: str, now: dt.datetime) -> str:
    """Make a hook and return its secret; this is the only time it can be seen. Raises Misconfigured for a bad name."""
    if not re.fullmatch(HOOK_NAME, name):
        raise Misconfigured("a hook's name has 1 to 32 of a-z, 0-9, - and _", code="bad_name")
    one_writer(connection, TokenRow.__tablename__)
    if any(hook.name == name for hook in granted(connection, "hook")):
        raise Misconfigured(f"there is a hook {name} already; remove it first", code="bad_name")
    return grant(connection, "hook", now, account=account, name=name, scopes=())


def is_hook(connection: Connection, name: str, secret: str) -> bool:
    """Tell whether a secret is that of a hook. Takes as long for a name nobody has."""
    query = select(TokenRow.digest).where(TokenRow.purpose == "hook", TokenRow.name == name)
    known = connection.scalar(query) or bytes(hashlib.sha256().digest_size)
    return hmac.compare_digest(known, _digest(secret))


def remove_hook(connection: Connection, name: str) -> None:
    """Forget a hook. Raises Misconfigured if there is none of that name."""
    ours = (TokenRow.purpose == "hook", TokenRow.name == name)
    if not connection.execute(delete(TokenRow).where(*ours)).rowcount:
        raise Misconfigured(f"there is no hook {name}", code="unknown_hook")


def granted(connection: Connection, purpose: Purpose, account: str | None = None) -> list[Token]:
    """Return the tokens of one purpose, of one account or of all, newest first."""
    query = select(TokenRow.__table__).where(TokenRow.purpose == purpose).order_by(TokenRow.id.desc())
    if account is not None:
        query = query.where(TokenRow.account == account)
    return [_token(row) for row in connection.execute(query)]


def forget_expired(connection: Connection, now: dt.datetime) -> None:
    """Remove tokens nobody can use any more."""
    connection.execute(delete(TokenRow).where(TokenRow.expires_at <= now))


def _token(row: object) -> Token:
    values = {name: getattr(row, name) for name in Token.__dataclass_fields__}
    return Token(**values | {"scopes": tuple(str(values["scopes"]).split())})


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
