"""A house with staged albums of which more is known → files with tags that say so, or not again; how that must end."""

from __future__ import annotations

import datetime as dt
import functools
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF
from processor.retag import WORK
from processor.transfers.hidden import PLAYER_IGNORES, TX
from tests.faults.cycles import TAG, House, lost, music, open_transfers, recovered, tried, wrong_items
from tests.faults.trials import Trial, must


def to_tag(house: House) -> Trial:
    """Know more of all albums; what is disturbed writes that into their files."""
    _know(house)
    house.tagged = tagged_albums()
    return Trial(TAG, is_tagged)


def to_untag(house: House) -> Trial:
    """Have it written; what is disturbed takes the new tags of one album back."""
    must(house, *to_tag(house).command)
    (transfer,) = (item["transfer_id"] for item in house.items() if len(item["files"]) == 4)
    undo = ("undo", str(transfer), "--json")
    return Trial(undo, partial(is_untagged, undo=undo))


@functools.cache
def tagged_albums() -> Mapping[str, bytes]:
    """The three albums with tags that say what `to_tag` says of them, by where they were dropped."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        house = House(Path(folder), workers=1)
        must(house, "cycle", "--json")
        _know(house)
        must(house, *TAG)
        return {place: data for item in house.items() for place, data in _bytes(house, item).items()}


def _know(house: House) -> None:
    with house.database() as database, database.begin() as connection:
        for item in house.items():
            metadata.say(connection, item["id"], ITSELF, "genres", ["Folk"], dt.datetime.now(dt.UTC))


def is_tagged(house: House) -> list[str]:
    """Recover and tag, as after a crash; return what is broken on the way or not as it must be at the end."""
    return [*recovered(house), *tried(house, *TAG), *_settled(house, house.tagged)]


def is_untagged(house: House, *, undo: tuple[str, ...]) -> list[str]:
    """Recover and take them back again, as after a crash; the other albums keep their new tags."""
    wrong = [*recovered(house)]
    ended = house.run(*undo)
    wrong += [f"undo: {ended}"] if ended.status and '"undone_before"' not in ended.out else []
    of_one = {place: data for place, data in house.dropped.items() if place.startswith("Nora Vale")}
    wrong += [*lost(house), *wrong_items(house), *_settled(house, {**house.tagged, **of_one})]
    return [*wrong, *tried(house, *TAG), *_settled(house, house.tagged)]  # and may be given to it again


def _settled(house: House, wanted: Mapping[str, bytes]) -> Iterator[str]:
    """Say which file of an album is not as wanted, what is left over, and what a cycle has to say or to do then."""
    for item in house.items():
        yield from (f"not as wanted: {place}" for place, data in _bytes(house, item).items() if data != wanted[place])
    yield from open_transfers(house)
    for hidden in (TX, WORK):
        folder = house.staging / os.fsdecode(hidden)
        names = {os.fsencode(path.name) for path in folder.iterdir()} if folder.is_dir() else set()
        yield from (f"left in {hidden!r}: {name!r}" for name in names - set(PLAYER_IGNORES))
    ended = house.run("fsck", "--verify", "--json")
    yield from [] if '"findings": []' in ended.out else [f"fsck: {ended}"]
    before = music(house.staging)
    yield from tried(house, "cycle", "--json")
    yield from [] if music(house.staging) == before else ["a cycle changed something"]


def _bytes(house: House, item: Mapping[str, Any]) -> dict[str, bytes]:
    """What the files of an item hold, by where they were dropped."""
    folder = house.staging / os.fsdecode(item["path"])
    return {os.fsdecode(file["source"]): (folder / os.fsdecode(file["path"])).read_bytes() for file in item["files"]}
