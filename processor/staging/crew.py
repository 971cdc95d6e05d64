"""Works → all done: in turn while each is quick, several at once as soon as they wait for a disk or take long."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from types import TracebackType
from typing import Final, TypeVar

from config.leave import LEAVE
from processor.transfers.materialise import in_turn

_Work = TypeVar("_Work")
_Done = TypeVar("_Done")
# Seconds. Steps on a local disk that only change names keep the processor busy, and Python threads would take turns at
# it, at twice the price. Where a step waits for the disk or the network, or copies, threads pay.
WAITS: Final = 0.0005
LONG: Final = 0.005


def _times_slept() -> int:
    """Return how often this thread gave the processor up by itself, to wait for something."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class Crew:
    """A number of threads that help where it is worth it."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        leave = LEAVE.get()
        self._pool = ThreadPoolExecutor(workers, "move", initializer=LEAVE.set, initargs=(leave,))

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()

    def each(self, works: Iterable[_Work], act: Callable[[_Work], _Done]) -> list[_Done]:
        """Do every work; return what came of each, in their order. Raises what an act raises."""
        done: list[_Done] = []
        rest = iter(works)
        for work in rest:
            began, busy, slept = time.perf_counter(), time.thread_time(), _times_slept()
            done.append(act(work))
            took, busy = time.perf_counter() - began, time.thread_time() - busy
            # Not running for a while means nothing by itself: on a busy machine others had the processor.
            waited = took - busy > WAITS and _times_slept() > slept
            if self.workers > 1 and (waited or busy > LONG):
                done += self._pool.map(act, rest)
        return done

    def sync(self, files: Sequence[int], check: Callable[[], None]) -> list[OSError | None]:
        """Do what `in_turn` does, several at once: a disk syncs many files in little more than the time of one."""
        count = -(-len(files) // self.workers)
        parts = [files[at : at + count] for at in range(0, len(files), count)] if files else []
        if len(parts) < 2:
            return in_turn(files, check)
        return [*chain.from_iterable(self._pool.map(partial(in_turn, check=check), parts))]
