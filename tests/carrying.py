"""The jobs of an installation → carried out by a worker in this process, quickly, while a test looks on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from config.database import Database
from workflow import succession
from workflow.engine.work import Work
from workflow.engine.worker import Pace, Worker, working

QUICK: Final = Pace(poll=0.05, claim=0.05, beat=0.2, timeout=30, tidy=0.5)


def carrying(
    database: Database, folder: Path, works: Mapping[str, Work] | None = None, *, concurrency: int = 2
) -> AbstractContextManager[Worker]:
    """Carry jobs of these works, or of all phases and chores there are, by the settings of the moment."""
    return working(
        database, folder, works or succession.works(), succession.limits, concurrency=concurrency, grace=5, pace=QUICK
    )
