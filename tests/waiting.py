"""What must come true → waited for, so long that only a test that would hang fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import text

from config.database import Database

PATIENCE: Final = 120  # seconds; far more than a loaded machine needs


def until(found: Callable[[], Any], what: str = "it") -> Any:
    """Return what is found, once it is anything."""
    ends = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < ends, f"{what} never came"
        time.sleep(0.02)
    return value


def is_blocked(database: Database) -> bool:
    """Tell whether a transaction of PostgreSQL waits for another one."""
    with database.read() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
