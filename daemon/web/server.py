"""A web application and an address → requests answered, in a thread of this process, until it is stopped."""

from __future__ import annotations

import datetime as dt
import threading
from types import TracebackType

import uvicorn
from loguru import logger

from config import accounts
from config.errors import GreenroomError, Retryable, SchemaChanged
from config.task import start
from daemon.bootstrap import Application
from daemon.web.address import listening
from daemon.web.app import create_app
from daemon.web.prompt import MAX_CONNECTIONS, PromptProtocol

STOP_SECONDS = 5  # that requests at hand get to end
WAKE_SECONDS = 5.0  # how soon it is noticed that the server ended by itself, or has to
MOST_AT_ONCE = MAX_CONNECTIONS * 5  # requests of who gave way among them, which take a moment to end; 503 beyond


class WebServer:
    """Serves the page and the API while it is entered.

    Raises Misconfigured when the address cannot be used, what the database raises that cannot offer an account, and
    Retryable where no thread can be had.
    """

    def __init__(self, app: Application, address: tuple[str, int]) -> None:
        self._app = app
        self._socket = listening(address)  # here and not in the thread, so that the error reaches who asked
        try:
            _offer_setup(app)
        except BaseException:
            self._socket.close()  # or who tries again finds the address taken by us
            raise
        self.address = self._socket.getsockname()[:2]
        settings = uvicorn.Config(
            create_app(app),
            http=PromptProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=16 << 10,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)

    def __enter__(self) -> WebServer:
        try:
            start(self._thread)
        except Retryable:
            self._socket.close()  # as above
            raise
        host, port = self.address
        shown = f"[{host}]" if ":" in host else host
        logger.bind(url=f"http://{shown}:{port}{self._app.boot.web_base}/").info("the page is there")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._app.ongoing.stop()  # or pages that follow a cycle would keep the server
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS + 1)
        self._socket.close()

    def wait(self, stop: threading.Event) -> None:
        """Wait until the server is asked to stop, or ends by itself.

        Raises SchemaChanged when another Greenroom has migrated the database: pages would show what is not so any more.
        """
        while self._thread.is_alive() and not stop.wait(WAKE_SECONDS):
            try:
                self._app.database.check()
            except SchemaChanged:
                raise
            except GreenroomError:
                pass  # the database is away, or damaged, which each page says


def _offer_setup(app: Application) -> None:
    """Print a setup token if nobody has an account. Each start makes the one before worthless."""
    with app.database.begin() as connection:
        token = accounts.offer_setup(connection, dt.datetime.now(dt.UTC))
    if token is not None:
        logger.bind(token=token, path=f"{app.boot.web_base}/setup").warning(
            "nobody has an account yet: open the page, the setup token is here"
        )
