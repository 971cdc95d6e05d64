"""A scan DB → albums in staging: name every file, look at what is there, decide, move what can be moved."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from config.database import Database
from config.errors import GreenroomError
from config.lease import Guard
from config.libraries import Roots
from config.machine import uncollected
from config.reasons import Reason
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, parent
from processor.planning.meeting import Rules
from processor.planning.naming import Proposal, cue_references, propose, unnamed
from processor.planning.plan import RESTAGE, AlbumPlan
from processor.planning.planner import decide
from processor.staging.approval import only_approved
from processor.staging.batch import Between
from processor.staging.crew import Crew
from processor.staging.encounters import Contents, Digests
from processor.staging.mover import Moved, Mover
from processor.staging.pace import Pace, PacedGuard
from processor.staging.sighting import look
from processor.staging.staged import Then
from processor.transfers.comparing import digest_at
from scanner.identity import Identity
from scanner.options import Progress
from scanner.rows import Source
from scanner.scandb import ScanDb
from scanner.smallfiles import MAX_SMALL


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """What an admin may decide about moving."""

    workers: int
    rate_limit: float  # files per second, 0 is unlimited
    reserve: int  # bytes of the staging filesystem that stay free
    rules: Rules  # of albums that meet a staged one
    approved: Mapping[str, str] | None  # move exactly these: fingerprints by key; None moves whatever is ready


@dataclass(frozen=True, slots=True)
class ForRun:
    """Which run moves albums, and what it wants of it."""

    id: str
    then: Then  # what is written with albums that are staged
    restage: Callable[[Collection[str]], Mapping[str, tuple[Reason, ...]]]  # published ones, by key; why not, of others
    progress: Progress


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """What became of every group of a scan, which paths were ignored, and what stopped us, if anything."""

    albums: tuple[AlbumPlan, ...]
    ignored: tuple[Reason, ...]
    trouble: GreenroomError | None = None


def process_scan(
    database: Database,
    scan: ScanDb,
    roots: Roots,
    guard: Guard | None,
    options: ProcessOptions,
    run: ForRun,
) -> ProcessResult:
    """Plan every group of a scan and, under a guard, move those that can be moved. Without one nothing is touched.

    `run.then` is called in each transaction that stages, `run.progress` after each album. Raises NeedsReview when an
    approved plan no longer holds; LeaseLost when another process took over and Retryable when the database does not
    answer. After these two recovery settles what was begun.
    """
    plans = _plan(database, scan, roots, options)
    restaging = {plan.group.key for plan in plans if plan.kind == RESTAGE}
    if restaging and guard is not None:
        refused = run.restage(restaging)
        plans = tuple(
            replace(plan, reasons=(*refused.get(plan.group.key, ()), *plan.reasons)) if plan.kind == RESTAGE else plan
            for plan in _plan(database, scan, roots, options)
        )
    ignored = (*scan.ignored(), *_homeless(scan, plans))
    if guard is None:
        return ProcessResult(plans, ignored)
    results = [*plans]
    told = {reason.path for reason in ignored if reason.path} | {f.source for plan in plans for f in plan.files}
    moving = [n for n, plan in enumerate(plans) if plan.outcome == "staged"]
    paced = PacedGuard(guard, Pace(options.rate_limit))
    with Crew(options.workers) as crew:
        between = Between(roots.inbound.path, roots.staging.path, database, paced, crew, run.then, told)
        mover = Mover(between, roots.staging.root_uuid, run.id)
        for done, (n, moved) in enumerate(zip(moving, mover.move([plans[n] for n in moving], scan), strict=True), 1):
            results[n] = _after(plans[n], moved)
            run.progress("move", done, len(moving))
        return ProcessResult(tuple(results), ignored, mover.trouble)


def _plan(database: Database, scan: ScanDb, roots: Roots, options: ProcessOptions) -> tuple[AlbumPlan, ...]:
    proposals: list[Proposal] = []
    waiting: dict[str, tuple[Reason, ...]] = {}
    with Tree(roots.inbound.path) as tree, uncollected():
        for group, waits in scan.groups():
            files = scan.sources([*(track.file_id for track in group.tracks), *group.sides])
            if waits:
                waiting[group.key] = waits
            if waits or group.verdict != "take":
                proposals.append(unnamed(group, files))
            else:
                proposals.append(propose(group, files, _cues(tree, files)))
    moving = [proposal for proposal in proposals if proposal.target is not None]
    world = look(database, roots, moving, waiting, Contents(scan.facts, _digests(scan)), options.reserve)
    plans = decide(proposals, world, options.rules)
    return plans if options.approved is None else only_approved(plans, options.approved)


def _cues(tree: Tree, files: dict[int, Source]) -> dict[int, frozenset[str]]:
    """Read what the cue sheets of an album refer to; one that cannot be read refers to nothing."""
    found: dict[int, frozenset[str]] = {}
    for file_id, file in files.items():
        if file.role == "cue" and file.identity.size <= MAX_SMALL:
            try:
                with tree.opened(file.path) as fd:
                    found[file_id] = cue_references(os.read(fd, MAX_SMALL))
            except (OSError, GreenroomError):
                continue  # moving the file will meet the same error and report it
    return found


def _digests(scan: ScanDb) -> Digests:
    """Return what gets digests from the scan DB and keeps them there; the next scan carries them over."""

    def digest(tree: Tree, path: bytes, identity: Identity) -> str:
        with tree.explained("compare", path):
            found = tree.stat(path)
            if found is None or Identity.of(found) != identity:  # the scan may be an old one
                return digest_at(tree, path)
            return scan.digest(os.path.join(tree.root, path), identity, "blake3", lambda: digest_at(tree, path))

    return digest


_OF_NO_ALBUM = "no_album", "It belongs to no album we can tell, so it stays where it is."
_WITHOUT_MUSIC = (
    "no_album",
    "No music lies with it, so it stays where it is. If its album was staged before it came, `greenroom undo` puts it "
    "back beside this, and after `greenroom undo --release` the next cycle takes both.",
)
_STAYS: Mapping[str, tuple[str, str]] = {
    "packed": ("packed", "Archives are not unpacked; put here what is in it, and its album is taken."),
    "unread": (
        "unread_format",
        "Music of this format is not read here, or is encrypted; convert it, and its album is taken.",
    ),
}


def _homeless(scan: ScanDb, plans: tuple[AlbumPlan, ...]) -> Iterator[Reason]:
    """Name the side files no album takes along."""
    taken = {file_id for plan in plans for file_id in plan.group.sides}
    left = [side.file_id for side in scan.sides() if side.file_id not in taken]
    music = {folder for plan in plans for folder in plan.group.folders} if left else set()
    above = {folder for one in music for folder in (one, *ancestors(one))}
    for file in sorted(scan.sources(left).values(), key=lambda file: file.path):
        folder = parent(file.path)
        lies_with = not folder or folder in above or not music.isdisjoint(ancestors(file.path))
        code, message = _STAYS.get(file.role, _OF_NO_ALBUM if lies_with else _WITHOUT_MUSIC)
        yield Reason(code, message, file.path)


def _after(plan: AlbumPlan, moved: Moved) -> AlbumPlan:
    """Return what became of an album that was to be moved."""
    outcome = plan.outcome if moved.outcome is None else moved.outcome
    target = plan.target if outcome == "staged" else None
    return replace(plan, outcome=outcome, target=target, reasons=(*moved.reasons, *plan.reasons))
