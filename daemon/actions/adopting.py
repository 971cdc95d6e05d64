"""A wish to see a library beside what Greenroom would make of it → a comparison in a thread, kept till the next one.

It takes no lock and moves nothing, so cycles go on beside it.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from config.database import Database
from config.errors import Busy, GreenroomError, Misconfigured, Stopped
from config.reasons import show_path
from config.task import start
from daemon.actions.acts import UNFORESEEN
from daemon.actions.ongoing import Ongoing
from processor.filesystem.system_errors import unexpected

if TYPE_CHECKING:
    from workflow.operations.adopting import Comparison  # which reads NFO files; most commands do without


@dataclass(frozen=True, slots=True)
class Look:
    """One comparison: how far it is, and what came of it."""

    path: bytes
    began: dt.datetime
    stage: tuple[str, int, int | None] = ("begin", 0, None)  # its name, steps done, of how many if that is known
    found: Comparison | None = None  # None while it runs, and if it failed
    error: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.found is not None or self.error is not None


class Looks:
    """The newest comparison of this process; a restart forgets it, its index stays. For any thread."""

    def __init__(self, database: Database, data_dir: Path, ongoing: Ongoing) -> None:
        self._database, self._data_dir, self._ongoing = database, data_dir, ongoing
        self._lock = threading.Lock()
        self._look: Look | None = None

    def newest(self) -> Look | None:
        """Return the newest comparison, None when nobody asked for one yet."""
        with self._lock:
            return self._look

    def begin(self, path: bytes) -> Look:
        """Begin a comparison. Raises Misconfigured for what is no folder, Busy while one runs, Stopped, Retryable."""
        if not path.startswith(b"/") or b"\0" in path:
            raise Misconfigured(f"a folder's path must be absolute, not {show_path(path)}", code="bad_path")
        with self._lock:
            if self._ongoing.is_stopping:
                raise Stopped("Greenroom is stopping")
            if self._look is not None and not self._look.is_over:
                raise Busy(f"{show_path(self._look.path)} is being compared; one at a time")
            look = Look(path, dt.datetime.now(dt.UTC))
            start(threading.Thread(target=self._run, args=(look,), name="adopt"))
            self._look = look
            return look

    def _run(self, look: Look) -> None:
        from workflow.operations.adopting import adopt

        def told(name: str, done: int, total: int | None) -> None:
            self._keep(replace(look, stage=(name, done, total)))

        ended = replace(look, error=UNFORESEEN)
        try:
            found = adopt(self._database, self._data_dir, look.path, self._ongoing.stopping, told)
            ended = replace(look, found=found)
        except (GreenroomError, OSError) as error:
            told_so = unexpected(error) if isinstance(error, OSError) else error
            ended = replace(look, error=told_so.message)
        finally:  # also after what nobody foresaw: it would keep all others out
            self._keep(ended)

    def _keep(self, look: Look) -> None:
        with self._lock:
            self._look = look
