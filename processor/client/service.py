"""Whom a call is for, what it may expect, and what comes back: the words everybody uses who asks other machines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from config.errors import Rejected, Retryable

Accept = Literal["json", "xml", "text", "image", "any"]

MIB: Final = 1 << 20
_HALF: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Service:
    """One provider or player: its circuit, its turns, its remembered answers, and what only it may do. Times: seconds.

    A call that did not work is tried again up to `attempts` times, and fails once for the circuit.
    """

    name: str  # of its circuit and its turns: "musicbrainz", "player:3"
    per_second: float | None = None  # requests of all workers of all hosts together; None: no limit
    local: tuple[str, ...] = ()  # base URLs an admin configured: their host and port may be in the local network
    secrets: tuple[str, ...] = ()  # values that no error, no log and no remembered answer may hold
    ttl: float | None = None  # how long an answer is good; None: answers are not remembered
    negative_ttl: float = 86_400  # the same, of the answer that there is nothing
    remaining: str | None = None  # a header that says how many requests are left, in lower case
    attempts: int = 3
    connect: float = 5
    read: float = 20  # between two pieces of an answer
    total: float = 60  # one request with all its redirects, from the first name resolved to the last byte


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: of success, or 404 and 410, which say that there is nothing of the kind."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)
    from_cache: bool = False

    @property
    def found(self) -> bool:
        """Whether there is what was asked for."""
        return self.status < 300

    def json(self) -> Any:
        """Return the body as JSON without what no database can hold: NUL, half a surrogate pair, NaN, infinity.

        Raises Rejected `bad_answer` when it is no JSON.
        """
        try:
            value = json.loads(self.body, parse_constant=lambda _: None, parse_float=_finite)
        except (ValueError, RecursionError):
            raise Rejected("an answer is no JSON, though it says so", code="bad_answer") from None
        return _storable(value) if b"\\u" in self.body else value


def _finite(text: str) -> float | None:
    return value if math.isfinite(value := float(text)) else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value.replace("\0", ""))
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


class Outage(Retryable):
    """A service does not answer, or not as it should, or wants to be left alone; `seconds`: until when, if known."""

    code = "provider_outage"

    def __init__(self, message: str, *, seconds: float | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.seconds = seconds


class Refused(Rejected):
    """The service answered that it will not: `status` says how."""

    code = "provider_refused"

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message, code="unauthorized" if status in (401, 403) else None)
        self.status = status


@dataclass(frozen=True, slots=True)
class Expected:
    """What a kind of answer looks like on the wire."""

    header: str  # Accept
    types: re.Pattern[str]  # the content types it may have; an answer without one is judged by what is in it
    encoding: str  # Accept-Encoding: a picture is packed already
    limit: int  # bytes, packed or not


_BYTES: Final = "(application|binary)/octet-stream"  # of archives that do not look into what they store; we do
_JSON: Final = re.compile(rf"(application|text)/([a-z0-9.-]+\+)?json|text/(javascript|plain)|{_BYTES}")
_XML: Final = re.compile(r"(application|text)/([a-z0-9.-]+\+)?xml")
_IMAGE: Final = re.compile(rf"image/(jpe?g|pjpeg|png|webp|gif)|{_BYTES}")
_PACKED: Final = "gzip, deflate"
EXPECTED: Final[dict[Accept, Expected]] = {
    "json": Expected("application/json", _JSON, _PACKED, 8 * MIB),
    "xml": Expected("application/xml", _XML, _PACKED, 8 * MIB),
    "text": Expected("text/plain", re.compile("text/plain"), _PACKED, 2 * MIB),
    "image": Expected("image/jpeg, image/png, image/webp, image/gif", _IMAGE, "identity", 20 * MIB),
    "any": Expected("*/*", re.compile(".*"), _PACKED, 8 * MIB),
}
