"""Album folders and items → which belongs to which. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from processor.fsck.disk import Folder, Listed
from processor.fsck.rows import Row
from processor.fsck.sighting import Sighting
from processor.transfers.transfer import path_from_json
from scanner.identity import same_time

NOT_STAGED: Final = frozenset({"publishing", "published", "quarantined", "conflict"})  # not in staging, by intent


@dataclass(slots=True)
class Ownership:
    """Which item each album folder belongs to, and which folders belong to none."""

    of_folder: dict[bytes, Row] = field(default_factory=dict)
    contested: dict[bytes, list[Row]] = field(default_factory=dict)  # several could be meant
    by_key: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))  # folders without an item


def staged(sighting: Sighting) -> Iterator[Row]:
    """Yield the items whose folder should be in staging; one whose root is no library any more may be there, too.

    A published album that was not moved may be there and may not: if it is, it is compared.
    """
    for row in sighting.items:
        still_there = row.status == "published" and row.path in sighting.disk.albums
        if (row.status not in NOT_STAGED or still_there) and row.root_uuid not in sighting.others:
            yield row


def ownership(sighting: Sighting) -> Ownership:
    """Give each album folder the item that it belongs to, if there is one."""
    owned = Ownership()
    claims: defaultdict[bytes, list[Row]] = defaultdict(list)
    for row in staged(sighting):
        if row.root_uuid == sighting.staging:
            claims[row.path].append(row)
    moves = [standing.transfer for standing in sighting.left.moves]
    moving = {id for move in moves for id in (move.id, move.undoes)}
    places = {move.target for move in moves} | {
        path_from_json(move.before["path"]) for move in moves if move.before and move.src_root == move.dst_root
    }
    for path, folder in sighting.disk.albums.items():
        owner = _owner(folder, claims[path])
        if owner is not None:
            owned.of_folder[path] = owner
        elif folder.told is None and claims[path]:
            owned.contested[path] = claims[path]
        elif folder.told is not None and folder.told.transfer_id not in moving and path not in places:
            owned.by_key[folder.told.key].append(path)
    return owned


def _owner(folder: Folder, claims: list[Row]) -> Row | None:
    """Return the item a folder belongs to: the one its sidecar names, or else the only one it can be."""
    told = folder.told
    if told is not None:
        ours = [row for row in claims if row.key == told.key] or [
            r for r in claims if r.transfer_id == told.transfer_id
        ]
    else:
        ours = claims if len(claims) == 1 else [row for row in claims if fits(row.files, folder)]
    return ours[0] if len(ours) == 1 else None


def fits(files: tuple[Listed, ...], folder: Folder) -> bool:
    """Tell whether all files are there, as far as size and time tell; whoever has a digest will be read anyway."""
    for file in files:
        found = folder.files.get(file.path)
        if found is None or found.size != file.size:
            return False
        if file.digest is None and not same_time(file.mtime_ns, found.mtime_ns):
            return False
    return bool(files)
