"""One attempt at a call → its answer, or what was wrong; redirects are followed without credentials."""

from __future__ import annotations

import json
import os
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.utils import requote_uri

from config.errors import Rejected, Retryable
from config.reasons import show_text
from processor.client import turns, waiting
from processor.client.addresses import Origin, origin_of
from processor.client.body import length_of, read_body
from processor.client.call import Call, mask_of, on_the_wire
from processor.client.connection import Adapter, Deadline, Guard, Resolve, resolve
from processor.client.service import Answer, Refused, Service

HOPS: Final = 3  # redirects followed
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_NOTHING: Final = (404, 410)  # an answer, too
_NOT_TAKEN: Final = (429, 503)  # the service did nothing, and may say when to come back
_LATER: Final = (408, 425, *_NOT_TAKEN, *range(500, 600))
_SAID: Final = 200  # characters
_DRAINED: Final = 1 << 16  # bytes of an answer nobody wants, read so that its connection can be used again


class Trouble(Exception):
    """What was wrong with an attempt; another one may succeed."""

    def __init__(self, why: str, quiet: float | None = None, taken: bool = True) -> None:
        super().__init__(why)
        self.quiet = quiet  # for how many seconds the service wants to be left alone
        self.taken = taken  # whether the service may have done what it was asked for


@dataclass(frozen=True, slots=True)
class World:
    """Names, chance, turns and trust, as they are outside of tests."""

    resolve: Resolve = resolve
    chance: Callable[[], float] = random.random
    turn: Callable[..., AbstractContextManager[None]] = turns.turn
    ca: str | None = None  # file or folder of the certificates to trust; None: those of certifi


def trusted(paths: ssl.DefaultVerifyPaths) -> str | None:
    """Return where the certificates are that this machine trusts, an admin's own among them; None where it has none."""
    if paths.cafile:
        return paths.cafile
    has_some = paths.capath is not None and any(name.endswith(".0") for name in os.listdir(paths.capath))
    return paths.capath if has_some else None


class Exchange:
    """Makes attempts, over connections that are kept open. Thread-safe; close() when done."""

    def __init__(self, agent: str, world: World, now: Callable[[], Any]) -> None:
        self._agent, self._world, self._now = agent, world, now
        self._adapters: dict[frozenset[Origin], Adapter] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that were kept open."""
        for adapter in self._adapters.values():
            adapter.close()

    def attempt(self, call: Call, service: Service, turn: Callable[[], AbstractContextManager[None]]) -> Answer:
        """Ask once; `turn` is held around every request that goes out. Raises Trouble, Refused, Rejected."""
        url, left, at_home = call.url, service.total, True
        home = origin_of(url)
        for _ in range(HOPS + 1):
            at_home = at_home and origin_of(url) == home  # who led away once gets no credentials back
            request = on_the_wire(call, url, self._agent, with_credentials=at_home)
            with ExitStack() as sending:
                sending.enter_context(turn())
                began = time.monotonic()
                with self._answered(request, service, left) as (raw, headers):
                    if raw.status not in _NOT_TAKEN:  # of those everybody hears before anybody is the next
                        sending.close()  # it has the request, so the next one may be timed from now on
                    if raw.status not in _REDIRECTS:
                        return self._judged(raw, headers, call, service)
                    target = target_of(url, headers.get("location"))
            if call.method != "GET" or target is None:
                raise Refused(f"{service.name} answered {raw.status}, which leads nowhere", status=raw.status)
            url, left = target, max(left - (time.monotonic() - began), 0.1)
        raise Rejected(f"{service.name} redirects more than {HOPS} times", code="too_many_redirects")

    @contextmanager
    def _answered(
        self, request: requests.PreparedRequest, service: Service, seconds: float
    ) -> Iterator[tuple[Any, Mapping[str, str]]]:
        """Give urllib3's answer and its headers while it is being read; errors of the network become Trouble."""
        timeout = (min(service.connect, seconds), min(service.read, seconds))
        raw = None
        with Deadline(seconds) as deadline:
            try:
                raw = self._adapter(service).exchange(request, timeout, self._world.ca)
                headers = {name.lower(): value for name, value in raw.headers.items()}
                yield raw, headers
                if deadline.passed:
                    raise Trouble("")
                _give_back(raw, headers)
            except (Trouble, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if deadline.passed:
                    raise Trouble(f"no whole answer within {service.total:g} s") from None
                if isinstance(error, Trouble):
                    raise
                raise Trouble(mask_of(service).text(_network(error)), taken=not _is_unsent(error)) from None
            finally:
                if raw is not None:
                    raw.close()

    def _judged(self, raw: Any, headers: Mapping[str, str], call: Call, service: Service) -> Answer:
        if raw.status in _LATER:
            not_taken = raw.status in _NOT_TAKEN
            asked = waiting.retry_after(headers.get("retry-after"), self._now()) if not_taken else None
            raise Trouble(f"it answered {raw.status}", asked, taken=not not_taken)
        if raw.status in _NOTHING:
            return Answer(raw.status, headers, b"")
        if not 200 <= raw.status < 300:
            why = f"{service.name} refuses to answer: {raw.status}{_said(raw, headers)}"
            raise Refused(mask_of(service).text(why), status=raw.status)
        try:
            return Answer(raw.status, headers, read_body(raw, headers, call.expected))
        except Retryable as error:
            raise Trouble(error.message) from None

    def _adapter(self, service: Service) -> Adapter:
        local = frozenset(map(origin_of, service.local))
        with self._lock:
            if local not in self._adapters:
                self._adapters[local] = Adapter(Guard(local, self._world.resolve))
            return self._adapters[local]


def _said(raw: Any, headers: Mapping[str, str]) -> str:
    """Return why a service refused, from where APIs usually say it; in brackets, for a person."""
    if "json" not in headers.get("content-type", "") or not _is_small(headers):
        return ""
    try:
        said = json.loads(raw.read(decode_content=False))
    except (ValueError, RecursionError):
        return ""
    for name in ("error", "message"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return f" ({show_text(said)[:_SAID]})" if isinstance(said, str) else ""


def _give_back(raw: Any, headers: Mapping[str, str]) -> None:
    """Let the connection be used again if nothing of this answer is left in it, or hardly anything."""
    if _is_small(headers):
        raw.drain_conn()
    if raw.closed:
        raw.release_conn()


def _is_small(headers: Mapping[str, str]) -> bool:
    length = length_of(headers)
    return length is not None and length <= _DRAINED


def target_of(url: str, location: str | None) -> str | None:
    """Return where a redirect leads; https stays https, for some services say http and do not mean it."""
    if not location:
        return None
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")  # as which servers send it
    try:
        target = urlsplit(requote_uri(urljoin(url, location.strip())))
    except (ValueError, requests.RequestException):
        return None
    if target.scheme == "http" and urlsplit(url).scheme == "https":
        target = target._replace(scheme="https", netloc=target.netloc.removesuffix(":80"))
    return target.geturl()


def _network(error: BaseException) -> str:
    """Return what went wrong without the URL, which the libraries put into every message."""
    causes = [error, *(arg for arg in error.args if isinstance(arg, BaseException))]
    inner = getattr(causes[-1], "reason", None) or causes[-1]
    if isinstance(inner, urllib3.exceptions.NewConnectionError):
        return str(inner).rpartition(": ")[2]
    if (doubt := getattr(next(iter(inner.args), None), "verify_message", None)) is not None:
        return f"its certificate is not trusted: {doubt.rstrip('.')}"
    return _WORDS.get(type(inner).__name__, type(inner).__name__)


_WORDS: Final = {
    "ReadTimeoutError": "it says nothing",
    "ConnectTimeoutError": "no connection in time",
    "ProtocolError": "the connection broke",
    "IncompleteRead": "its answer ended too early",
    "SSLError": "TLS is broken",
}


def _is_unsent(error: BaseException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.SSLError)
