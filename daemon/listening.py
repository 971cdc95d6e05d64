"""The inbound folder of the moment → a watch on it, begun anew where the folder changes; a disk holds nobody up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Listener(Protocol):
    """A watch on a folder, as scanner.watch makes it."""

    @property
    def is_waiting(self) -> bool:
        """Whether a disk is being asked, and has not answered yet."""

    def start(self) -> None:
        """Begin to listen."""

    def stop(self) -> None:
        """Stop listening and free everything."""


class Listening:
    """Hears of changes in one folder at a time, or in none.

    One that was to stop and still waits for its disk keeps a thread, so nobody else listens to its folder meanwhile:
    however often it is asked for, a disk that hangs keeps one.
    """

    def __init__(self, watch: Callable[[bytes, Callable[[], None]], Listener], hear: Callable[[], None]) -> None:
        self._watch, self._hear = watch, hear
        self._listener: Listener | None = None
        self._root: bytes | None = None
        self._stopped: dict[bytes, Listener] = {}  # by folder: some may not have ended

    @property
    def is_waiting(self) -> bool:
        """Whether a folder's disk is being asked, and has not answered yet."""
        now = [self._listener] if self._listener is not None else []
        return any(listener.is_waiting for listener in (*now, *self._stopped.values()))

    def to(self, root: bytes | None) -> None:
        """Listen to a folder, or to none.

        To be called again and again: to a folder whose disk is still being asked it listens once that has answered.
        """
        self._stopped = {path: listener for path, listener in self._stopped.items() if listener.is_waiting}
        if root in self._stopped:
            root = None
        if root == self._root:
            return
        if self._listener is not None and self._root is not None:
            self._listener.stop()
            self._stopped[self._root] = self._listener
        self._listener = self._root = None
        if root is not None:
            listener = self._watch(root, self._hear)
            listener.start()
            self._listener, self._root = listener, root
