"""An item and its folder → what of it is missing, changed or strange, and what is provable. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Literal

from config.reasons import show_path
from processor.filesystem.paths import within
from processor.fsck.disk import Folder, Listed, Told
from processor.fsck.finding import Adopt, Finding, Follow, Learn, MarkFound, MarkMissing, WriteSidecar, some
from processor.fsck.ownership import Ownership, fits
from processor.fsck.rows import MISSING, Row
from processor.fsck.sighting import UNREAD, Sighting
from processor.transfers import sidecar
from scanner.identity import same_time

Shape = Literal["whole", "changed", "damaged", "missing", "closed", "unread"]
# What is wrong with files, and what a person can do.
_ODD: Final[dict[Shape, tuple[str, str]]] = {
    "missing": (
        "file_missing",
        "Missing: {some}, {n} of {of} files. Put back what is missing; or, if the album is right as it is, move "
        "its folder to inbound, run `greenroom items forget {id}`, and let the next cycle stage it as it is now; or, "
        "if it is not wanted, remove its folder and run that.",
    ),
    "changed": (
        "file_changed",
        "Not as staged: {some}, {n} of {of} files. Put back what was there; or, if the change is wanted, move the "
        "folder to inbound, run `greenroom items forget {id}`, and let the next cycle stage it as it is now.",
    ),
    "unread": (
        "unreadable",
        "Not readable: {some}, {n} of {of} files. Give the user Greenroom runs as the right to, or check the disk.",
    ),
    "damaged": (
        "file_damaged",
        "Other bytes than were staged, though nobody wrote to them: {some}, {n} of {of} files. Put back what was there "
        "from a backup, and check the disk.",
    ),
}


def compare(sighting: Sighting, owned: Ownership, row: Row) -> Iterator[Finding]:
    """Compare one item with its folder."""
    folder = sighting.disk.albums.get(row.path)
    if row.root_uuid == sighting.staging and sighting.disk.is_closed(row.path):
        return  # what cannot be seen is reported once, and nothing is concluded from it
    if row.path in owned.contested and row in owned.contested[row.path]:
        return
    if folder is None or owned.of_folder.get(row.path) is not row:
        yield _elsewhere(sighting, owned, row)
        return
    shapes = {file: _shape(sighting, row, file, folder) for file in row.files}
    told = folder.told
    if told is not None and fits(told.files, folder) and _knows_more(told, row, shapes):
        message = "Its sidecar tells of this folder as it is, its row does not, as after restoring an older database."
        yield Finding("row_outdated", message, (row.path,), row.id, Adopt(row.path))
        return
    if not row.files or sum(file.size for file in row.files) != row.size:
        message = "Its row does not have all its files, and no sidecar tells of this folder as it is. Move the folder "
        message += f"to inbound, run `greenroom items forget {row.id}`, and let the next cycle stage it."
        yield Finding("row_incomplete", message, (row.path,), row.id)
        return
    yield from _odd_files(row, shapes)
    yield from _foreign(row, folder)
    if set(shapes.values()) == {"whole"}:
        yield from _well(sighting, row, folder)


def _shape(sighting: Sighting, row: Row, file: Listed, folder: Folder) -> Shape:
    found = folder.files.get(file.path)
    path = within(row.path, file.path)
    if found is None:
        return "closed" if sighting.disk.is_closed(path) else "missing"
    if found.size != file.size:
        return "changed"
    digest = sighting.digests.get((row.id, file.path))
    has_its_time = same_time(file.mtime_ns, found.mtime_ns)
    if digest is None:
        return "whole" if has_its_time else "changed"
    if digest == UNREAD:
        return "unread"
    if file.digest in (None, digest):
        return "whole"
    return "damaged" if has_its_time else "changed"


def _knows_more(told: Told, row: Row, shapes: dict[Listed, Shape]) -> bool:
    """Tell whether a sidecar that fits the folder explains files that the row does not have, or has otherwise.

    It fits by size alone where it has a digest; what it says of a wrong file as the row does explains nothing.
    """
    there = {file.path: file for file in told.files}
    wrong = [file for file, shape in shapes.items() if shape in ("missing", "changed")]
    if "damaged" in shapes.values() or any(_same(there.get(file.path), file) for file in wrong):
        return False
    return bool(wrong) or there.keys() > {file.path for file in row.files}


def _elsewhere(sighting: Sighting, owned: Ownership, row: Row) -> Finding:
    """Explain an item whose folder is not at its path: moved within staging, or gone."""
    places = owned.by_key.get(row.key, [])
    fitting = [path for path in places if fits(row.files, sighting.disk.albums[path])]
    if len(fitting) == 1:
        message = f"Its folder stands at {show_path(fitting[0])} now, with every file."
        return Finding("folder_moved", message, (row.path, fitting[0]), row.id, Follow(row.id, fitting[0]))
    if places:
        message = (
            f"Its folder is not there; {some(places)} may be it, but which, or with all its files, cannot be told. "
            "Put it back as it was; then run this again."
        )
        return Finding(MISSING, message, (row.path, *places), row.id, _marked(row))
    if row.root_uuid != sighting.staging:
        message = "It is in a root that is no library any more. Add that root again, or let its row go with "
        return Finding("unknown_root", f"{message}`greenroom items forget {row.id}`.", (row.path,), row.id, root=b"")
    taken = owned.of_folder.get(row.path)
    why = f"its place belongs to item {taken.id}" if taken else "its folder is not there"
    message = (
        f"The album is missing: {why}. Put it back (where an older database was restored: from a library, or from "
        f"the trash), or let its row go with `greenroom items forget {row.id}`."
    )
    return Finding(MISSING, message, (row.path,), row.id, _marked(row))


def _marked(row: Row) -> MarkMissing | None:
    return None if row.status == MISSING else MarkMissing(row.id)


def _odd_files(row: Row, shapes: dict[Listed, Shape]) -> Iterator[Finding]:
    by_shape: defaultdict[Shape, list[Listed]] = defaultdict(list)
    for file, shape in shapes.items():
        by_shape[shape].append(file)
    for shape, (code, sentence) in _ODD.items():
        if files := by_shape[shape]:
            paths = [file.path for file in files]
            message = sentence.format(n=len(paths), of=len(shapes), some=some(paths), id=row.id)
            repair = _marked(row) if shape == "missing" else None
            yield Finding(code, message, tuple(within(row.path, path) for path in paths), row.id, repair)


def _foreign(row: Row, folder: Folder) -> Iterator[Finding]:
    ours = {file.path for file in row.files} | {file.path for file in (folder.told.files if folder.told else ())}
    strange = sorted({*folder.files, *folder.odd} - ours)
    if strange:
        message = f"In the album's folder, but not the album's, and left alone: {some(strange)}."
        yield Finding("foreign_file", message, tuple(within(row.path, path) for path in strange), row.id)


def _well(sighting: Sighting, row: Row, folder: Folder) -> Iterator[Finding]:
    """Compare what is beside the files of an album that is whole."""
    learnt = tuple(_learnt(sighting, row, folder))
    if learnt:
        new = any(file.digest is None for file in row.files if file.path in {f.path for f in learnt})
        what = "its files get digests to compare with" if new else "the time of files changed, not their bytes"
        code = "no_digest" if new else "file_touched"
        paths = tuple(within(row.path, file.path) for file in learnt)
        yield Finding(code, f"The album is whole; {what}.", paths, row.id, Learn(row.id, learnt))
    name = within(row.path, sidecar.NAME)
    if not sighting.disk.is_closed(name) and not _agrees(folder.told, row):
        why = (
            f"cannot be read: {folder.trouble}" if folder.trouble else "is missing" if folder.told is None else "is old"
        )
        message = f"The album is whole, but its sidecar {why}."
        yield Finding("sidecar_wrong", message, (name,), row.id, WriteSidecar(row.id))
    if row.status == MISSING:
        message = "The album was missing, and is there again with every file."
        yield Finding("found_again", message, (row.path,), row.id, MarkFound(row.id))


def _learnt(sighting: Sighting, row: Row, folder: Folder) -> Iterator[Listed]:
    for file in row.files:
        digest, found = sighting.digests.get((row.id, file.path)), folder.files[file.path]
        if digest is not None and (file.digest is None or not same_time(file.mtime_ns, found.mtime_ns)):
            yield file._replace(mtime_ns=found.mtime_ns, digest=digest)


def _agrees(told: Told | None, row: Row) -> bool:
    """Tell whether a sidecar says what its row says; where both know a digest, times do not matter."""
    if told is None or (told.key, told.transfer_id) != (row.key, row.transfer_id):
        return False
    listed = {file.path: file for file in told.files}
    return len(listed) == len(row.files) and all(_same(listed.get(file.path), file) for file in row.files)


def _same(told: Listed | None, file: Listed) -> bool:
    if told is None or told.size != file.size:
        return False
    return told.mtime_ns == file.mtime_ns or (told.digest is not None and told.digest == file.digest)
