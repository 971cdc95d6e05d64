"""A plan → an album in a library, whole, with pictures and NFO; or those anew; or the album taken out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import GreenroomError, Misconfigured, NeedsReview
from config.reasons import Reason
from processor.artwork.blobs import Blobs
from processor.filesystem.files import Tree
from processor.filesystem.paths import relative
from processor.moves.move import Performance
from processor.publication import ledger, news, recording
from processor.publication.drafting import Plan
from processor.publication.intent import Gone, intent_of, with_intent
from processor.publication.ledger import Publication
from processor.publication.writing import sha256_at
from processor.settle import settle
from processor.taking_back import TakenBack, rehearse, take_back
from processor.taking_back import restage as bring_back
from processor.transfers import journal
from processor.transfers.transfer import Transfer, path_to_json


class Outcome(NamedTuple):
    """What became of one item."""

    plan: Plan
    outcome: Literal["published", "upgraded", "refreshed", "unchanged", "failed"]
    reasons: tuple[Reason, ...] = ()
    trouble: GreenroomError | None = None  # what kept it from being done


_DONE: Final[Mapping[str, Literal["published", "upgraded", "refreshed"]]] = {
    "publish": "published", "upgrade": "upgraded", "refresh": "refreshed"
}  # fmt: skip


def perform(run: Performance, cache: Blobs, planned: Plan, begun: Callable[[Connection, Transfer], object]) -> Outcome:
    """Carry a plan out under the lock of both roots; `begun` is called in the transaction that journals it.

    Raises LeaseLost, and Retryable when the database fails; both leave what was begun to recovery.
    """
    if planned.transfer is None:
        with run.database.begin() as connection:
            news.caught_up(connection, planned.item_id, planned.news_at)
        return Outcome(planned, "unchanged", planned.reasons)
    for (_, ext), data in planned.texts.items():
        run.guard.check("keep blob")
        cache.put(data, ext, run.now)
    transfer = replace(planned.transfer, fence=run.guard.fence)
    run.guard.check("commit planned")
    with run.database.begin() as connection:
        recording.hold(connection, intent_of(transfer), run.now)
        begun(connection, transfer)
        journal.plan(connection, [transfer], run.now)
    told = len(run.reasons)
    settled = settle(run, transfer)
    log = logger.bind(item=planned.item_id, transfer=transfer.id, state=settled.state, error=settled.error)
    log.info("album published" if settled.state == "done" else "album not published")
    reasons = (*planned.reasons, *run.reasons[told:])
    if settled.state != "done":
        if run.trouble is not None and run.trouble.reason() not in reasons:
            reasons = (*reasons, run.trouble.reason())
        return Outcome(planned, "failed", reasons, run.trouble)
    return Outcome(planned, _DONE[planned.kind], reasons)


def how_published(connection: Connection, item_id: int) -> tuple[Publication, Transfer]:
    """Return where an item is published, and the transfer that did it.

    Raises Misconfigured `not_published`, and NeedsReview for one that the journal does not know any more.
    """
    home = ledger.publication(connection, item_id)
    if home is None:
        raise Misconfigured(f"item {item_id} is not published", code="not_published")
    found = journal.named(connection, home.transfer_id)
    if not found:
        message = f"the journal does not know any more how item {item_id} was published; remove its folder by hand"
        raise NeedsReview(message, code="unknown_transfer")
    return home, found[0]


def to_take_back(database: Database, item_id: int) -> Transfer:
    """Return the transfer that published an item, which knows all that Greenroom made for it since. Reads only.

    Raises what `how_published` does.
    """
    with database.read() as connection:
        home, transfer = how_published(connection, item_id)
        entries = ledger.entries(connection, item_id=item_id)
        if home.artist is not None and len(ledger.publications(connection, home.root_uuid, home.artist)) == 1:
            entries += ledger.entries(connection, artist=home.artist, root_uuid=home.root_uuid)
    made = [Gone(entry.path, entry.alone) for entry in entries if entry.alone]
    with Tree(transfer.dst_root) as tree, tree.explained("look into", transfer.target):
        same = [one for one in made if sha256_at(tree, one.path) in (None, one.sha256)]
    inside = [relative(one.path, home.path) for one in same if one.path.startswith(home.path + b"/")]
    whole = with_intent(transfer, replace(intent_of(transfer), gone=tuple(same), artist=home.artist))
    return replace(whole, item={**whole.item, "files": [{"path": path_to_json(path)} for path in inside]})


def rehearse_taking_back(database: Database, item_id: int) -> TakenBack:
    """Say what taking an item out of its library would come to. Raises what `to_take_back` does."""
    return rehearse(database, to_take_back(database, item_id))


def restage(run: Performance, item_id: int) -> TakenBack:
    """Put an item's files back into staging and leave its library as it is, under the lock of both; as `take_out`."""
    transfer = to_take_back(run.database, item_id)
    intent = replace(intent_of(transfer), actor="cycle", job_id=None)
    return bring_back(run, with_intent(transfer, intent))


def take_out(run: Performance, item_id: int, actor: str) -> TakenBack:
    """Take an item out of its library, under the lock of both roots. Raises what `to_take_back` and `take_back` do."""
    transfer = to_take_back(run.database, item_id)
    return take_back(run, with_intent(transfer, replace(intent_of(transfer), actor=actor, job_id=None)))
