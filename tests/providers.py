"""What a provider would answer → a real HTTP server of this machine that answers so, and knows what it was asked."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from processor.client.exchange import World


class Seen(NamedTuple):
    """One request that came."""

    at: float  # time.monotonic()
    method: str
    path: str  # without the query
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered, and what is wrong with it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # None of them: Content-Length, and a type by `kind`
    kind: str | None = "application/json"
    length: int | None = None  # what Content-Length says, if not the truth
    chunked: bool = False
    cut: int | None = None  # only so many bytes of the body are sent
    drip: float = 0  # seconds between two bytes of everything after the status line
    silent: float = 0  # seconds before anything is sent


def as_json(value: Any, status: int = 200, **more: Any) -> Reply:
    """A value as JSON."""
    return Reply(status, json.dumps(value).encode(), **more)


def gzipped(body: bytes, **more: Any) -> Reply:
    """A body packed with gzip."""
    return Reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"}, **more)


def redirect(to: str, status: int = 302) -> Reply:
    """A redirect."""
    return Reply(status, headers={"Location": to})


@contextmanager
def at_once(*_: Any, **__: Any) -> Iterator[None]:
    """A turn that is had at once, in the place of processor.client.turns.turn."""
    yield


AT_ONCE = World(turn=at_once)
Answering = Reply | Callable[[Seen], Reply]


class Provider:
    """Answers by path; what no path is known of is 404. Faults come before that, one for each request that comes."""

    def __init__(self, tls: tuple[str, str] | None = None) -> None:
        self.answers: dict[str, Answering] = {}
        self.faults: list[Reply] = []  # answered first, one by one
        self.down: Reply | None = None  # answered to everything
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a head and a body are two writes, and each test would wait between them

            def do_GET(self) -> None:
                provider._handle(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up; that is the point
        scheme = "http"
        if tls is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._closing = threading.Event()

    def at(self, name: str) -> str:
        """Return the base URL by another name of this machine."""
        return f"{self.url.partition(':')[0]}://{name}:{self.port}"

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [seen.path for seen in self.seen]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length", 0))
        seen = Seen(
            time.monotonic(), handler.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in handler.headers.items()}, handler.rfile.read(length),
        )  # fmt: skip
        with self._lock:
            self.seen.append(seen)
            fault = self.down or (self.faults.pop(0) if self.faults else None)
        answer = fault or self.answers.get(seen.path, Reply(404, b"{}"))
        with suppress(OSError):
            self._send(handler, answer(seen) if callable(answer) else answer)

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        self._closing.wait(reply.silent)
        headers = {**({"Content-Type": reply.kind} if reply.kind else {}), **reply.headers}
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(reply.body) if reply.length is None else reply.length)
        handler.send_response(reply.status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.flush_headers() if reply.drip else handler.end_headers()
        body = reply.body[: reply.cut]
        if reply.chunked:
            body = b"%x\r\n%s\r\n" % (len(reply.body), body) + (b"" if reply.cut is not None else b"0\r\n\r\n")
        if not reply.drip:
            handler.wfile.write(body)
        else:
            for byte in b"\r\n" + body:
                handler.wfile.write(bytes([byte]))
                if self._closing.wait(reply.drip):
                    return
        if reply.cut is not None or reply.length is not None:
            handler.close_connection = True

    @contextmanager
    def serving(self) -> Iterator[Provider]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
