"""Cycles of this process → how far each is, for whoever asks; a cycle a person asks for → run here, one at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from loguru import logger

from config.errors import Busy, GreenroomError, Stopped
from config.task import start
from scanner.options import Progress


@dataclass(frozen=True, slots=True)
class Stage:
    """How far one cycle is: `done` of `total` steps of a stage, None if nobody knows how many there will be."""

    run_id: str
    name: str = "begin"
    done: int = 0
    total: int | None = None


class Ongoing:
    """What runs in this process just now. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._asked: threading.Thread | None = None
        self.stopping = threading.Event()  # what is done for a person ends at the next safe place when it is set

    def stages(self) -> list[Stage]:
        """Return how far every cycle is that runs now, the newest last."""
        with self._lock:
            return list(self._stages.values())

    @contextlib.contextmanager
    def following(self, stage: Stage, progress: Progress) -> Iterator[Progress]:
        """Know of a cycle while the block lasts; yields what it tells its progress to, and `progress` is told, too."""

        def told(name: str, done: int, total: int | None) -> None:
            with self._lock:
                if stage.run_id not in self._stages:  # nobody waits for it any more: its disk hung (config.leave)
                    return
                self._stages[stage.run_id] = replace(stage, name=name, done=done, total=total)
            progress(name, done, total)

        with self._lock:
            self._stages[stage.run_id] = stage
        try:
            yield told
        finally:
            with self._lock:
                self._stages.pop(stage.run_id, None)

    def ask(self, stage: Stage, work: Callable[[threading.Event], object]) -> None:
        """Let a thread do one cycle's work, with the event that asks it to stop; `stage` is shown until it begins.

        Raises Busy while another cycle runs in this process, Stopped when the process is about to end, and Retryable.
        """
        with self._lock:
            if self.stopping.is_set():
                raise Stopped("Greenroom is stopping")
            if self._stages or (self._asked is not None and self._asked.is_alive()):
                running = next(iter(self._stages), "another one")
                raise Busy(f"a cycle is running here already: {running}")
            asked = threading.Thread(target=self._run, args=(stage, work), name="asked cycle")
            start(asked)
            self._asked, self._stages[stage.run_id] = asked, stage

    def stop(self) -> None:
        """Ask the cycle at hand to end at the next safe place, and begin no other."""
        self.stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the process is about to end."""
        return self.stopping.is_set()

    def is_idle(self, timeout: float | None = None) -> bool:
        """Wait for the asked cycle, so many seconds or as long as it takes; return whether none runs now."""
        thread = self._asked
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _run(self, stage: Stage, work: Callable[[threading.Event], object]) -> None:
        try:
            work(self.stopping)
        except GreenroomError as error:
            logger.bind(run=stage.run_id, error=error.message).error("an asked cycle could not be recorded")
        finally:
            with self._lock:
                self._stages.pop(stage.run_id, None)
