"""Items that are due, or asked for → verified one by one at a pace, each look remembered and its trouble told."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from loguru import logger

from config import admin
from config.database import Database
from config.errors import Misconfigured
from config.lease import Guard
from config.leave import StopSignal
from config.libraries import Library, list_libraries, verify_root
from processor.publication.access import AS_IS
from processor.verification import rows
from processor.verification.looking import decoder
from processor.verify import Found, Verifying, verify
from workflow import events, progress
from workflow.events import Event
from workflow.holding import holding
from workflow.phase import settings_of
from workflow.upkeep import blobs

AT_ONCE: Final = 100  # items looked up at once, at first
ROLES: Final = ("staging", "library")


class Pace:
    """Lets so many bytes a second be read; 0 lets all be read at once."""

    def __init__(
        self, mib_per_second: float, check: Callable[[], object], wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.check = check
        self._rate, self._wait, self._clock = mib_per_second * (1 << 20), wait, clock
        self._free = clock()

    def spend(self, size: int) -> None:
        """Wait for the turn of so many bytes. Raises what `check` and `wait` do."""
        self.check()
        if self._rate:
            now = self._clock()
            self._free = max(self._free, now) + size / self._rate
            if self._free - now > 1:  # short waits are saved up
                self._wait(self._free - now)


def verifying(
    database: Database, data_dir: Path, pace: Pace, stop: StopSignal, *, decode: bool, mend: bool
) -> Verifying:
    """Return what verifying works with: of staging and the libraries those that are here; in dry runs it mends nothing.

    Raises Misconfigured where ffmpeg is missing, and Retryable where it cannot be told what is here.
    """
    found, away = dict[str, Library](), list[Misconfigured]()
    with database.read() as connection:
        wanted = [library for library in list_libraries(connection) if library.role in ROLES]
        publish = settings_of(connection, "publish")
        mend = mend and not admin.staging_scan(connection)[0].dry_run

    for library in wanted:
        try:
            verify_root(library)
        except Misconfigured as error:  # what is due there stays due
            away.append(error)
        else:
            found[library.root_uuid] = library

    def locked(library: Library, work: Callable[[Guard], str]) -> str:
        return holding(database, [library], "verify", stop, work)

    return Verifying(
        database, found, blobs(database, data_dir), pace.spend, decoder(pace.check) if decode else None,
        locked if mend else None, publish.access() if mend else AS_IS, tuple(away),
    )  # fmt: skip


def due(database: Database, before: dt.datetime) -> Iterator[int]:
    """Yield items not verified since a time, those never verified first, each of them once."""
    passed: set[int] = set()
    with database.begin() as connection:
        rows.forget_gone(connection)
    while True:
        with database.read() as connection:  # each lot is about twice the last: 12 statements for 100,000 items
            found = [item for item in rows.due(connection, before, AT_ONCE + len(passed)) if item not in passed]
        if not found:
            return
        for item_id in found:
            passed.add(item_id)
            yield item_id


def verify_items(given: Verifying, items: Iterable[int]) -> Iterator[Found]:
    """Verify items; remember each look, and tell of fresh trouble in the same transaction. Raises what verify does."""
    for item_id in items:
        found = verify(given, item_id)
        if found is None:
            logger.bind(item=item_id).debug("an item was not verified: it is elsewhere, or changed meanwhile")
            continue
        now = dt.datetime.now(dt.UTC)
        with given.database.begin() as connection:
            rows.write(connection, found.checked, now)
            if found.fresh:
                name = progress.names(connection, [item_id]).get(item_id, "pictures and notes of artists")
                more = f" (and {len(found.fresh) - 1} more)" if len(found.fresh) > 1 else ""
                event = Event("damage_found", name, found.fresh[0].message + more, item_id or None)
                events.tell(connection, [event], now)
        yield found
