"""What a look has found → the groups of the scan DB, and why each of them has to wait."""

from __future__ import annotations

import datetime as dt
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from config.reasons import Reason
from scanner.grouping.groups import FolderTracks, Group, SideRow, in_folders
from scanner.kinds.music_album import group_folders, role_of
from scanner.readiness import DEADLY, FileState, Tree, folder_reasons, is_patient, probe, unfinished_reasons
from scanner.survey import Scan, Survey

if TYPE_CHECKING:
    from scanner.grouping.sheets import Sheet


def regroup(scan: Scan, survey: Survey) -> None:
    """Put the files together, unless that was done when they were the same; find why each group has to wait."""
    groups = iter(_groups(scan, survey))
    if (first := next(groups, None)) is not None:  # else nobody waits
        scan.db.grouping.set_waits(_waits(scan, survey, chain((first,), groups)))


def _groups(scan: Scan, survey: Survey) -> Iterable[tuple[int, Group]]:
    """Return, with their ids, the groups of which is to be found out whether they have to wait."""
    rows = scan.db.grouping
    if scan.db.grew or scan.db.learned:
        rows.forget()
        return rows.add(_group(scan, list(rows.folders()), list(scan.db.sides())))
    if survey.changed:
        _regroup_broken(scan)
        return rows.known(only_waiting=False)
    # Who was ready is ready, because nothing was touched; who waited may have waited for long enough.
    return rows.known(only_waiting=scan.db.same_options and not survey.unseen)


def _waits(
    scan: Scan, survey: Survey, groups: Iterable[tuple[int, Group]]
) -> Iterator[tuple[int, Sequence[Reason], Sequence[Reason]]]:
    """Yield the id of each group with why it has to wait, and with what is told of it once it need not."""
    rows = scan.db.grouping
    lists = rows.checksum_lists()
    tree = Tree(sorted(survey.states), survey.states, scan.db.music_folders(), survey.unseen)
    now_ns, quiet_ns = survey.began_ns, scan.options.quiet_ns
    now = dt.datetime.now(dt.UTC) - dt.timedelta(microseconds=(scan.now_ns() - now_ns) // 1000)
    doubtful = rows.doubtful_files()
    unread = defaultdict[bytes, list[FileState]](list)  # by folder: it may be of any album there, but for loose files
    for file in doubtful.values():
        if file.unfinished in DEADLY and (folder := os.path.dirname(file.path)):
            unread[folder].append(file)
    for album_id, album in groups:
        scan.check()
        files = sorted((doubtful[one] for one in doubtful.keys() & album.file_ids), key=attrgetter("path"))
        still_ns = now_ns - max(survey.states[path].since_ns for path in album.folders)
        beside = (file for folder in album.folders for file in unread.get(folder, ()))
        unfinished, warnings = unfinished_reasons(dict.fromkeys(chain(files, beside)), still_ns, quiet_ns)
        waits = (*folder_reasons(album.folders, album.home, tree, now_ns, quiet_ns, now), *unfinished)
        if not waits and (listed := [lists[one] for one in album.sides if one in lists]):
            failed = tuple(_failures(scan, listed))
            waits, warnings = (failed, warnings) if is_patient(still_ns, quiet_ns) else ((), (*warnings, *failed))
        yield album_id, waits or _probe(scan, files), warnings


def _regroup_broken(scan: Scan) -> None:
    """Put the files together again whose group lost one; all others stay as they are.

    Files only went away, most of them to staging. What was left behind was judged beside them, and is not to become
    another album because they are gone.
    """
    rows = scan.db.grouping
    kept, keys = rows.keep_whole()
    tracks = [track for track in rows.tracks() if track.file_id not in kept]
    sides = [side for side in scan.db.sides() if side.file_id not in kept]
    rows.add(_group(scan, in_folders(tracks), sides, keys))


def _group(
    scan: Scan, folders: Sequence[FolderTracks], sides: Sequence[SideRow], taken: Iterable[str] = ()
) -> list[Group]:
    return group_folders(folders, sides, scan.options.choices, taken, sheets=_sheets(scan, folders, sides))


def _sheets(scan: Scan, folders: Iterable[FolderTracks], sides: Iterable[SideRow]) -> dict[int, Sheet]:
    """Read the cue sheets beside images whose tags lack something; return them by the image's file id."""
    cues: dict[bytes, list[bytes]] = defaultdict(list)
    for side in sides:
        if side.role == "cue":
            cues[side.folder].append(side.name)
    found: dict[int, Sheet] = {}
    if not cues:  # as mostly
        return found
    from scanner.grouping.sheets import needs_sheet, parse, sheets_of
    from scanner.smallfiles import read_small

    for folder in folders:
        if (names := cues.get(folder.folder)) and needs_sheet(folder, len(names)):
            scan.check()
            paths = [os.path.join(folder.folder, name) for name in sorted(names)]
            read = (parse(path, read_small(os.path.join(scan.root, path))) for path in paths)
            found |= sheets_of(folder, [sheet for sheet in read if sheet])
    return found


def _failures(scan: Scan, lists: Iterable[bytes]) -> Iterator[Reason]:
    """Say which music some lists of checksums speak of is not here, or not what they say."""
    from scanner.checksums import failures  # most scans meet no list

    for path in lists:
        scan.check()
        yield from failures(scan.root, path, lambda name: role_of(name) == "audio", scan.db.digest)


def _probe(scan: Scan, files: list[FileState]) -> list[Reason]:
    """Look at the files of a group that is ready but for this; one that passed is not opened again until it changes."""
    found = {file.file_id: probe(os.path.join(scan.root, file.path), file.path) for file in files if not file.probed}
    scan.db.grouping.set_probed(file_id for file_id, reason in found.items() if reason is None)
    return [reason for reason in found.values() if reason]
