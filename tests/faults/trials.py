"""A command that is disturbed, and how it must end whatever disturbs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.faults.cycles import House


class Trial(NamedTuple):
    """The command that is disturbed, and what says afterwards what is broken on the way to its end."""

    command: tuple[str, ...]
    converges: Callable[[House], list[str]]


def must(house: House, *command: str) -> None:
    """Run a command that nothing disturbs."""
    ended = house.run(*command)
    assert ended.status == 0, ended
