"""A connection that sends no headers in time → closed, so that a few cannot keep everybody else out."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS: Final = 15.0  # until the headers of a request have to be there


class PromptProtocol(H11Protocol):
    """uvicorn's HTTP with a limit to waiting for the headers of a request, which uvicorn itself does for ever."""

    patience = HEADER_SECONDS

    def connection_made(self, transport: Any) -> None:
        """Begin to count."""
        super().connection_made(transport)
        self._look_again(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look_again(self, answered: object) -> None:
        """Look after a while whether a request came since the one that was answered last."""
        self._next_look = asyncio.get_running_loop().call_later(self.patience, self._look, answered)

    def _look(self, answered: object) -> None:
        is_waiting = self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)
        if is_waiting and self.cycle is answered:
            self.transport.close()
        else:
            self._look_again(self.cycle if is_waiting else self)
