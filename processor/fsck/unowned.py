"""Folders in staging that no item owns → what they are, and which of them can be adopted. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from processor.filesystem.paths import within
from processor.fsck.disk import Told
from processor.fsck.finding import Adopt, Finding, some
from processor.fsck.ownership import NOT_STAGED, Ownership, fits, staged
from processor.fsck.sighting import Sighting


def explain(sighting: Sighting, owned: Ownership) -> Iterator[Finding]:
    """Explain every folder that is no item's, or that several items claim."""
    yield from _contested(owned)
    yield from _unlisted(sighting, owned)
    yield from _strays(sighting)


def _unlisted(sighting: Sighting, owned: Ownership) -> Iterator[Finding]:
    """Explain album folders that no item owns."""
    moved_to = {row.key for row in staged(sighting) if owned.of_folder.get(row.path) is not row}
    elsewhere = {row.key for row in sighting.items if row.status in NOT_STAGED}
    elsewhere |= sighting.known.keys() - {row.key for row in sighting.items}  # somebody works on them just now
    published = _published_elsewhere(sighting)
    for key, paths in owned.by_key.items():
        if key in published:
            message = (
                f"Item {published[key]} counts as published, and its album is here, as after restoring an older "
                f"database. If it is in no library any more, run `greenroom items forget {published[key]}`, then this "
                "with --adopt; else move the folder to inbound, and the next cycle compares it with what is published."
            )
            yield Finding("published_here", message, tuple(paths), published[key])
            continue
        if key in elsewhere or key in moved_to:
            continue  # the item explains it
        if key in sighting.known:
            message = (
                f"This is another copy of the album of item {sighting.known[key]}; remove the one you do not want."
            )
            yield Finding("copied_folder", message, tuple(paths), sighting.known[key])
            continue
        at_home = [path for path in paths if _told(sighting, path).target == path]
        chosen = paths if len(paths) == 1 else at_home
        yield from (_adoptable(sighting, path, path in chosen, len(paths)) for path in paths)
    for path, folder in sighting.disk.albums.items():
        if folder.trouble and path not in owned.of_folder and path not in owned.contested:
            message = f"This folder is no item's, and its sidecar cannot be read: {folder.trouble}. Move it to inbound."
            yield Finding("unknown_folder", message, (path,))


def _published_elsewhere(sighting: Sighting) -> dict[str, int]:
    """Return the items that are in libraries alone, and that no unsettled transfer is about, by their keys."""
    left = (standing.transfer for standing in sighting.left.moves)
    moving = {said.get("key") for transfer in left for said in (transfer.item, transfer.before or {})}
    there = (row for row in sighting.items if row.status == "published" and row.root_uuid != sighting.staging)
    return {row.key: row.id for row in there if row.key not in moving}


def _told(sighting: Sighting, path: bytes) -> Told:
    told = sighting.disk.albums[path].told
    assert told is not None
    return told


def _adoptable(sighting: Sighting, path: bytes, chosen: bool, copies: int) -> Finding:
    folder, told = sighting.disk.albums[path], _told(sighting, path)
    if not told.key or not chosen:
        why = f"{copies} folders have it" if told.key else "it does not say which album it is"
        return Finding("unlisted_album", f"No row lists this album, and its sidecar is not enough: {why}.", (path,))
    if not fits(told.files, folder):
        wrong = [f.path for f in told.files if not fits((f,), folder)]
        message = f"No row lists this album, and of its files these are missing or changed: {some(wrong)}. "
        message += "Put them back and run this again, or move the folder to inbound as it is."
        return Finding("unlisted_album", message, tuple(within(path, name) for name in wrong))
    message = "No row lists this album, as after restoring an older database; its sidecar can tell it all."
    return Finding("unlisted_album", message, (path,), repair=Adopt(path))


def _contested(owned: Ownership) -> Iterator[Finding]:
    for path, rows in owned.contested.items():
        ids = ", ".join(str(row.id) for row in rows)
        message = (
            f"Items {ids} all name this folder, and it has no sidecar that tells whose it is. Move it to inbound, "
        )
        yield Finding("listed_twice", message + "and use `greenroom items forget` for each of them.", (path,))


def _strays(sighting: Sighting) -> Iterator[Finding]:
    for folder, count in sorted(sighting.disk.strays.items()):
        message = f"Files in no album we know, and left alone: {count}. Move what is music to inbound."
        yield Finding("unknown_folder", message, (folder,))
