"""What the holder of a lock carries → leave to take the next step, or the error that forbids it."""

from __future__ import annotations

from typing import Protocol


class Guard(Protocol):
    """Asked before every step on a file system, from any thread; raises to forbid it."""

    fence: int  # the number of our lease; every journal write carries it

    def check(self, label: str) -> None:
        """Return if the step may be taken; raise LeaseLost if not. The label's first word names the kind of step."""

    def check_stop(self) -> None:
        """Raise Stopped if somebody asked us to stop. Asked only where the album can still be rolled back."""
