"""Plans that stage → what became of each: new albums move in batches, changes of staged ones one by one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from loguru import logger

from config.errors import GreenroomError, LeaseLost, NeedsReview, Retryable, Stopped
from config.machine import boot_id, utc_now
from config.reasons import Reason
from processor.items.item import new_item
from processor.moves.album import as_mounted
from processor.moves.move import Performance
from processor.planning.plan import AlbumPlan, Outcome
from processor.settle import settle
from processor.staging.batch import Album, Batch, Between, ends_moving
from processor.staging.changing import change
from processor.staging.staged import record_item
from processor.transfers import source_folders
from processor.transfers.transfer import SourceFolder, Transfer, TransferFile
from scanner.scandb import ScanDb

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


class Mover:
    """Moves plans between two roots. `trouble` is what made it stop before the end, if anything did."""

    def __init__(self, between: Between, staging_uuid: str, run_id: str) -> None:
        self.trouble: GreenroomError | None = None
        self._between = between
        self._staging_uuid, self._run_id = staging_uuid, run_id
        self._folders: Mapping[bytes, SourceFolder] = {}  # of the inbound tree, before anything is taken from it

    def move(self, plans: Sequence[AlbumPlan], scan: ScanDb) -> Iterator[Moved]:
        """Move every plan, in order, and yield what became of each. Raises LeaseLost, and Retryable of the database."""
        sources = (file.source for plan in plans for file in plan.files)
        self._folders = source_folders.look_at(self._between.inbound, sources)
        waiting = iter(plans)
        while self.trouble is None and (batch := [plan.moving() for plan in islice(waiting, BATCH)]):
            yield from self._batch([(plan, self._album(plan, scan)) for plan in batch])
        for _ in waiting:
            assert self.trouble is not None
            outcome = _OUTCOMES.get(self.trouble.reason_code, "failed")
            yield Moved(outcome, (Reason("not_tried", f"It was not tried: {self.trouble.message}."),))

    def _album(self, plan: AlbumPlan, scan: ScanDb) -> Album:
        """Make the transfer of a plan, with all that recovery would need."""
        assert plan.target is not None
        facts = scan.facts([track.file_id for track in plan.group.tracks])
        transfer_id = str(uuid.uuid4())
        item = new_item(plan, facts, root_uuid=self._staging_uuid, transfer_id=transfer_id, run_id=self._run_id)
        transfer = Transfer(
            id=transfer_id,
            kind="album",
            state="planned",
            src_root=self._between.inbound,
            dst_root=self._between.staging,
            target=plan.target,
            files=tuple(TransferFile(f.source, f.target, f.role, f.identity) for f in plan.files),
            item=item.to_json(),
            fence=self._between.guard.fence,
            boot_id=boot_id(),
            run_id=self._run_id,
            source_folders=source_folders.above(self._folders, [file.source for file in plan.files]),
        )
        return Album(as_mounted(transfer), item)

    def _batch(self, albums: list[tuple[AlbumPlan, Album]]) -> list[Moved]:
        """Move the new albums together; then, one by one, those that change an album staged before."""
        if new := [album for plan, album in albums if plan.kind == "album"]:
            batch = Batch(self._between)
            batch.move(new)
            self.trouble = batch.trouble
        for plan, album in albums:
            if plan.kind != "album":
                self._alone(plan.kind, album)
        return [_moved(plan, album) for plan, album in albums]

    def _alone(self, kind: str, album: Album) -> None:
        """Perform a change of a staged album as recovery would, which knows how to go back."""
        between, at = self._between, utc_now()
        try:
            if self.trouble is not None:
                raise self.trouble
            album.sync_sources(between.guard, between.crew)
            album.transfer = change(between.database, kind, album.transfer, at)
        except (Retryable, NeedsReview, Stopped) as error:
            if isinstance(error, LeaseLost) or error.reason_code == "database_unavailable":
                raise
            album.error = error
            return
        recording = partial(record_item, then=between.then)
        run = Performance(
            between.database, between.guard, recording, at, workers=between.crew.workers, known=between.known
        )
        album.transfer = settle(run, album.transfer)
        if run.trouble is not None and ends_moving(run.trouble):
            self.trouble = run.trouble
        if album.transfer.state not in ("published", "done"):
            album.error = run.trouble
        album.reasons = tuple(run.reasons)


def _moved(plan: AlbumPlan, album: Album) -> Moved:
    if album.error is None:
        logger.bind(transfer=album.transfer.id, target=album.transfer.shown, files=len(plan.files)).info("album staged")
        return Moved(None, album.reasons)
    outcome = _OUTCOMES.get(album.error.reason_code, "failed")
    # elsewhere it may be a path of the other root
    is_ours = outcome == "waiting" or album.error.path in {file.source for file in plan.files}
    path = album.error.path if is_ours else plan.group.home
    return Moved(outcome, (album.error.reason()._replace(path=path),))
