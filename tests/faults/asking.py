"""A house with staged albums → what people ask for beside publishing and the trash; and how that must end."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

from sqlalchemy import select, update

from config.libraries import sole_library
from config.machine import sync_folder
from processor.artwork.blobs import Blob, Blobs
from processor.artwork.tables import BlobRow
from processor.items import grouping_choices
from tests.faults.cycles import House, lost, music, open_transfers, recovered, tried, wrong_items
from tests.faults.libraries import is_anew, is_published, to_publish, to_publish_anew
from tests.faults.trials import Trial, must
from tests.pictures import jpeg

SECRET, LONG = "phase.notify.webhook_secret", dt.timedelta(days=400)


def to_split(house: House) -> Trial:
    """What is disturbed makes one track of an album another album."""
    (item,) = (item for item in house.items() if len(item["files"]) == 4)
    track = max(os.fsdecode(file["path"]) for file in item["files"] if file["role"] == "audio")
    named = ("--artist", "Nora Vale", "--album", "Engines")
    return Trial(("review", "split", str(item["id"]), track, *named, "--json"), _as_said(house))


def to_merge(house: House) -> Trial:
    """What is disturbed makes two albums one."""
    items = sorted(house.items(), key=lambda item: -len(item["files"]))[:2]
    return Trial(("review", "merge", *(str(item["id"]) for item in items), "--json"), _as_said(house))


def _as_said(house: House) -> Callable[[House], list[str]]:
    return partial(is_as_said, first=str(house.runs()[-1]["id"]), before=len(house.items()))


def is_as_said(house: House, *, first: str, before: int) -> list[str]:
    """Recover, take back what the first run staged, let all of it go: it is staged as was said, if anything was."""
    wrong = [*recovered(house)]
    house.run("undo", first, "--json")  # what was taken back already is refused
    wrong += [*lost(house), *wrong_items(house)]
    wrong += [*tried(house, "undo", first, "--release"), *tried(house, "cycle", "--json")]
    with house.database() as database, database.read() as connection:
        said = grouping_choices.read(connection, sole_library(connection, "inbound").root_uuid)
    wanted = before + {0: 0, 1: -1, 2: 1}[len({choice.album for choice in said.values()})]
    wrong += [] if len(house.items()) == wanted else [f"{len(house.items())} albums, {said}"]
    wrong += [f"left in inbound: {path!r}" for path in music(house.inbound)]
    return [*wrong, *open_transfers(house)]


def to_add(house: House) -> Trial:
    """Forget the library, its mark too; what is disturbed adds it again."""
    must(house, "libraries", "remove", str(house.library))
    assert house.library is not None
    (house.library / ".greenroom-root").unlink()
    return Trial(("libraries", "add", "library", str(house.library)), is_added)


def is_added(house: House) -> list[str]:
    """Recover and add it again, as after a crash; albums are published there."""
    wrong = [*recovered(house), *tried(house, "libraries", "add", "library", str(house.library))]
    return [*wrong, *tried(house, *to_publish(house).command), *is_published(house)]


def to_follow(house: House) -> Trial:
    """Publish all albums, and move the library elsewhere; what is disturbed says where it is now."""
    must(house, *to_publish(house).command)
    assert house.library is not None
    house.library = house.library.rename(house.library.with_name("another disk"))
    sync_folder(house.library.parent)  # a power cut that took the move back would find nothing there, rightly
    return Trial(("libraries", "add", "library", str(house.library)), is_followed)


def is_followed(house: House) -> list[str]:
    """Say it again, as after a crash; what was published there is published there."""
    if house.run("recover", "--json").status:  # where the library was is nothing now
        return ["it could not recover"]
    wrong = [*tried(house, "libraries", "add", "library", str(house.library))]
    return [*wrong, *is_published(house)]


def to_rotate(house: House) -> Trial:
    """Let there be a secret; what is disturbed gives it another key."""
    must(house, "settings", "set", SECRET, "hush")
    return Trial(("secrets", "rotate"), can_be_read)


def can_be_read(house: House) -> list[str]:
    """Read all secrets, and rotate again, as after a crash; no key is left anywhere but in the one file."""
    wrong = [*tried(house, "secrets", "list"), *tried(house, "secrets", "rotate"), *tried(house, "secrets", "list")]
    wrong += [] if len((house.data / "secret.key").read_text().split()) == 1 else ["an old key is kept"]
    left = [path.name for path in house.data.iterdir() if path.name.startswith(".secret.key.")]
    return [*wrong, *(f"keys are in {name}" for name in left), *lost(house)]


def to_export(house: House) -> Trial:
    """Let there be a backup; what is disturbed makes another one in its place."""
    file = str(house.data / "backup.jsonl.gz")
    must(house, "export", file)
    return Trial(("export", file, "--json"), is_whole)


def is_whole(house: House) -> list[str]:
    """Look at the backup, and make it again, as after a crash; nothing is left of what was begun."""
    file = str(house.data / "backup.jsonl.gz")
    wrong = [*tried(house, "import", "--check", file), *tried(house, "export", file)]
    left = [
        path.name
        for path in house.data.iterdir()
        if path.name.startswith((".greenroom-export-", ".greenroom-restore-"))
    ]
    return [*wrong, *tried(house, "import", "--check", file), *(f"left behind: {name}" for name in left)]


def to_collect(house: House) -> Trial:
    """Publish all albums anew, long ago; what is disturbed removes what nobody needs since."""
    must(house, *to_publish_anew(house).command)
    long_ago = dt.datetime.now(dt.UTC) - LONG
    with house.database() as database, database.begin() as connection:
        connection.execute(update(BlobRow).where(BlobRow.released_at.is_not(None)).values(released_at=long_ago))
    return Trial(("gc", "--json"), is_collected)


def is_collected(house: House) -> list[str]:
    """Collect again, as after a crash; what is left is there, and what is published stays published."""
    wrong = [*recovered(house), *tried(house, "gc", "--json"), *_cached(house)]
    return [*wrong, *is_anew(house), *_cached(house)]


def _cached(house: House) -> Iterator[str]:
    yield from _lacking(house)
    known = {blob.sha256 for blob in _known(house)}
    yield from (f"nobody knows {path.name}" for path in house.data.glob("blobs/*/*") if path.stem not in known)


def _lacking(house: House) -> Iterator[str]:
    with house.database() as database:
        cache = Blobs(database, house.data)
        yield from (f"not in the cache: {blob.sha256}" for blob in _known(house) if not cache.is_whole(blob))


def _known(house: House) -> list[Blob]:
    with house.database() as database, database.read() as connection:
        rows = connection.execute(select(BlobRow.sha256, BlobRow.extension, BlobRow.size))
        return [Blob(*row) for row in rows]


def to_give(house: House) -> Trial:
    """What is disturbed gives an album a front of one's own."""
    (item,) = (item["id"] for item in house.items() if len(item["files"]) == 1)
    given = house.folder / "front.jpg"
    given.write_bytes(jpeg(1))
    command = ("pictures", "give", str(item), "front", str(given), "--json")
    return Trial(command, partial(is_given, command=command, item=str(item)))


def is_given(house: House, *, command: tuple[str, ...], item: str) -> list[str]:
    """Give it again, as after a crash; it is on offer once, selected and in the cache, and published with the album."""
    wrong = [*recovered(house), *_lacking(house), *tried(house, *command), *_lacking(house)]
    offered = json.loads(house.run("pictures", "list", item, "--json").out)
    if [(one["type"], one["rank"], one["decision"]) for one in offered] != [("front", 1, "chosen")]:
        return [*wrong, f"on offer: {offered}"]
    wrong += [*tried(house, *to_publish(house).command), *is_published(house)]
    assert house.library is not None
    covers = {sha256(path.read_bytes()).hexdigest() for path in house.library.rglob("cover.jpg")}
    return [*wrong, *([] if offered[0]["sha256"] in covers else [f"covers: {covers}, not {offered}"])]
