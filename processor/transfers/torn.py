"""A folder that was renamed on some branches of a pool only → renamed on all: what is left joins it, file by file.

mergerfs renames a folder that lies on several branches on each in turn. Where it dies in between, or the machine does,
a part of the album has its new place and the other one the old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import relative, way_to, within
from processor.filesystem.renaming import rename_file
from processor.transfers import sidecar


def mend(tree: Tree, old: bytes, new: bytes, files: Iterable[bytes], check: Callable[[str], None]) -> None:
    """Finish the rename of an album of these files that was torn; do nothing about any other. Repeatable.

    `check` is the guard's. The caller checks and syncs the whole then. Raises OSError; every file has one of its two
    names.
    """
    if not is_torn(tree, old, new, files):
        return
    for path, found in [*tree.below(old)]:
        check("mend")
        if is_folder(found):
            tree.rmdir(path)
        else:
            _rename(tree, path, within(new, relative(path, old)))
    check("mend folder")
    tree.rmdir(old)


def is_torn(tree: Tree, old: bytes, new: bytes, files: Iterable[bytes]) -> bool:
    """Tell whether either folder has of an album what the other lacks, which is not so if one is somebody else's."""
    if not (is_folder(tree.stat(old)) and is_folder(tree.stat(new))):
        return False
    names = {*files, sidecar.NAME}
    left, gone = ({name for name in names if tree.stat(within(folder, name)) is not None} for folder in (old, new))
    return bool(left and gone) and not left & gone and left | gone == names


def _rename(tree: Tree, path: bytes, place: bytes) -> None:
    for folder in way_to(place):
        tree.make(folder)
    rename_file(tree, path, place)
