"""An approved item and a library → what publishing it would come to: for the first time, anew, or in its own place.

Reads only: a dry run shows the plan, processor.publish performs it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from config.errors import NeedsReview
from config.libraries import verify_root
from config.machine import boot_id
from processor.filesystem.files import Tree
from processor.items.item import NewItem
from processor.publication import laying, ledger
from processor.publication.drafting import Draft, Plan
from processor.publication.given import Publishing, known, library_of
from processor.publication.intent import Intent
from processor.publication.laying import Standing
from processor.publication.ledger import Entry
from processor.transfers import journal
from processor.transfers.transfer import Transfer


def plan(
    given: Publishing, item_id: int, *, actor: str = "chain", job_id: int | None = None, rename: bool = False
) -> Plan:
    """Look, and decide what there is to do; with `rename` names are given anew to what is published.

    An upgrade without a transfer is one for which the item has to be staged again first. Raises NeedsReview where a
    person has to decide first (`not_approved`, `target_exists`, `not_as_recorded`, `music_changed`), Misconfigured for
    a library that is not there, and what the disks raise.
    """
    one = known(given, item_id)
    library, home = library_of(given, one), one.publication
    verify_root(library)
    start = Transfer(
        str(uuid.uuid4()), "publish", "planned", given.staging.path, library.path, b"", (), {}, 0, boot_id(),
        before=one.item.to_json(),
    )  # fmt: skip
    intent = Intent(
        item_id, one.revision, library.root_uuid, given.options.mode, actor=actor, job_id=job_id,
        access=given.options.access, artist=one.artist_key,
        news_at=home and home.news_at,
    )  # fmt: skip
    draft = Draft(given, one, library, start, intent)
    if home is None:
        return draft.whole(None, Standing())
    with given.database.read() as connection:
        entries = ledger.entries(connection, item_id=item_id)
        brought = journal.named(connection, home.transfer_id)
    is_same = _is_same_music(one.item, entries, brought)
    if is_same and not (rename and draft.is_misnamed(home)):
        return draft.again(home, entries)
    if not is_same and not draft.is_staged:
        message = (
            f"the music of item {item_id} is other than what was published; take that back with `greenroom publish "
            f"--undo {item_id}`, and publish it again"
        )
        raise NeedsReview(message, code="music_changed")
    with Tree(library.path) as tree:
        there = laying.look(tree, home, entries)
    if is_same and not draft.is_misnamed(home, there.others):
        return draft.again(home, entries)  # what it would be called somebody else has
    return draft.whole(home, there, rename=rename)


def _is_same_music(item: NewItem, entries: Sequence[Entry], brought: Sequence[Transfer]) -> bool:
    """Tell whether an item has the music that was published, by the sizes there, and by what it said of it then.

    New tags fit into the room of the old ones, so that nothing but the time of the file tells of them.
    """
    there = sorted(entry.size for entry in entries if entry.role == "audio")
    then = [NewItem.from_json(transfer.before) for transfer in brought if transfer.before]
    same_size = there == [size for size, _ in _music(item)]
    return same_size and all(_music(one) == _music(item) for one in then)


def _music(item: NewItem) -> list[tuple[int, int]]:
    return sorted((file.size, file.mtime_ns) for file in item.files if file.role == "audio")
