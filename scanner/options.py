"""What people may decide about a scan, what stops it, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from config.machine import boot_id, boottime
from scanner.identity import SECOND_NS
from scanner.kinds.music_album import NOTHING_SAID

if TYPE_CHECKING:
    from scanner.grouping.chosen import Choices

Progress = Callable[[str, int, int | None], None]  # stage, how many are done, of how many if that is known


class Until(Protocol):
    """What tells a scan to stop; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether to stop now."""

    def wait(self, seconds: float, /) -> object:
        """Wait so long, or until it is set."""


class Clock(NamedTuple):
    """Time since the machine was started, sleep included; nobody can set it, but it begins anew with each boot."""

    boot: str
    now_ns: Callable[[], int]

    @classmethod
    def of_kernel(cls) -> Clock:
        """Return the real one."""
        return cls(boot_id(), lambda: int(boottime() * SECOND_NS))


class ScanOptions(NamedTuple):
    """What an admin, and whoever put files together, decided about a scan."""

    quiet_seconds: float = 60  # 0 takes what is there at once
    settle: bool = True  # stay until what is new was still for the quiet period; else leave it to a later scan
    workers: int = 4  # processes that read tags
    patterns: tuple[str, ...] = ()  # more to ignore, as in .gitignore
    choices: Choices = NOTHING_SAID  # what people said of files; see scanner.grouping.chosen

    @property
    def quiet_ns(self) -> int:
        """The quiet period in nanoseconds."""
        return int(self.quiet_seconds * SECOND_NS)


class ScanStats(NamedTuple):
    """What a scan found."""

    folders: int
    files: int
    audio: int
    bytes: int
    carried: int  # audio files whose tags an earlier scan had read
    read: int  # audio files opened now
    ignored: int
    problems: int  # audio files that cannot be read
    groups: int
    waiting: int  # groups that are not ready
    seconds: Mapping[str, float] = MappingProxyType({})  # by stage

    @property
    def duration_ms(self) -> int:
        """How long all of it took."""
        return round(sum(self.seconds.values()) * 1000)

    def to_json(self) -> dict[str, Any]:
        """Return what scripts get to see."""
        return {**self._asdict(), "seconds": dict(self.seconds), "duration_ms": self.duration_ms}


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """Show no progress."""
