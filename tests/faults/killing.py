"""A verb under a guard → killed before one of its steps, failed at one, or killed and then its recovery, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from config.errors import Retryable
from tests.faults.world import Killed, Steps


class Scene(Protocol):
    """What can be performed once, and recovered."""

    def perform(self, guard: Steps) -> object:
        """Take it through its steps."""

    def recovered(self, guard: Steps) -> object:
        """Take what was begun through its recovery."""


_Scene = TypeVar("_Scene", bound=Scene)


def killed(act: Callable[[Any], object], die_at: int, fence: int) -> bool:
    """Act until the step; tell whether it came that far."""
    try:
        act(Steps(die_at, fence))
    except Killed:
        return True
    return False


def killed_twice(
    make: Callable[[str, _Scene | None], _Scene], start: int, every: int, then_every: int
) -> Iterator[tuple[_Scene, str]]:
    """Kill a scene before each so manieth step from `start`, and its recovery before each; yield it, and what was done.

    `make` is given the name of a scene and the one before it.
    """
    scene, steps = make("0", None), Steps(fence=2)
    scene.perform(steps)
    for first in range(start, len(steps.labels) + 1, every):
        for second in range(1 + first % 7, 2 * len(steps.labels), then_every):
            scene = make(f"{first} {second}", scene)
            assert killed(scene.perform, first, 2)
            came_so_far = killed(scene.recovered, second, 3)
            yield scene, f"killed before {steps.labels[first - 1]}, recovery before step {second}"
            if not came_so_far:
                break


class Failing(Steps):
    """A guard before whose n-th step the disk fails once."""

    def __init__(self, fail_at: int, fence: int) -> None:
        super().__init__(None, fence)
        self._fail_at = fail_at

    def check(self, label: str) -> None:
        """Fail, if it is the step."""
        super().check(label)
        if len(self.labels) == self._fail_at:
            raise Retryable("the disk could not write", code="io_error")
