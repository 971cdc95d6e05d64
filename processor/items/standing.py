"""A staged item and its folder → how the folder differs from what the item says, before anything is done to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.errors import NeedsReview
from config.reasons import Reason
from processor.filesystem.files import Tree, is_file, is_folder
from processor.filesystem.paths import relative, within
from processor.items.item import NewItem
from processor.transfers import sidecar
from scanner.identity import same_time, storable_time

OURS: Final = frozenset({sidecar.NAME, sidecar.NAME + b".new"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on disk of a staged album. Paths are relative to its folder."""

    trouble: Reason | None  # why nothing may be done to it: it is not the album the item knows
    strangers: tuple[bytes, ...]  # what is there beside the item's files
    found: Mapping[bytes, os.stat_result]  # all that is there
    edited: tuple[bytes, ...] = ()  # the item's files of its sizes, but of other times


def look_at(tree: Tree, folder: bytes, item: NewItem, told_by: str = "fsck") -> Standing:
    """Compare a folder with what its item says; `told_by` is the command that says more of albums in that root.

    Raises the typed error of what cannot be looked at.
    """
    with tree.explained("look into", folder):
        if not sidecar.is_of(tree, folder, item.transfer_id):
            message = f"{tree.shown(folder)} does not hold the album Greenroom put there; "
            return Standing(Reason("not_as_recorded", f"{message}`greenroom {told_by}` tells more."), (), {})
        found = files_below(tree, folder)
    known = {file.path: file for file in item.files}
    for path, file in known.items():
        if path not in found or not is_file(found[path]) or found[path].st_size != file.size:
            what = "is missing from it" if path not in found else "is not what was put there"
            message = f"{tree.shown(within(folder, path))} {what}; `greenroom {told_by}` tells more."
            return Standing(Reason("not_as_recorded", message), (), found)
    times = {path: storable_time(found[path].st_mtime_ns) for path in known}
    edited = tuple(path for path, file in known.items() if not same_time(file.mtime_ns, times[path]))
    return Standing(None, tuple(sorted(found.keys() - known.keys())), found, edited)


def check(tree: Tree, folder: bytes, item: NewItem, *, alone: bool) -> None:
    """Return if the folder is what its item says; `alone`: and holds nothing else. Raises NeedsReview."""
    standing = look_at(tree, folder, item)
    if standing.trouble is not None:
        raise NeedsReview(standing.trouble.message, code=standing.trouble.code, path=folder)
    if alone and standing.strangers:
        path = within(folder, standing.strangers[0])
        message = f"{tree.shown(path)} is there beside the album, and Greenroom did not put it there; move it elsewhere"
        raise NeedsReview(message, code="strangers", path=path)


def files_below(tree: Tree, folder: bytes) -> Mapping[bytes, os.stat_result]:
    """Return everything below a folder that is no folder, by path, without the sidecar. Raises OSError."""
    below = ((relative(path, folder), found) for path, found in tree.below(folder) if not is_folder(found))
    return {path: found for path, found in below if path not in OURS}
