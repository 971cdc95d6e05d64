"""Plans that stage → albums in staging, a batch at a time: three commits a batch, file steps of many albums at once."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain, islice
from types import TracebackType
from typing import TypeVar

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import GreenroomError, LeaseLost, NeedsReview, Retryable, Stopped
from config.lease import Guard
from config.libraries import Library
from config.machine import boot_id, free_bytes, free_files
from config.reasons import Reason, show_path
from processor import journal, repository, source_folders
from processor.arrival import await_copies
from processor.building import build, sync_sources
from processor.changing import change
from processor.clearing import clear, emptied
from processor.crew import Crew
from processor.item import NewItem, new_item
from processor.journal import SourceFolder, State, Transfer, TransferFile
from processor.moves.album import as_mounted
from processor.moves.move import Performance
from processor.pace import Pace, PacedGuard
from processor.plan import AlbumPlan, Outcome
from processor.publishing import ForRun, digested, publish
from processor.rolling_back import roll_back
from processor.settle import settle
from processor.space import is_full_in_part
from processor.system_errors import stops_root
from processor.transfer import above_hidden, above_target, rename, sync_above, sync_built
from scanner.scandb import ScanDb

_Work = TypeVar("_Work")
BATCH = 32  # albums that share their commits; more would wait longer for the first one to be listed
# What an error means for one album; anything else has failed.
_OUTCOMES: dict[str, Outcome] = {
    **dict.fromkeys(("target_exists", "not_as_recorded", "strangers", "cannot_join", "cannot_exchange"), "conflict"),
    "source_changed": "waiting",
    "vanished": "waiting",
    "stopped": "waiting",
    "open_for_writing": "waiting",
    "sparse_file": "waiting",
    "still_changing": "waiting",
    "late": "waiting",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one plan: None is what was planned."""

    outcome: Outcome | None
    reasons: tuple[Reason, ...] = ()


@dataclass(slots=True)
class _Album:
    """One album on its way through a batch."""

    plan: AlbumPlan
    item: NewItem  # what transfer.item holds as JSON
    transfer: Transfer
    error: GreenroomError | None = None
    reasons: tuple[Reason, ...] = ()
    durable: frozenset[bytes] = frozenset()  # the sources whose bytes are on the disk


class Mover:
    """Moves plans between two roots under a guard. `trouble` is what made it stop before the end, if anything did."""

    def __init__(
        self,
        database: Database,
        inbound: Library,
        staging: Library,
        guard: Guard,
        workers: int,
        rate_limit: float,
        known: Set[bytes],
        run: ForRun,
    ) -> None:
        self.trouble: GreenroomError | None = None
        self._database = database
        self._inbound, self._staging = inbound, staging
        self._steps = PacedGuard(guard, Pace(rate_limit))
        self._known = known  # paths of the inbound tree that need no explanation when they stay
        self._run_id, self._then = run.id, run.then
        self._crew = Crew(workers)
        self._folders: Mapping[bytes, SourceFolder] = {}  # of the inbound tree, before anything is taken from it

    def __enter__(self) -> Mover:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._crew.__exit__(kind, error, at)

    def move(self, plans: Sequence[AlbumPlan], scan: ScanDb) -> Iterator[Moved]:
        """Move every plan, in order, and yield what became of each. Raises LeaseLost, and Retryable of the database."""
        sources = (file.source for plan in plans for file in plan.files)
        self._folders = source_folders.look_at(self._inbound.path, sources)
        waiting = iter(plans)
        while self.trouble is None and (batch := list(islice(waiting, BATCH))):
            yield from self._batch([self._album(plan, scan) for plan in batch])
        for _ in waiting:
            assert self.trouble is not None
            outcome = _OUTCOMES.get(self.trouble.reason_code, "failed")
            yield Moved(outcome, (Reason("not_tried", f"It was not tried: {self.trouble.message}."),))

    def _album(self, plan: AlbumPlan, scan: ScanDb) -> _Album:
        """Make the transfer of a plan, with all that recovery would need."""
        plan = plan.moving()
        assert plan.target is not None
        facts = scan.facts([track.file_id for track in plan.group.tracks])
        transfer_id = str(uuid.uuid4())
        item = new_item(plan, facts, root_uuid=self._staging.root_uuid, transfer_id=transfer_id, run_id=self._run_id)
        transfer = Transfer(
            id=transfer_id,
            kind="album",
            state="planned",
            src_root=self._inbound.path,
            dst_root=self._staging.path,
            target=plan.target,
            files=tuple(TransferFile(f.source, f.target, f.role, f.identity) for f in plan.files),
            item=item.to_json(),
            fence=self._steps.fence,
            boot_id=boot_id(),
            run_id=self._run_id,
            source_folders=source_folders.above(self._folders, [file.source for file in plan.files]),
        )
        return _Album(plan, item, as_mounted(transfer))

    def _publish_one(self, connection: Connection, transfer: Transfer) -> None:
        publish(connection, [transfer], _now(), self._then)

    def _batch(self, albums: list[_Album]) -> list[Moved]:
        """Move the new albums together; then, one by one, those that change an album staged before."""
        if new := [album for album in albums if album.plan.kind == "album"]:
            self._together(new)
        for album in albums:
            if album.plan.kind != "album":
                self._alone(album)
        return [self._result(album) for album in albums]

    def _together(self, albums: list[_Album]) -> None:
        """Take a batch through all its steps; an album that fails is undone, the others go on."""
        with self._database.begin() as connection:
            journal.plan(connection, [album.transfer for album in albums], _now())
        inner = max(1, self._crew.workers // len(albums))
        ready = self._each(albums, self._sync_sources)
        built = self._each(
            ready, lambda album: build(album.transfer, self._steps, workers=inner, durable=album.durable)
        )
        filled = self._each(built, lambda album: sync_built(album.transfer, self._steps))
        filled = self._sync_above(filled, above_hidden)
        self._advance(filled, "materialised")
        switched = self._each(filled, lambda album: rename(album.transfer, self._steps))
        switched = self._sync_above(switched, above_target)
        switched = self._each(switched, lambda album: await_copies(album.transfer, self._steps))
        self._steps.check("commit published")
        with self._database.begin() as connection:
            items = [digested(album.item, album.transfer) for album in switched]
            self._then(connection, repository.upsert(connection, items, _now()), _now())
            moved = journal.advance(connection, [album.transfer for album in switched], "published", _now())
        for album, transfer in zip(switched, moved, strict=True):
            album.transfer = transfer
        self._clear(switched)

    def _alone(self, album: _Album) -> None:
        """Perform a change of a staged album as recovery would, which knows how to go back."""
        run = Performance(
            self._database,
            self._steps,
            self._publish_one,
            _now(),
            boot_id(),
            workers=self._crew.workers,
            known=self._known,
        )
        try:
            if self.trouble is not None:
                raise self.trouble
            self._sync_sources(album)
            album.transfer = change(self._database, album.plan.kind, album.transfer, run.now)
        except (Retryable, NeedsReview, Stopped) as error:
            if isinstance(error, LeaseLost) or error.reason_code == "database_unavailable":
                raise
            album.error = error
            return
        album.transfer = settle(run, album.transfer)
        if run.trouble is not None and (isinstance(run.trouble, Stopped) or stops_root(run.trouble)):
            self.trouble = run.trouble
        if album.transfer.state not in ("published", "done"):
            album.error = run.trouble
        album.reasons = tuple(run.reasons)

    def _sync_sources(self, album: _Album) -> None:
        album.durable = sync_sources(album.transfer, self._steps)

    def _each(self, albums: list[_Album], step: Callable[[_Album], Transfer | None]) -> list[_Album]:
        """Take a step with all albums; undo those that fail, and return the others."""

        def one(album: _Album) -> None:
            album.transfer = step(album) or album.transfer

        return self._without_failed(albums, self._errors(albums, one))

    def _sync_above(self, albums: list[_Album], above: Callable[[Transfer], Iterable[bytes]]) -> list[_Album]:
        """Make the names of albums in staging durable; undo those where that fails, and return the others."""
        return self._without_failed(albums, self._unsynced(albums, self._staging, above))

    def _clear(self, albums: list[_Album]) -> None:
        """Remove the sources of published albums; those where nothing is left to do are done."""

        def one(album: _Album) -> None:
            album.reasons = clear(album.transfer, self._steps, self._known)

        errors = self._errors(albums, one)
        unsynced = self._unsynced(albums, self._inbound, emptied, missing_ok=True)
        done = []
        for album, *stood in zip(albums, errors, unsynced, strict=True):
            error = next(filter(None, stood), None)
            if error is None:
                done.append(album)
            else:  # the album is staged all the same; recovery tries again
                album.reasons = (error.reason(),)
                self.trouble = self.trouble or (error if stops_root(error) else None)
        self._advance(done, "done")

    def _unsynced(
        self,
        albums: list[_Album],
        root: Library,
        above: Callable[[Transfer], Iterable[bytes]],
        *,
        missing_ok: bool = False,
    ) -> list[GreenroomError | None]:
        """Sync the folders above albums, each once for all of them; return for each album the error of any of its."""
        needed = [tuple(above(album.transfer)) for album in albums]
        folders = list(dict.fromkeys(chain.from_iterable(needed)))

        def one(folder: bytes) -> None:
            sync_above(root.path, [folder], self._steps, missing_ok=missing_ok)

        errors = dict(zip(folders, self._errors(folders, one), strict=True))
        return [next(filter(None, map(errors.get, mine)), None) for mine in needed]

    def _errors(self, works: Sequence[_Work], act: Callable[[_Work], None]) -> list[GreenroomError | None]:
        """Do all works; return what stood in the way of each. Raises LeaseLost."""

        def one(work: _Work) -> GreenroomError | None:
            try:
                act(work)
            except LeaseLost:
                raise
            except GreenroomError as error:
                return error
            return None

        return self._crew.each(works, one)

    def _without_failed(self, albums: list[_Album], errors: list[GreenroomError | None]) -> list[_Album]:
        for album, error in zip(albums, errors, strict=True):
            if error is not None:
                album.error = self._of_a_part(album, error)
                self._undo(album, album.error)
        return [album for album in albums if album.error is None]

    def _of_a_part(self, album: _Album, error: GreenroomError) -> GreenroomError:
        """Return the error of a full disk as that of a part of it, if it has room: other albums may fit there."""
        if error.reason_code != "disk_full":
            return error
        found = os.statvfs(self._staging.path)
        sizes = [file.identity.size for file in album.transfer.files]
        if not is_full_in_part(free_bytes(found), free_files(found), sizes):
            return error
        full = "a disk of a pool, a quota, or what btrfs keeps for metadata"
        message = f"{error.message}; the file system says that there is room, so {full} is full"
        return Retryable(message, code="part_full", path=error.path)

    def _undo(self, album: _Album, error: GreenroomError) -> None:
        """Take back what was made of an album; what cannot be taken back now is left to recovery."""
        if self.trouble is None and (isinstance(error, Stopped) or stops_root(error)):
            self.trouble = error
        log = logger.bind(transfer=album.transfer.id, target=album.transfer.target, code=error.reason_code)
        try:
            state = roll_back(album.transfer, self._steps)
        except LeaseLost:
            raise
        except GreenroomError as second:
            log.bind(error=second.message).warning("an album could not be undone; recovery will settle it")
            return
        if state != album.transfer.state:
            album.transfer = replace(album.transfer, error=error.message)
            self._advance([album], state)
        log.bind(error=error.message).warning("an album could not be moved")

    def _advance(self, albums: list[_Album], state: State) -> None:
        if albums:
            self._steps.check(f"commit {state}")
            with self._database.begin() as connection:
                moved = journal.advance(connection, [album.transfer for album in albums], state, _now())
            for album, transfer in zip(albums, moved, strict=True):
                album.transfer = transfer

    def _result(self, album: _Album) -> Moved:
        if album.error is None:
            shown = show_path(album.transfer.target)
            logger.bind(transfer=album.transfer.id, target=shown, files=len(album.plan.files)).info("album staged")
            return Moved(None, album.reasons)
        code = album.error.reason_code
        outcome = _OUTCOMES.get(code, "failed")
        # elsewhere it may be a path of the other root
        is_ours = outcome == "waiting" or album.error.path in {file.source for file in album.plan.files}
        path = album.error.path if is_ours else album.plan.group.home
        return Moved(outcome, (album.error.reason()._replace(path=path),))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
