"""Secrets ↔ what the database keeps of them: encrypted with a key that is not in it, or with none, in clear.

A kept secret is `sealed:`, eight characters that tell keys apart, a colon and a token of Fernet (AES-128-CBC with
HMAC-SHA256). Text without that beginning was written by an older version, and is read as it is.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import glob
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from config.errors import Misconfigured
from config.machine import sync_folder
from config.redaction import conceal

SEALED: Final = "sealed:"
OPTION: Final = "greenroom_vault"  # of the connections of a database
FILE: Final = "secret.key"  # in the data folder
_MARK: Final = 8  # characters
_SAFELY: Final = os.O_NOFOLLOW | os.O_CLOEXEC


class Vault:
    """Encrypts and decrypts; the keys are read each time, so a rotation in another process counts at once.

    `given` are keys from outside, the one to encrypt with first; without any they stand in a file, a line each, which
    is made with the first secret.
    """

    def __init__(self, file: Path, given: Sequence[str] = ()) -> None:
        self.file, self.given = file, tuple(given)

    def seal(self, text: str) -> str:
        """Return what is kept of a text. Raises Misconfigured for a key file that is open to others, or no key."""
        from cryptography.fernet import Fernet  # its import costs more than most commands

        key = next(iter(self.keys()), None)
        if key is None:
            key = _made(self.file)
        elif not self.given:
            sync_folder(self.file.parent)  # whoever made it may have died before that
        return f"{SEALED}{mark(key)}:{Fernet(key).encrypt(text.encode('utf-8', 'surrogatepass')).decode()}"

    def open(self, kept: str) -> str:
        """Return the text again. Raises Misconfigured `secret_lost` when its key is not here."""
        if not is_sealed(kept):
            return kept
        from cryptography.fernet import Fernet, InvalidToken

        made_with, _, token = kept.removeprefix(SEALED).partition(":")
        for key in self.keys():
            with contextlib.suppress(InvalidToken):
                return Fernet(key).decrypt(token).decode("utf-8", "surrogatepass")
        raise Misconfigured(f"it was encrypted with the key {made_with}, which is not here", code="secret_lost")

    def is_newest(self, kept: str) -> bool:
        """Whether a kept secret is encrypted with the key that others would be."""
        return any(kept.startswith(f"{SEALED}{mark(key)}:") for key in self.keys()[:1])

    def keys(self) -> tuple[str, ...]:
        """Return the keys there are, the one to encrypt with first; no log line shows them from then on."""
        found = tuple(map(checked, self.given or _read(self.file)))
        conceal(found)
        return found

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Wait until no other process changes the keys: of two at once one would forget the other's new key."""
        folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def renew(self) -> tuple[str, ...]:
        """Put a new key before those of the file; return them all. Raises Misconfigured where keys are given."""
        if self.given:
            raise Misconfigured("the key is given from outside; put a new one before it there, with a space between")
        _write(self.file, (new_key(), *self.keys()))
        return self.keys()

    def retire(self) -> None:
        """Leave only the newest key: nothing is encrypted with the others, which killed processes left, too."""
        for left in self.file.parent.glob(f".{glob.escape(self.file.name)}.{'[0-9a-f]' * 8}"):  # as `_fresh` names them
            left.unlink(missing_ok=True)
        _write(self.file, self.keys()[:1])  # last: it makes that they are gone survive a power cut, too


def new_key() -> str:
    """Return a key nobody has."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def mark(key: str) -> str:
    """Return what tells a key from others, and tells nothing about it."""
    return hashlib.sha256(b"greenroom key " + key.encode()).hexdigest()[:_MARK]


def checked(key: str) -> str:
    """Return a key. Raises Misconfigured, without showing it, for what is none."""
    try:
        raw = base64.b64decode(key.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != 32:
        raise Misconfigured("a secret key is 32 bytes in URL-safe base64, as `greenroom secrets new-key` prints one")
    return key


def is_sealed(kept: str) -> bool:
    """Whether a kept secret is encrypted."""
    return kept.startswith(SEALED)


def seal(connection: Connection, text: str) -> str:
    """Return what a database keeps of a text; one without a vault, as the scratch ones of backups, the text itself."""
    vault = _vault(connection)
    return vault.seal(text) if vault else text


def unseal(connection: Connection, kept: str) -> str:
    """Return a kept text. Raises Misconfigured `secret_lost`."""
    vault = _vault(connection)
    return vault.open(kept) if vault else kept


def resealed(connection: Connection, kept: str) -> str | None:
    """Return a secret encrypted with the newest key; None where it is, or cannot be read."""
    vault = _vault(connection)
    if vault is None or vault.is_newest(kept):
        return None
    with contextlib.suppress(Misconfigured):
        return vault.seal(vault.open(kept))
    return None


def _vault(connection: Connection) -> Vault | None:
    found: Vault | None = connection.get_execution_options().get(OPTION)
    return found


def _read(file: Path) -> Sequence[str]:
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | _SAFELY)) as lines:
            if os.fstat(lines.fileno()).st_mode & 0o077:
                raise Misconfigured(f"others than its owner may read {file}: chmod 600 {file}", code="key_exposed")
            keys = lines.read().split()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Misconfigured(f"the key of secrets, {file}, cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        keys = []
    if not keys:
        message = f"there is no key in {file}: put the copy you kept there, or remove the file and enter secrets again"
        raise Misconfigured(message, code="no_key")
    return keys


def _made(file: Path) -> str:
    """Make the first key, unless somebody else just did; return the one there is."""
    fresh = _fresh(file, (new_key(),))
    try:
        os.link(fresh, file)
    except FileExistsError:
        return _read(file)[0]
    finally:
        os.unlink(fresh)
        sync_folder(file.parent)
    return _read(file)[0]


def _write(file: Path, keys: Sequence[str]) -> None:
    os.rename(_fresh(file, keys), file)
    sync_folder(file.parent)


def _fresh(file: Path, keys: Sequence[str]) -> Path:
    """Write keys, durably, to a file beside the one that is meant; it belongs to the owner of the folder."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600), "w") as lines:
            lines.writelines(f"{key}\n" for key in keys)
            lines.flush()
            if os.geteuid() == 0:
                owner = file.parent.stat()
                os.fchown(lines.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(lines.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
    return fresh
