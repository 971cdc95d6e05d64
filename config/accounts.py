"""Names, passwords and tokens ↔ rows: who may ask us for something. All SQL of accounts.

Passwords are kept as argon2id hashes. Tokens (sessions, API keys, the setup token) are 32 random bytes: nobody guesses
them, so their SHA-256 is kept, and never they themselves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from config.database import one_writer
from config.errors import Misconfigured
from config.tables import AccountRow, TokenRow

Purpose = Literal["session", "api_key", "setup", "hook"]
Scope = Literal["read", "write"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "write")
MIN_PASSWORD: Final = 12  # characters; NIST SP 800-63B asks for 8, and offline guessing has become cheaper
MAX_PASSWORD: Final = 1000  # characters; hashing more would be a way to keep us busy
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
    expires_at: dt.datetime | None
    seen_at: dt.datetime | None


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
    if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
        raise Misconfigured("a name has 1 to 64 printable characters, without spaces around it", code="bad_name")
    if connection.execute(select(AccountRow.name).where(AccountRow.name == name)).first():
        raise Misconfigured(f"there is an account {name} already", code="bad_name")
    values = {"name": name, "password": _hashed(password), "created_at": now}
    connection.execute(insert(AccountRow).values(**values))
    connection.execute(delete(TokenRow).where(TokenRow.purpose == "setup"))


def add_first_account(connection: Connection, token: str, name: str, password: str, now: dt.datetime) -> bool:
    """Add an account for whoever shows the setup token; False for anybody else.

    Raises what `add_account` does.
    """
    one_writer(connection, AccountRow.__tablename__)  # of two with one token only the first gets in
    if has_accounts(connection) or recognise(connection, token, ("setup",), now) is None:
        return False
    add_account(connection, name, password, now)
    return True


def offer_setup(connection: Connection, now: dt.datetime) -> str | None:
    """Make the setup token, and those made before worthless; None once there is an account."""
    if has_accounts(connection):
        return None
    connection.execute(delete(TokenRow).where(TokenRow.purpose == "setup"))
    return grant(connection, "setup", now, lasts=SETUP)


def change_password(connection: Connection, name: str, password: str) -> None:
    """Give an account another password, and end all its sessions.

    Raises Misconfigured for a password that is too short, and a name nobody has.
    """
    changed = connection.execute(update(AccountRow).where(AccountRow.name == name).values(password=_hashed(password)))
    if not changed.rowcount:
        raise Misconfigured(f"there is no account {name}", code="unknown_account")
    connection.execute(delete(TokenRow).where(TokenRow.account == name, TokenRow.purpose == "session"))


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


def add_key(connection: Connection, account: str, name: str, scopes: tuple[Scope, ...], now: dt.datetime) -> str:
    """Make an API key and return it; this is the only time it can be seen.

    Raises Misconfigured for a name that says nothing or that a key of the account has already, and for no account.
    """
    if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
        raise Misconfigured("a key's name has 1 to 64 printable characters, without spaces around it", code="bad_name")
    one_writer(connection, TokenRow.__tablename__)
    if account not in account_names(connection):
        raise Misconfigured(f"there is no account {account}", code="unknown_account")
    if any(key.name == name for key in tokens(connection, "api_key", account)):
        raise Misconfigured(f"{account} has a key called {name} already", code="bad_name")
    return grant(connection, "api_key", now, account=account, name=name, scopes=scopes)


def revoke_key(connection: Connection, key_id: int, account: str | None = None) -> Token:
    """Make an API key, of one account or of any, worthless at once. Raises Misconfigured if there is none."""
    for key in tokens(connection, "api_key", account):
        if key.id == key_id:
            revoke(connection, key_id)
            return key
    raise Misconfigured("there is no such key; it may have been revoked already", code="unknown_key")


def add_hook(connection: Connection, account: str, name: str, now: dt.datetime) -> str:
    """Make a hook and return its secret; this is the only time it can be seen. Raises Misconfigured for a bad name."""
    if not re.fullmatch(HOOK_NAME, name):
        raise Misconfigured("a hook's name has 1 to 32 of a-z, 0-9, - and _", code="bad_name")
    one_writer(connection, TokenRow.__tablename__)
    if any(hook.name == name for hook in tokens(connection, "hook")):
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


def tokens(connection: Connection, purpose: Purpose, account: str | None = None) -> list[Token]:
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
