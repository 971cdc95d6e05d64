"""A house whose rows, sidecars or folders are not as they should be → repaired, or let go; and how that must end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import delete, update

from processor.tables import StagingItem, TransferRow
from tests.faults.cycles import House, converges, lost, recovered, tried
from tests.faults.libraries import is_published, to_publish
from tests.faults.trials import Trial, must

REPAIR, MEND = ("fsck", "--adopt", "--json"), ("verify", "--all", "--json")
VERIFY = (*REPAIR, "--verify")


def mislay(house: House) -> None:
    """Move one album's folder, forget the row of another, and of a third, whose move waits for a person."""
    by_artist = {item["album_artist"]: item for item in house.items()}
    moved, waiting, forgotten = (by_artist[name] for name in ("Nora Vale", "The Cannery", "雨宮"))
    (house.staging / os.fsdecode(moved["path"])).rename(house.staging / "NV" / "by hand")
    waits = {"state": "attention", "error": "it was interrupted too often"}
    with house.database() as database, database.begin() as connection:
        connection.execute(delete(StagingItem).where(StagingItem.id.in_([waiting["id"], forgotten["id"]])))
        connection.execute(update(TransferRow).where(TransferRow.id == waiting["transfer_id"]).values(waits))


def smudge(house: House) -> None:
    """Damage a sidecar, remove another, and say of the third album that it is missing."""
    items = sorted(house.items(), key=lambda item: str(item["album_artist"]))
    written = [house.staging / os.fsdecode(item["path"]) / "album.greenroom.json" for item in items]
    written[0].write_text("{")
    written[1].unlink()
    with house.database() as database, database.begin() as connection:
        connection.execute(update(StagingItem).where(StagingItem.id == items[2]["id"]).values(status="missing"))


def to_verify(house: House) -> Trial:
    """What is disturbed reads albums that were linked, and learns their digests."""
    return Trial(VERIFY, partial(is_repaired, repair=VERIFY))


def is_repaired(house: House, *, repair: tuple[str, ...] = REPAIR) -> list[str]:
    """Repair again, as after a crash; return what is broken on the way or not as it must be at the end."""
    wrong = [*lost(house), *tried(house, *repair)]
    ended = house.run(*repair)
    wrong += [f"fsck found more: {ended}"] if '"findings": []' not in ended.out else []
    return [*wrong, *converges(house)]


def to_miss(house: House) -> Trial:
    """Take an album's folder out of staging; what is disturbed says that it is missing."""
    take_away(house)
    return Trial(("cycle", "--json"), is_missing)


def to_forget(house: House) -> Trial:
    """The same; what is disturbed lets its row go."""
    gone = take_away(house)
    return Trial(("items", "forget", gone), partial(is_forgotten, gone=gone))


def take_away(house: House) -> str:
    """Move an album's folder out of staging, as a person does who wants it elsewhere; return its item."""
    item = next(item for item in house.items() if item["album_artist"] == "The Cannery")
    house.aside, path = house.folder / "aside", os.fsdecode(item["path"])
    (house.aside / path).parent.mkdir(parents=True)
    shutil.move(house.staging / path, house.aside / path)
    return str(item["id"])


def is_missing(house: House) -> list[str]:
    """Say it again, as after a crash; it is said of that album alone, and no more once its folder is there again."""
    wrong = [*recovered(house)]
    for _ in range(2):
        ended = house.run(*REPAIR)
        wrong += [] if ended.status in (0, 1) and "Traceback" not in ended.err else [f"fsck: {ended}"]
        wrong += _listed(house, ["missing", "pending_review", "pending_review"])
    return [*wrong, *_is_back(house)]


def is_forgotten(house: House, *, gone: str) -> list[str]:
    """Forget it again, as after a crash; the album is listed again once its folder is back."""
    wrong = [*recovered(house)]
    ended = house.run("items", "forget", gone)
    if ended.status and f"there is no item {gone};" not in ended.err:
        wrong.append(f"items forget: {ended}")
    wrong += [*_listed(house, ["pending_review"] * 2), *tried(house, *REPAIR), *tried(house, "cycle", "--json")]
    return [*wrong, *_listed(house, ["pending_review"] * 2), *_is_back(house)]


def _is_back(house: House) -> list[str]:
    """Put the folder that was taken away back where it was; it is as if that had not been."""
    assert house.aside is not None
    (folder,) = (sidecar.parent for sidecar in house.aside.rglob("album.greenroom.json"))
    there = house.staging / folder.relative_to(house.aside)
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, there)
    house.aside = None
    return [*tried(house, *REPAIR), *_listed(house, ["pending_review"] * 3), *is_repaired(house)]


def _listed(house: House, wanted: list[str]) -> Iterator[str]:
    if (found := sorted(item["status"] for item in house.items())) != wanted:
        yield f"items are {found}"


def to_mend(house: House) -> Trial:
    """Publish all albums, and remove or spoil what was written of them; what is disturbed reads all, and mends that."""
    must(house, *to_publish(house).command)
    assert house.library is not None
    written = {path: path.read_bytes() for path in house.library.rglob("*.nfo")}
    for path, data in written.items():
        if path.name == "artist.nfo":
            path.unlink()
            continue
        found = path.stat()
        path.write_bytes(bytes(reversed(data)))
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))  # as a disk does that fails
    return Trial(MEND, partial(is_mended, written=written))


def is_mended(house: House, *, written: Mapping[Path, bytes]) -> list[str]:
    """Read and mend again, as after a crash; all is there as it was, and what is published stays so."""
    wrong = [*recovered(house), *tried(house, *MEND)]
    wrong += [f"not mended: {path}" for path, data in written.items() if not path.exists() or path.read_bytes() != data]
    assert house.library is not None
    wrong += [f"left behind: {path}" for path in house.library.rglob(".greenroom-verify-*")]
    return [*wrong, *is_published(house)]
