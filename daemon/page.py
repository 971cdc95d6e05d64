"""The address of the page → the page, served there as soon as it can be had; until then it is tried at each beat."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from loguru import logger

from config.answering import GLANCE
from config.errors import GreenroomError
from config.task import Task
from daemon.bootstrap import Application

if TYPE_CHECKING:
    from daemon.web.server import WebServer


class Page:
    """Serves the page until the stack ends. Albums are staged also where it cannot be served.

    What is in the way may go: an address comes after us at a boot, is another's for a while, the database is full. So
    it is tried at each beat until it is served; in a thread of its own, for name servers that do not answer keep who
    asks for the address of a name for minutes.
    """

    def __init__(self, app: Application, stack: contextlib.ExitStack) -> None:
        self._app, self._stack = app, stack
        self._address = app.boot.web_address  # None once nothing is to be done
        self._coming: Task[WebServer] | None = None
        self._told = ""

    def __call__(self) -> None:
        """Serve it if it can be had by now; only the first look waits, a few seconds."""
        if self._address is None:
            return
        patience = 0.0 if self._coming else GLANCE
        try:
            self._coming = self._coming or Task(partial(_web_server, self._app, self._address))
            if not self._coming.over.wait(patience):
                if not self._told:
                    self._tell(f"{self._address[0]} is still being looked up, or the database waited for")
                return
            came, self._coming = self._coming, None
            self._stack.enter_context(came.result())
        except GreenroomError as error:
            self._tell(error.message)
        else:
            self._address = None

    def _tell(self, error: str) -> None:
        if error != self._told:
            self._told = error
            logger.bind(error=error).error("there is no page; it is tried again")


def _web_server(app: Application, address: tuple[str, int]) -> WebServer:
    from daemon.web.server import WebServer

    return WebServer(app, address)
