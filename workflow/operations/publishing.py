"""Items and the libraries → published, published anew, or taken out again, under the locks; rows and events with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from config.database import Database
from config.errors import Busy, GreenroomError, Misconfigured, NeedsReview, Rejected, Retryable
from config.lease import Guard
from config.leave import StopSignal
from config.libraries import Library, music_libraries, sole_library, verify_root
from config.reasons import Reason, show_path
from processor import publish
from processor.artwork.blobs import Blobs
from processor.moves.move import Performance
from processor.publication import ledger, news, planning
from processor.publication.given import Options, Publishing, known, library_of, selected
from processor.publish import Outcome
from processor.taking_back import TakenBack
from workflow.holding import holding
from workflow.operations.completing import complete
from workflow.operations.published import begun, heal
from workflow.upkeep import OUTWARD, blobs, check_unmoved, performance, settle

T = TypeVar("T")

_LASTING: Final = (NeedsReview, Rejected)  # what keeps one album from being published, and maybe not the next one


def prepare(database: Database, data_dir: Path, options: Options) -> Publishing:
    """Return what publishing works with. Raises Misconfigured when there is no staging library."""
    with database.read() as connection:
        staging = sole_library(connection, "staging")
        found = music_libraries(connection, "library")
    return Publishing(database, staging, found, options, Blobs(database, data_dir), selected)


def roots(given: Publishing, item_id: int) -> list[Library]:
    """Return what publishing an item takes, or taking it out: staging and its library, if that can be told."""
    with suppress(GreenroomError):  # else whoever tries says why not
        return [given.staging, library_of(given, known(given, item_id))]
    return [given.staging]


def publish_item(
    given: Publishing,
    item_id: int,
    stop: StopSignal,
    *,
    actor: str,
    job_id: int | None = None,
    rename: bool = False,
) -> Outcome:
    """Publish an item, or write anew what changed of a published one; its row, history and events say so with it.

    With `rename` what is published gets the names it would get now. Pictures that the cache lost are got again first;
    without those that cannot be had it is published all the same, unless settings say otherwise (Retryable,
    `blob_missing`). Raises what planning does, Busy when somebody else holds a lock, LeaseLost, Retryable when the
    database fails, and RootSilent when a disk hangs in the middle of it: then the next try settles what was begun.
    """
    heal(given.database)
    one = known(given, item_id)
    library = library_of(given, one)
    missing = complete(given.database, given.cache.data_dir, item_id, stop) if given.options.assets else 0
    if missing and given.options.whole:
        message = f"{missing} selected pictures of item {item_id} cannot be had now, and phase.publish.wait_for_assets"
        raise Retryable(f"{message} is on; publish it once they can be had", code="blob_missing")

    def publish_it(run: Performance) -> Outcome:
        planned = planning.plan(given, item_id, actor=actor, job_id=job_id, rename=rename)
        if planned.kind == "upgrade" and planned.transfer is None:
            staged = publish.restage(run, item_id)
            if staged.outcome != "undone":
                raise NeedsReview(staged.reasons[0].message, code=staged.reasons[0].code, path=staged.reasons[0].path)
            planned = planning.plan(given, item_id, actor=actor, job_id=job_id, rename=rename)
        if planned.library != library:
            raise Misconfigured("the rules of publishing changed just now; try again")
        outcome = publish.perform(run, given.cache, planned, begun)
        heal(given.database)
        return outcome

    try:
        outcome = _locked(given, library, one.item.key, f"publish item {item_id}", stop, publish_it)
    except _LASTING:
        _hand_on(given.database, item_id)
        raise
    if isinstance(outcome.trouble, _LASTING):
        _hand_on(given.database, item_id)
    return outcome


def unpublish_item(given: Publishing, item_id: int, stop: StopSignal, *, actor: str) -> TakenBack:
    """Take an item out of its library; it waits for review again. Raises as `publish_item` does."""
    with given.database.read() as connection:
        _, transfer = publish.how_published(connection, item_id)
    library = next((one for one in given.libraries if one.path == transfer.dst_root), None)
    if library is None:
        raise Misconfigured(f"{show_path(transfer.dst_root)} is no library any more; add it again", code="no_library")
    what = f"take item {item_id} out of its library"
    return _locked(given, library, transfer.item["key"], what, stop, lambda run: publish.take_out(run, item_id, actor))


def restage(
    database: Database, data_dir: Path, keys: Collection[str], stop: StopSignal
) -> dict[str, tuple[Reason, ...]]:
    """Put the files of published items back into staging, which the caller holds; return why not, of those it is not.

    Raises LeaseLost, and Retryable when the database fails.
    """
    with database.read() as connection:
        homes = {key: ledger.home_of(connection, key) for key in keys}
        found = {library.root_uuid: library for library in music_libraries(connection, "library")}
    refused: dict[str, tuple[Reason, ...]] = {}
    for key, home in homes.items():
        library = found.get(home.root_uuid) if home else None
        if home is None or library is None:
            continue
        try:
            verify_root(library)
            bring_back = partial(_bring_back, database, blobs(database, data_dir), home.item_id)
            done = holding(database, [library], f"stage item {home.item_id} again", stop, bring_back)
        except (Busy, Misconfigured, NeedsReview) as error:
            refused[key] = (error.reason(),)
        else:
            if done.outcome != "undone":
                refused[key] = done.reasons
    return refused


def _locked(
    given: Publishing, library: Library, key: str, what: str, stop: StopSignal, work: Callable[[Performance], T]
) -> T:
    """Do work on the album of a key under the locks of a library and staging, with everything between them settled."""

    def do(guard: Guard) -> T:
        settle(given.database, given.staging, library, given.blobs, guard)
        heal(given.database)
        check_unmoved(given.database, key, but=OUTWARD)
        return work(performance(given.database, guard, given.blobs))

    for root in (given.staging, library):
        verify_root(root)
    return holding(given.database, [library, given.staging], what, stop, do)


def _hand_on(database: Database, item_id: int) -> None:
    with database.begin() as connection:
        news.hand_on(connection, item_id, dt.datetime.now(dt.UTC))


def _bring_back(database: Database, cache: bytes, item_id: int, guard: Guard) -> TakenBack:
    return publish.restage(performance(database, guard, cache), item_id)
