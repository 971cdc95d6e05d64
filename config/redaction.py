"""A text → the same without secrets, in whatever form they are written; and the secrets a process has met so far."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from config.reasons import MASK

MIN_SECRET: Final = 4  # characters; replacing shorter ones would garble every line
_NOTHING: Final = re.compile(r"(?!)")


class Mask:
    """Replaces secrets; more may become known while it is in use. Thread-safe."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._pattern = _NOTHING
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these, too, from now on."""
        new = {secret for secret in secrets if len(secret) >= MIN_SECRET} - self._known
        if new:
            with self._lock:
                self._known |= new
                forms = {form for secret in self._known for form in _forms(secret)}
                longest_first = sorted(forms, key=len, reverse=True)  # else a part is masked and the rest stays
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return self._pattern.sub(MASK, text)


KNOWN: Final = Mask()  # of this process; the log asks it


def conceal(values: Iterable[str]) -> None:
    """Let no log line of this process show these values, nor the parts of a list of them, such as URLs."""
    KNOWN.learn({part for value in values for part in (value, *value.split())})


def _forms(secret: str) -> set[str]:
    written = {secret.encode().hex(), quote(secret, safe=""), quote_plus(secret), quote(secret), repr(secret)[1:-1]}
    return {form for form in {secret, *written, *_in_base64(secret.encode())} if len(form) >= MIN_SECRET}


def _in_base64(secret: bytes) -> set[str]:
    """Return what base64 makes of a secret wherever it stands in what is encoded, as in `name:password`."""
    found = {base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()}
    for before in range(3):
        # Of the first and the last character some bits belong to what stands beside it.
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(bytes(before) + secret).decode()[first:last])
    return found
