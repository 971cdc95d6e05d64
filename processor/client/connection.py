"""A request → its answer's first line, over a connection to an address that was looked at; and not for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from config.errors import Rejected
from processor.client.addresses import PORTS, Origin, refusal

Resolve = Callable[[str, int], Sequence[str]]  # a host and a port → its addresses, in the order to try them
_KEPT: Final = 8  # hosts whose connections are kept open, and connections to each
_NOW = threading.local()  # .deadline: of the request this thread is making


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Deadline:
    """The moment one request ends, whatever it is doing: a name being dripped, a handshake, a header, a body.

    requests limits each read only, so a byte now and then lasts for ever; here the socket is shut down under it.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._open: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _NOW.deadline = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._open = None  # what comes next over this connection is another request's
        _NOW.deadline = None

    def watch(self, handle: socket.socket) -> None:
        """Let the end of the request be the end of this connection's traffic."""
        with self._lock:
            self._open = handle
            if self.passed:
                _shut(handle)

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            if self._open is not None:
                _shut(self._open)


def _shut(handle: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        handle.shutdown(socket.SHUT_RDWR)


class Guard:
    """Connects to hosts whose every address may be connected to, and to the very address that was looked at."""

    def __init__(self, local: frozenset[Origin], resolve: Resolve) -> None:
        self._local = {(origin.host, origin.port) for origin in local}
        self._resolve = resolve

    def connect(self, to: HTTPConnection) -> socket.socket:
        """Return a connected socket. Raises Rejected `forbidden_address`, and what urllib3 raises for the network."""
        host, port = to.host.strip("[]").lower(), to.port or PORTS["http"]
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(to, f"no address: {getattr(error, 'strerror', None) or 'not a name'}") from None
        for address in addresses:
            why = refusal(address, (host, port) in self._local)
            if why is not None:
                raise Rejected(f"{host} leads to {address}, and {why}", code="forbidden_address")
        return _first(to, addresses, port)


def _first(to: HTTPConnection, addresses: Sequence[str], port: int) -> socket.socket:
    trouble: OSError = OSError("it has no address")
    for address in addresses:
        if _NOW.deadline.passed:
            break
        try:
            made = socket.create_connection((address, port), timeout=to.timeout)
        except OSError as error:
            trouble = error
            continue
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    raise NewConnectionError(to, f"no connection: {trouble.strerror or trouble}") from None


class _Guarded(HTTPConnection):
    """A connection that is made by a guard, and that a deadline can end."""

    guard: ClassVar[Guard]
    _handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made = self.guard.connect(self)
        # Another name of the same socket: TLS takes the first one away while it shakes hands.
        self._handle = made.dup()
        self._watch()
        return made

    def request(self, *given: Any, **named: Any) -> None:
        self._watch()
        super().request(*given, **named)

    def close(self) -> None:
        super().close()
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _watch(self) -> None:
        if self._handle is not None:
            _NOW.deadline.watch(self._handle)


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same, with TLS, which still looks at the host's name."""


class Adapter(HTTPAdapter):
    """requests' adapter with guarded connections, of which some are kept open. Thread-safe.

    Used without a session: so there are no cookies, no proxies and no .netrc of the environment, and no redirects.
    """

    def __init__(self, guard: Guard) -> None:
        super().__init__(pool_connections=_KEPT, pool_maxsize=_KEPT)
        made = {"guard": guard}
        plain = type("Connection", (_Guarded,), made)
        tls = type("TlsConnection", (_GuardedTls,), made)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }

    def exchange(self, request: requests.PreparedRequest, timeout: tuple[float, float], ca: str | None) -> Any:
        """Send a request; return urllib3's answer with its body unread. Raises what requests and the guard raise."""
        return self.send(request, stream=True, timeout=timeout, verify=ca or True, proxies={}).raw
