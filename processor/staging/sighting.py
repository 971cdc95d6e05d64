"""The staging tree, its filesystem and the database, looked at for some proposals → the World their plan needs."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from config.database import Database
from config.libraries import Roots, list_libraries
from config.machine import free_bytes, free_files
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree, is_file
from processor.filesystem.system_errors import OTHER_FILESYSTEM, explained
from processor.items import repository
from processor.planning.naming import PlannedFile, Proposal
from processor.planning.plan import Home, World
from processor.planning.space import Space, reserve
from processor.publication import ledger
from processor.staging.encounters import Contents, Digests, Encounters, is_audio
from processor.staging.holders import Holders
from processor.staging.shut import not_to_be_changed, shut
from processor.transfers import journal
from processor.transfers.materialise import expected_way
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity


def look(
    database: Database,
    roots: Roots,
    proposals: Sequence[Proposal],
    waiting: Mapping[str, tuple[Reason, ...]],
    contents: Contents,
    wanted_reserve: int,
) -> World:
    """Gather what deciding about proposals with a target takes; `wanted_reserve` is in bytes. Reads only."""
    inbound, staging = roots.inbound.path, roots.staging.path
    with database.read() as connection:
        staged = repository.staged_folders(connection, roots.staging.root_uuid)
        libraries = {library.root_uuid: library for library in list_libraries(connection)}
        homes = ledger.homes(connection, {key for p in proposals for key in _keys(p)})
        held = journal.reserved(connection, inbound, staging)
        undos = journal.taken_back(connection, inbound, staging)
        left = _left_behind(connection, libraries, proposals)
    places = {uuid: library.path for uuid, library in libraries.items()}
    comparison, parents = _Comparison(inbound, staging, contents.digests), _parents(staging, proposals)
    return World(
        names=lambda folder: _names(staging, folder),
        differs=comparison.differs,
        meets=Encounters(database, roots, contents, libraries).meet,
        same=comparison.same,
        content=comparison.content,
        space=_space(roots, wanted_reserve),
        holders=Holders(database, roots, places, contents, proposals).of,
        staged=staged,
        left_behind=left,
        published={
            home.key: Home(os.path.join(places.get(home.root_uuid, b""), home.path), home.path if home.moved else None)
            for home in homes
        },
        reserved=held.targets,
        held=held.sources,
        taken_back=_kept_back(inbound, undos),
        waiting=waiting,
        inbound_problems=shut(inbound, (f.source for p in proposals for f in p.files)),
        staging_problems=_elsewhere(staging, parents) | _not_writable(staging, parents),
    )


def _keys(proposal: Proposal) -> tuple[str, str, str]:
    """Return the keys a proposal may come to have, and that of the album it was kept apart from; see planner."""
    key = proposal.group.key
    return key, f"{key}/{proposal.group.year}", key.partition("#")[0]


def _left_behind(connection: Connection, roots: Collection[str], proposals: Iterable[Proposal]) -> dict[str, bytes]:
    """Return the folders of albums, by key, whose staging root is no library any more, as far as they are known."""
    left = repository.outside(connection, roots, {key for proposal in proposals for key in _keys(proposal)})
    places = {move.id: move.dst_root for move in journal.these(connection, [move_id for move_id, _ in left.values()])}
    return {key: os.path.join(places.get(move_id, b""), folder) for key, (move_id, folder) in left.items()}


def _kept_back(inbound: bytes, undos: Sequence[Transfer]) -> dict[bytes, str]:
    """Return the files undos put back, with the transfer undone, of those albums in which nothing changed since."""
    with Tree(inbound) as tree:
        kept = [undo for undo in undos if all(_as_put_back(tree, file) for file in undo.files)]
    return {file.source: undo.undoes for undo in kept if undo.undoes is not None for file in undo.files}


def _as_put_back(tree: Tree, file: TransferFile) -> bool:
    try:
        found = tree.stat(file.source)
    except OSError:
        return False
    return is_file(found) and found is not None and Identity.of(found)[2:4] == file.identity[2:4]  # size and time


def _names(root: bytes, folder: bytes) -> Collection[bytes]:
    with explained("list", folder, root), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.listdir(os.path.join(root, folder))
    return ()


def _parents(root: bytes, proposals: Iterable[Proposal]) -> set[bytes]:
    """Return the code and artist folders of the targets that are there, and the root."""
    wanted = {parent for p in proposals if p.target for parent in (os.path.dirname(p.target), p.target.split(b"/")[0])}
    return {folder for folder in wanted | {b""} if os.path.isdir(os.path.join(root, folder))}


def _not_writable(root: bytes, folders: Iterable[bytes]) -> dict[bytes, Reason]:
    paths = {folder: os.path.join(root, folder) for folder in folders}
    return {
        folder: Reason("permission_denied", not_to_be_changed(path), folder)
        for folder, path in paths.items()
        if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK)
    }


def _elsewhere(root: bytes, folders: Iterable[bytes]) -> dict[bytes, Reason]:
    """Say which folders no album can be renamed into from the hidden one: mounts, subvolumes of btrfs."""
    found = {}
    with Tree(root) as tree, contextlib.suppress(OSError):
        device = os.fstat(tree.folder(b"")).st_dev
        for folder in folders:
            if folder and (there := tree.stat(folder)) is not None and there.st_dev != device:
                found[folder] = Reason("other_filesystem", OTHER_FILESYSTEM, folder)
    return found


def _space(roots: Roots, wanted_reserve: int) -> Space:
    found = os.statvfs(roots.staging.path)
    total = found.f_blocks * found.f_frsize
    return Space(
        free=free_bytes(found),
        reserve=reserve(wanted_reserve, total),
        inodes=free_files(found),
        way=expected_way(roots.inbound.path, roots.staging.path),
        total=total,
    )


def size_difference(files: Collection[PlannedFile], there: Mapping[bytes, int]) -> str | None:
    """Say what of some music is not `there` (sizes by path), as far as sizes tell; None if bytes must be compared."""
    if len(files) > len(there):
        return f"it has {len(there)} music files, this one has {len(files)}"
    left = Counter(there.values())
    for file in files:
        left[file.identity.size] -= 1
        if left[file.identity.size] < 0:
            return f"it has no music file of {file.identity.size} bytes like {show_path(file.source)}"
    return None


class _Comparison:
    """Compares music byte by byte, through digests that are remembered for unchanged files."""

    def __init__(self, inbound: bytes, staging: bytes, digests: Digests) -> None:
        self._inbound = inbound
        self._staging = staging
        self._digests = digests

    def differs(self, files: Sequence[PlannedFile], folder: bytes) -> str | None:
        """Say how some music differs from that below a staging folder, or None if all of it is there."""
        with Tree(self._inbound) as source, Tree(self._staging) as destination:
            with destination.explained("look into", folder):
                there = {path: f for path, f in destination.below(folder) if is_file(f) and is_audio(path)}
            difference = size_difference(files, {path: found.st_size for path, found in there.items()})
            if difference is not None:
                return difference
            known = [self._digests(destination, path, Identity.of(found)) for path, found in there.items()]
            for file in files:
                digest = self._digests(source, file.source, file.identity)
                if digest not in known:
                    return f"no music file there has the content of {show_path(file.source)}"
                known.remove(digest)
        return None

    def content(self, file: PlannedFile) -> str:
        """Return the digest of a file of inbound."""
        with Tree(self._inbound) as source:
            return self._digests(source, file.source, file.identity)

    def same(self, files: Sequence[PlannedFile], others: Sequence[PlannedFile]) -> bool:
        """Tell whether what is in some files of inbound is in others of it, too, each in one of its own."""
        sizes, theirs = (Counter(file.identity.size for file in some) for some in (files, others))
        if not sizes <= theirs:
            return False
        with Tree(self._inbound) as source:
            mine, other = (
                Counter(self._digests(source, f.source, f.identity) for f in some) for some in (files, others)
            )
        return mine <= other
