"""What a caller wants → a call: where to, with what, and the name its answer is remembered by. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import requests

from config.errors import Rejected
from config.redaction import Mask, conceal
from processor.client.service import EXPECTED, Accept, Expected, Service

Method = Literal["GET", "POST", "PUT"]
_LATIN: Final = 255  # the last character a header can hold
_SHOWN: Final = 200  # characters of a URL in a message


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes out first; redirects only change where to."""

    method: Method
    url: str
    accept: Accept
    headers: Mapping[str, str] = field(repr=False)  # the caller's, credentials among them: for the first host only
    body: bytes | None = field(default=None, repr=False)

    @property
    def expected(self) -> Expected:
        """What the answer must be like."""
        return EXPECTED[self.accept]

    def key(self, service: Service) -> str:
        """Return a digest of everything an answer depends on, and of no secret: a new key of an API changes nothing."""
        mask = mask_of(service)
        told = [self.method, mask.text(self.url), self.accept, mask.text((self.body or b"").decode("latin-1"))]
        return hashlib.sha256(json.dumps([service.name, bool(service.secrets), *told]).encode()).hexdigest()


def a_call(
    method: Method,
    url: str,
    headers: Mapping[str, str] | None,
    accept: Accept,
    *,
    params: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    body: Any = None,
) -> Call:
    """Return a call: `body` is anything JSON can hold; parameters, and values of a form, that are None are left out."""
    if any(ord(char) > _LATIN for value in (headers or {}).values() for char in value):
        raise _unmakeable()
    prepared = _prepared(method, url, params=_given(params), data=_given(form) or None, json=body, headers=headers)
    kind, raw = prepared.headers.get("Content-Type"), prepared.body
    headers = {**(headers or {}), **({"Content-Type": kind} if kind else {})}
    return Call(method, prepared.url or "", accept, headers, raw.encode() if isinstance(raw, str) else raw)


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}


def _prepared(method: str, url: str, **given: Any) -> requests.PreparedRequest:
    try:
        return requests.Request(method, url, **given).prepare()
    except (requests.RequestException, ValueError):  # what it says holds the URL
        raise _unmakeable() from None


def _unmakeable() -> Rejected:
    return Rejected("a request cannot be made of what was given", code="forbidden_url")


def on_the_wire(call: Call, url: str, agent: str, *, with_credentials: bool) -> requests.PreparedRequest:
    """Return a request to one URL of a call. What the caller gave goes only to where it said.

    Raises Rejected for a URL, a name or a value of a header that cannot be one.
    """
    own = {"User-Agent": agent, "Accept": call.expected.header, "Accept-Encoding": call.expected.encoding}
    headers = {**(call.headers if with_credentials else {}), **own}
    return _prepared(call.method, url, headers=headers, data=call.body if with_credentials else None)


def shown(url: str, service: Service) -> str:
    """Return a URL for a message: without its query, which may hold keys, and without secrets."""
    parts = urlsplit(url)
    return mask_of(service).text(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[:_SHOWN]


def mask_of(service: Service) -> Mask:
    """Return what replaces the secrets of a service; no log line shows them from then on."""
    return _mask(service.secrets)


@lru_cache(maxsize=64)
def _mask(secrets: tuple[str, ...]) -> Mask:
    conceal(secrets)
    return Mask(secrets)
