"""A house with staged albums → put into the trash by a person, restored, gone for good; and how that must end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from sqlalchemy import or_, select

from processor.tables import TransferRow
from processor.transfers.hidden import PLAYER_IGNORES
from processor.transfers.trash import TRASH
from tests.faults.cycles import House, open_transfers, recovered, tried
from tests.faults.libraries import is_published, to_exchange
from tests.faults.trials import Trial, must

EMPTY = ("trash", "empty", "--older-than", "0", "--json")


def to_trash(house: House) -> Trial:
    """What is disturbed puts all albums into the trash."""
    return Trial(("review", "trash", *_numbers(house), "--json"), is_trashed)


def to_restore(house: House) -> Trial:
    """Put all albums into the trash; what is disturbed restores one."""
    must(house, *to_trash(house).command)
    return Trial(("trash", "restore", in_trash(house)[0], "--json"), is_restored)


def to_empty(house: House) -> Trial:
    """Put all albums but one into the trash; what is disturbed removes them for good."""
    kept, *others = house.items()
    must(house, "review", "trash", *(str(item["id"]) for item in others), "--json")
    owned = {os.fsdecode(file["source"]) for file in kept["files"]}
    house.dropped = {place: data for place, data in house.dropped.items() if place in owned}
    return Trial(EMPTY, is_empty)


def to_empty_library(house: House) -> Trial:
    """Let an album with late tracks take the place of the published one; what is disturbed removes that for good."""
    must(house, *to_exchange(house).command)
    return Trial(EMPTY, is_empty_and_published)


def in_trash(house: House) -> list[str]:
    """The transfers whose albums lie in the trash."""
    ended = house.run("trash", "list", "--json")
    assert ended.status == 0, ended
    return sorted(row["transfer"] for row in json.loads(ended.out))


def is_trashed(house: House) -> list[str]:
    """Recover and go on, as after a crash; return what is broken on the way or not as it must be at the end."""
    count = len({place.partition("/")[0] for place in house.dropped})
    wrong = [*recovered(house)]
    if left := _numbers(house):
        wrong += tried(house, "review", "trash", *left, "--json")
    wrong += [f"still listed: {items}"] if (items := house.items()) else []
    wrong += [] if len(there := in_trash(house)) == count else [f"in the trash: {there}"]
    return [*wrong, *_settled(house)]


def is_restored(house: House) -> list[str]:
    """The same; in the end all albums are back."""
    count = len({place.partition("/")[0] for place in house.dropped})
    wrong = [*recovered(house)]
    for transfer in in_trash(house):
        wrong += tried(house, "trash", "restore", transfer, "--json")
    wrong += [] if len(house.items()) == count else [f"listed: {house.items()}"]
    wrong += [f"in the trash: {there}"] if (there := in_trash(house)) else []
    return [*wrong, *_settled(house)]


def is_empty(house: House) -> list[str]:
    """Recover and run a cycle, as after a crash, and empty it again; nothing is left of it, and no row waits for it."""
    wrong = [*recovered(house), *tried(house, "cycle", "--json")]
    wrong += [f"half removed: {name}" for name in _lying(house) if name.endswith(".going")]
    wrong += [*tried(house, *EMPTY), *(f"in the trash: {name}" for name in _lying(house)), *open_transfers(house)]
    with house.database() as database, database.read() as connection:
        waits = or_(TransferRow.trash_seconds.is_(None), TransferRow.trash_seen_at.is_not(None))
        put = TransferRow.kind.in_(("discard", "upgrade")), TransferRow.state == "done"
        wrong += [f"its row waits: {id}" for id in connection.scalars(select(TransferRow.id).where(*put, waits))]
    return wrong


def is_empty_and_published(house: House) -> list[str]:
    """The same of the trash of a library, whose albums stay."""
    return [*is_empty(house), *is_published(house)]


def _lying(house: House) -> list[str]:
    there = [root / os.fsdecode(TRASH) for root in house.roots]
    names = [path.name for folder in there if folder.is_dir() for path in folder.iterdir()]
    return [name for name in names if os.fsencode(name) not in PLAYER_IGNORES]


def _numbers(house: House) -> list[str]:
    return [str(item["id"]) for item in house.items()]


def _settled(house: House) -> Iterator[str]:
    """Say what is left over, and what a cycle changes that has nothing to do."""
    yield from open_transfers(house)
    before = _numbers(house), in_trash(house)
    yield from tried(house, "cycle", "--json")
    if (_numbers(house), in_trash(house)) != before:
        yield "a further cycle changed something"
    yield from (f"left in inbound: {path}" for path in house.inbound.iterdir() if path.name != ".greenroom-root")
