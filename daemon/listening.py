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
    """Hears of changes in one folder at a time, or in none."""

    def __init__(self, watch: Callable[[bytes, Callable[[], None]], Listener], hear: Callable[[], None]) -> None:
        self._watch, self._hear = watch, hear
        self._listener: Listener | None = None
        self._root: bytes | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the folder's disk is being asked, and has not answered yet."""
        return self._listener is not None and self._listener.is_waiting

    def to(self, root: bytes | None) -> bool:
        """Listen to a folder, or to none; return whether that is another one than before."""
        if root == self._root:
            return False
        if self._listener is not None:
            self._listener.stop()
        self._listener = self._root = None
        if root is not None:
            listener = self._watch(root, self._hear)
            listener.start()
            self._listener, self._root = listener, root
        return True
