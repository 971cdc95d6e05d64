"""A house with a library, all albums approved → published, published anew or taken out; and how that must end."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator

from processor.filesystem.fitness import PROBE
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF
from processor.publication import ledger
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.trash import TRASH
from tests.faults.cycles import House, late_tracks, lost, music, open_transfers, recovered, tried, wrong_items
from tests.faults.trials import Trial, must

EDIT, CYCLE = "<mood>mine</mood>", ("cycle", "--json")


def to_publish(house: House) -> Trial:
    """Approve all albums; what is disturbed is their publication."""
    for item in house.items():
        must(house, "review", "approve", str(item["id"]))
    return Trial(("publish", "--approved", "--json"), is_published)


def to_publish_anew(house: House) -> Trial:
    """Publish all albums, edit an NFO of each, and say something else of them; what is disturbed writes that."""
    must(house, *to_publish(house).command)
    assert house.library is not None
    for nfo in house.library.rglob("album.nfo"):
        nfo.write_text(nfo.read_text().replace("</album>", f"  {EDIT}\n</album>"))
    with house.database() as database, database.begin() as connection:
        for item in house.items():
            metadata.say(connection, item["id"], ITSELF, "genres", ["Folk"], dt.datetime.now(dt.UTC))
    return Trial(_publish(house), is_anew)


def to_take_out(house: House) -> Trial:
    """Publish all albums; what is disturbed takes them out again."""
    must(house, *to_publish(house).command)
    return Trial((*_publish(house), "--undo"), is_out)


def to_rename(house: House) -> Trial:
    """Publish all albums and want other names; what is disturbed gives them those."""
    must(house, *to_publish(house).command)
    must(house, "settings", "set", "phase.publish.folder", "{album_artist}/{album} ({year})")
    return Trial((*_publish(house), "--rename"), is_published)


def to_join(house: House) -> Trial:
    """Publish all albums, and drop late tracks of one; what is disturbed stages it again, and lets them join it."""
    must(house, *to_publish(house).command)
    house.drop(late_tracks())
    return Trial(CYCLE, has_joined)


def to_exchange(house: House) -> Trial:
    """Let late tracks join a published album, and approve it; what is disturbed puts it in the place of the other."""
    must(house, *to_join(house).command)
    _approve(house)
    return Trial(_publish(house), is_published)


def _approve(house: House) -> None:
    for item in house.items():
        if item["status"] == "pending_review":
            must(house, "review", "approve", str(item["id"]))


def _publish(house: House) -> tuple[str, ...]:
    return ("publish", *(str(item["id"]) for item in house.items()), "--json")


def has_joined(house: House) -> list[str]:
    """Recover and run a cycle, as after a crash, then approve and publish what waits; return what is wrong."""
    wrong = [*recovered(house), *tried(house, *CYCLE)]
    wrong += [f"left in inbound: {path!r}" for path in music(house.inbound)]
    _approve(house)
    return [*wrong, *is_published(house)]


def is_published(house: House) -> list[str]:
    """Recover and publish, as after a crash; return what is broken on the way or not as it must be at the end."""
    wrong = [*recovered(house)]
    for outcomes in ({"published", "refreshed", "upgraded", "unchanged"}, {"unchanged"}):
        ended = house.run(*_publish(house))
        if ended.status or not {one["outcome"] for one in json.loads(ended.out)} <= outcomes:
            wrong.append(f"publish ended with {ended.status}: {ended.out} {ended.err}")
        wrong += [*lost(house), *wrong_items(house)]
    return [*wrong, *_settled(house, "published")]


def is_anew(house: House) -> list[str]:
    """The same; every edit is still there, and what was said since."""
    wrong = is_published(house)
    assert house.library is not None
    for nfo in house.library.rglob("album.nfo"):
        if EDIT not in nfo.read_text() or "<genre>Folk</genre>" not in nfo.read_text():
            wrong.append(f"{nfo} says {nfo.read_text()}")
    return wrong


def is_out(house: House) -> list[str]:
    """Recover and take out, as after a crash; return what is broken on the way or not as it must be at the end."""
    wrong = [*recovered(house)]
    ended = house.run(*_publish(house), "--undo")
    refused = {reason["code"] for one in json.loads(ended.out) for reason in one["reasons"]} - {"not_published"}
    wrong += [f"publish --undo: {ended.out} {ended.err}"] if refused else []
    assert house.library is not None
    wrong += [f"left in the library: {path!r}" for path in music(house.library)]
    return [*wrong, *lost(house), *wrong_items(house), *_settled(house, "pending_review")]


def _settled(house: House, status: str) -> Iterator[str]:
    """Say what is left over, and what ledger and library do not agree about."""
    assert house.library is not None
    yield from open_transfers(house)
    with house.database() as database, database.read() as connection:
        entries = {entry.path: entry for entry in ledger.entries(connection)}
    # A probe that was killed is taken away by one of another hour.
    there = {path: data for path, data in music(house.library).items() if not path.startswith((TRASH + b"/", PROBE))}
    yield from (f"the ledger does not know {path!r}" for path in there.keys() - entries.keys())
    for path, entry in entries.items():
        if entry.role != "sidecar" and len(there.get(path, b"?" * (entry.size + 1))) != entry.size:
            yield f"the ledger says otherwise of {path!r}"
    for root in house.roots:
        hidden = root / os.fsdecode(TX)
        names = {os.fsencode(path.name) for path in hidden.iterdir()} if hidden.is_dir() else set()
        yield from (f"left in the transfer folder: {name!r}" for name in names - set(PLAYER_IGNORES))
    yield from (f"item {one['id']} is {one['status']}" for one in house.items() if one["status"] != status)
    ended = house.run("cycle", "--json")
    if ended.status or json.loads(ended.out)["status"] != "done":
        yield f"cycle: {ended.status} {ended.out} {ended.err}"
