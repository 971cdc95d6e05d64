"""A staging library, its journal and its rows → what does not fit together, and what of that was repaired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.database import Database
from config.libraries import Roots
from processor.fsck import sighting, unsettled
from processor.fsck.finding import Finding, Resume
from processor.fsck.findings import judge
from processor.fsck.repairs import Workshop, perform
from processor.fsck.sighting import Effort, Sighting
from processor.items.presence import Limits
from processor.moves.move import Performance
from processor.recover import RecoveryReport, recover
from scanner.options import Progress

ROUNDS: Final = 4  # one to repair, one to see that it is well; more where an album that was adopted shows something new


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What was found, each finding with its root, and how much was looked at."""

    findings: tuple[Finding, ...]
    albums: int
    files: int
    compared: int  # files that were read and whose digest was compared
    unproven: int  # files no digest is recorded of; only their size and time can be compared

    @property
    def left(self) -> int:
        """How many findings were not repaired."""
        return sum(not finding.repaired for finding in self.findings)


def check(database: Database, roots: Roots, effort: Effort, limits: Limits, progress: Progress) -> FsckReport:
    """Compare, and change nothing. Takes no lock; what a cycle works on meanwhile is left out."""
    seen = sighting.look(database, roots, effort, progress)
    return _report(seen, judge(seen, limits))


def repair(shop: Workshop, effort: Effort, limits: Limits, progress: Progress) -> FsckReport:
    """Recover what is unfinished, compare, and repair what is provable. Call it under the lock of both roots.

    No file is removed or written, but for sidecars and what recovery does. Raises LeaseLost, Stopped, and Retryable
    when the database does not answer.
    """
    settled = [*_told(_recovered(shop)), *_resumed(shop)]
    for _ in range(ROUNDS):
        seen = sighting.look(shop.database, shop.roots, effort, progress)
        done = perform(shop, [_without_resume(finding) for finding in judge(seen, limits)])
        settled += [finding for finding in done if finding.repaired]
        if not any(finding.repaired for finding in done):
            break
    left = [finding for finding in done if not finding.repaired]
    known = {(finding.code, finding.paths) for finding in left}  # an album that was marked missing still is
    return _report(seen, [*(finding for finding in settled if (finding.code, finding.paths) not in known), *left])


def _recovered(shop: Workshop) -> RecoveryReport:
    run = Performance(shop.database, shop.guard, shop.record, undone=shop.undone)
    return recover(run, (shop.roots.inbound.path, shop.roots.staging.path))


def _told(recovered: RecoveryReport) -> Iterator[Finding]:
    """Say what recovery settled; what it did not is found again."""
    for transfers, what in ((recovered.done, "finished"), (recovered.cancelled, "undone")):
        for transfer in transfers:
            message = f"An interrupted move was {what}."
            yield Finding("unfinished_transfer", message, (transfer.target,), repaired=True, root=transfer.dst_root)


def _resumed(shop: Workshop) -> list[Finding]:
    """Let recovery take up what waits for a person, or only has a hidden folder, where nothing can be lost by it."""
    left = unsettled.look(shop.database, shop.roots.inbound.path, shop.roots.staging.path)
    wanted = [f for f in unsettled.judge(left, shop.roots.inbound.path, shop.roots.staging.path) if f.repair]
    if not wanted:
        return []
    done = perform(shop, wanted)
    recovered = _recovered(shop)
    settled = {transfer.id for transfer in (*recovered.done, *recovered.cancelled)}
    return [f for f in done if isinstance(f.repair, Resume) and f.repair.transfer.id in settled]


def _without_resume(finding: Finding) -> Finding:
    return replace(finding, repair=None) if isinstance(finding.repair, Resume) else finding


def _report(seen: Sighting, findings: Sequence[Finding]) -> FsckReport:
    files = [(file.digest or seen.digests.get((row.id, file.path))) for row in seen.items for file in row.files]
    unproven = sum(not digest for digest in files)
    rooted = tuple(replace(one, root=seen.staging_root) if one.root is None else one for one in findings)
    return FsckReport(rooted, len(seen.items), len(files), len(seen.digests), unproven)
