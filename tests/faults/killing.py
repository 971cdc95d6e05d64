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


def killed(act: Callable[[Any], object], die_at: int | str, fence: int) -> bool:
    """Act until the step of a number, or the first of a label; tell whether it came that far."""
    try:
        act(Steps(die_at, fence))
    except Killed:
        return True
    return False


Make = Callable[[str, _Scene | None], _Scene]
"""Makes a scene of a name; the one before it, which may be made use of, is given."""


def killed_once(make: Make[_Scene], every: int = 1) -> Iterator[tuple[_Scene, int]]:
    """Kill a scene before each so manieth step; yield it, and the step; at last one that came through."""
    step, came_so_far, scene = 0, True, None
    while came_so_far:
        step += every
        scene = make(f"{step}", scene)
        came_so_far = killed(scene.perform, step, 2)
        yield scene, step


def killed_twice(make: Make[_Scene], start: int, every: int, then_every: int) -> Iterator[tuple[_Scene, str]]:
    """Kill a scene before each so manieth step from `start`, and its recovery, too; yield it, and what was done.

    Where each step is the first, every seventh of the recovery is enough: after seven first ones in a row it does much
    the same, and they meet all of them; all pairs would take hours.
    """
    scene, steps = make("0", None), Steps(fence=2)
    scene.perform(steps)
    assert len(steps.labels) > 10
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


def failing(make: Make[_Scene], every: int = 1) -> Iterator[tuple[_Scene, Failing, str]]:
    """Yield scenes to be performed, each with a guard that fails at the next so manieth step, and which that is.

    The last one does not fail.
    """
    step, scene, guard = every, None, None
    while guard is None or len(guard.labels) >= step - every:
        scene, guard = make(f"{step}", scene), Failing(step, 2)
        yield scene, guard, f"step {step}"
        step += every
