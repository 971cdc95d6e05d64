"""A connection that keeps us waiting → closed in time, or once others need its place, so that nobody is kept out."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS: Final = 200
HEADER_SECONDS: Final = 15.0  # until the headers of a request have to be there, and the like


class PromptProtocol(H11Protocol):
    """uvicorn's HTTP with a limit to waiting for others, which uvicorn itself does for ever.

    That is for the headers of a request, for the rest of a body that was answered, and for an answer to be read.
    """

    patience = HEADER_SECONDS
    crowd = MAX_CONNECTIONS

    def connection_made(self, transport: Any) -> None:
        """Begin to count. Where there are too many connections, the oldest that keeps us waiting makes room."""
        super().connection_made(transport)
        self._began = asyncio.get_running_loop().time()
        self._look_again(self._waiting_for())
        there = [one for one in self.connections if isinstance(one, PromptProtocol) and not one.transport.is_closing()]
        if len(there) > self.crowd:
            slow = [one for one in there if one._waiting_for() or one.conn.their_state is h11.SEND_BODY]
            min(slow, key=lambda one: one._began).transport.abort()  # at the worst itself: it has said nothing so far

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look_again(self, seen: object) -> None:
        """Look after a while whether the same is still waited for."""
        self._next_look = asyncio.get_running_loop().call_later(self.patience, self._look, seen)

    def _look(self, seen: object) -> None:
        now = self._waiting_for()
        if now is not None and now == seen:
            self.transport.abort()  # to close would wait for what nobody reads
        else:
            self._look_again(now)

    def _waiting_for(self) -> object | None:
        """Return what changes with all that others do; None while it is for us to do something."""
        if self.flow.write_paused:
            return self.cycle, self.transport.get_write_buffer_size()
        if self.cycle is None or (self.cycle.response_complete and self.conn.their_state in (h11.IDLE, h11.SEND_BODY)):
            return (self.cycle,)
        return None
