"""Stages and steps of a cycle → bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from daemon.words import stage_said
from scanner.options import Progress as Told
from scanner.options import silent

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars:
    """Draws one line per stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar of a stage; the first word of a new stage begins its line."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage_said(stage), total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


@contextlib.contextmanager
def bars() -> Iterator[Told]:
    """Yield what a cycle tells its progress to; on stderr, so that stdout stays clean for scripts."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console  # a third of the start, and only a terminal needs it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bars(progress)
