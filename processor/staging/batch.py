"""Albums with their transfers → the same albums in staging: steps of many at once, four commits for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar

from loguru import logger

from config.database import Database
from config.errors import GreenroomError, LeaseLost, Retryable, Stopped
from config.machine import free_bytes, free_files, utc_now
from config.reasons import Reason
from processor.filesystem.system_errors import stops_root
from processor.items import storing
from processor.items.item import NewItem
from processor.planning.space import is_full_in_part
from processor.staging.crew import Crew
from processor.staging.pace import PacedGuard
from processor.staging.staged import Then, digested
from processor.transfers import journal
from processor.transfers.arrival import await_copies
from processor.transfers.building import build, sync_sources
from processor.transfers.clearing import clear, emptied
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import above_hidden, above_target, rename, sync_above, sync_built
from processor.transfers.transfer import State, Transfer

_Work = TypeVar("_Work")


@dataclass(frozen=True, slots=True)
class Between:
    """Two roots, and all that moving albums from the one to the other takes."""

    inbound: bytes
    staging: bytes
    database: Database
    guard: PacedGuard
    crew: Crew
    then: Then  # what is to be written with items that were staged
    known: Set[bytes]  # paths of the inbound tree that need no explanation when they stay


@dataclass(slots=True)
class Album:
    """One album on its way, and what came of it so far."""

    transfer: Transfer
    item: NewItem  # what transfer.item holds as JSON
    durable: frozenset[bytes] = frozenset()  # the sources whose bytes are on the disk
    reasons: tuple[Reason, ...] = ()
    error: GreenroomError | None = None  # what kept it from being staged

    def sync_sources(self, guard: PacedGuard, crew: Crew) -> None:
        """Bring the bytes of its sources to the disk, as far as the disk can."""
        self.durable = sync_sources(self.transfer, guard, partial(crew.sync, check=guard.check_stop))


class Batch:
    """Takes new albums through their steps together. `trouble` is what forbids to try others, if anything does."""

    def __init__(self, between: Between) -> None:
        self.trouble: GreenroomError | None = None
        self._between, self._guard, self._crew = between, between.guard, between.crew

    def move(self, albums: list[Album]) -> None:
        """Take albums from the intent to the end; one that fails is undone, the others go on.

        Raises LeaseLost, and Retryable of the database; what was begun is left to recovery then.
        """
        with self._between.database.begin() as connection:
            journal.plan(connection, [album.transfer for album in albums], utc_now())
        inner = max(1, self._crew.workers // len(albums))
        ready = self._each(albums, lambda album: album.sync_sources(self._guard, self._crew), together=False)
        built = self._each(
            ready, lambda album: build(album.transfer, self._guard, workers=inner, durable=album.durable)
        )
        filled = self._each(built, lambda album: sync_built(album.transfer, self._guard))
        filled = self._sync_above(filled, above_hidden)
        self._advance(filled, "materialised")
        switched = self._each(filled, lambda album: rename(album.transfer, self._guard))
        switched = self._sync_above(switched, above_target)
        switched = self._each(switched, lambda album: await_copies(album.transfer, self._guard))
        self._publish(switched)
        self._clear(switched)

    def _publish(self, albums: list[Album]) -> None:
        """Commit the items of albums together with their transfers: all or none."""
        self._guard.check("commit published")
        with self._between.database.begin() as connection:
            items = [digested(album.item, album.transfer) for album in albums]
            self._between.then(connection, storing.upsert(connection, items, utc_now()), utc_now())
            moved = journal.advance(connection, [album.transfer for album in albums], "published", utc_now())
        for album, transfer in zip(albums, moved, strict=True):
            album.transfer = transfer

    def _clear(self, albums: list[Album]) -> None:
        """Remove the sources of published albums; those where nothing is left to do are done."""

        def one(album: Album) -> None:
            album.reasons = clear(album.transfer, self._guard, self._between.known)

        errors = self._errors(albums, one)
        unsynced = self._unsynced(albums, self._between.inbound, emptied, missing_ok=True)
        done = []
        for album, *stood in zip(albums, errors, unsynced, strict=True):
            error = next(filter(None, stood), None)
            if error is None:
                done.append(album)
            else:  # the album is staged all the same; recovery tries again
                album.reasons = (error.reason(),)
                self.trouble = self.trouble or (error if ends_moving(error) else None)
        self._advance(done, "done")

    def _each(
        self, albums: list[Album], step: Callable[[Album], Transfer | None], *, together: bool = True
    ) -> list[Album]:
        """Take a step with all albums, several together or in turn; undo those that fail, and return the others."""

        def one(album: Album) -> None:
            album.transfer = step(album) or album.transfer

        return self._without_failed(albums, self._errors(albums, one, together=together))

    def _sync_above(self, albums: list[Album], above: Callable[[Transfer], Iterable[bytes]]) -> list[Album]:
        """Make the names of albums in staging durable; undo those where that fails, and return the others."""
        return self._without_failed(albums, self._unsynced(albums, self._between.staging, above))

    def _unsynced(
        self,
        albums: list[Album],
        root: bytes,
        above: Callable[[Transfer], Iterable[bytes]],
        *,
        missing_ok: bool = False,
    ) -> list[GreenroomError | None]:
        """Sync the folders above albums, each once for all of them; return for each album the first error it met."""
        needed = [tuple(above(album.transfer)) for album in albums]
        folders = list(dict.fromkeys(chain.from_iterable(needed)))

        def one(folder: bytes) -> None:
            sync_above(root, [folder], self._guard, missing_ok=missing_ok)

        errors = dict(zip(folders, self._errors(folders, one), strict=True))
        return [next(filter(None, map(errors.get, mine)), None) for mine in needed]

    def _errors(
        self, works: Sequence[_Work], act: Callable[[_Work], None], *, together: bool = True
    ) -> list[GreenroomError | None]:
        """Do all works; return what stood in the way of each. Raises LeaseLost."""

        def one(work: _Work) -> GreenroomError | None:
            try:
                act(work)
            except LeaseLost:
                raise
            except GreenroomError as error:
                return error
            return None

        return self._crew.each(works, one) if together else list(map(one, works))

    def _without_failed(self, albums: list[Album], errors: list[GreenroomError | None]) -> list[Album]:
        for album, error in zip(albums, errors, strict=True):  # all of them before any is undone, which makes room
            album.error = error and self._of_a_part(album, error)
        for album in albums:
            if album.error is not None:
                self._undo(album, album.error)
        return [album for album in albums if album.error is None]

    def _of_a_part(self, album: Album, error: GreenroomError) -> GreenroomError:
        """Return the error of a full disk as that of a part of it, if there is room: other albums may fit there."""
        if error.reason_code != "disk_full":
            return error
        found = os.statvfs(self._between.staging)
        sizes = [file.identity.size for file in album.transfer.files]
        if is_full_in_part(free_bytes(found), free_files(found), sizes):
            full = "a disk of a pool, a quota, or what btrfs keeps for metadata"
            message = f"{error.message}; the file system says that there is room, so {full} is full"
            return Retryable(message, code="part_full", path=error.path)
        return error

    def _undo(self, album: Album, error: GreenroomError) -> None:
        """Take back what was made of an album; what cannot be taken back now is left to recovery."""
        if self.trouble is None and ends_moving(error):
            self.trouble = error
        log = logger.bind(transfer=album.transfer.id, target=album.transfer.shown, code=error.reason_code)
        try:
            state = roll_back(album.transfer, self._guard)
        except LeaseLost:
            raise
        except GreenroomError as second:
            log.bind(error=second.message).warning("an album could not be undone; recovery will settle it")
            return
        if state != album.transfer.state:
            album.transfer = replace(album.transfer, error=error.message)
            self._advance([album], state)
        log.bind(error=error.message).warning("an album could not be moved")

    def _advance(self, albums: list[Album], state: State) -> None:
        if albums:
            self._guard.check(f"commit {state}")
            with self._between.database.begin() as connection:
                moved = journal.advance(connection, [album.transfer for album in albums], state, utc_now())
            for album, transfer in zip(albums, moved, strict=True):
                album.transfer = transfer


def ends_moving(error: GreenroomError) -> bool:
    """Tell whether no other album is to be tried after this."""
    return isinstance(error, Stopped) or stops_root(error)
