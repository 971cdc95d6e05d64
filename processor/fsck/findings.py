"""A sighting → findings, each with the repair that is provable, if one is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from processor.fsck import albums, unowned, unsettled
from processor.fsck.finding import Finding, MarkMissing, some
from processor.fsck.ownership import ownership, staged
from processor.fsck.rows import Row
from processor.fsck.sighting import Sighting
from processor.items.presence import Limits, too_many


def judge(sighting: Sighting, limits: Limits) -> list[Finding]:
    """Compare everything with everything; beyond `limits` it is the disk that is in doubt, and no item is marked."""
    owned = ownership(sighting)
    findings = [
        *_closed(sighting),
        *unsettled.judge(sighting.left, sighting.inbound_root, sighting.staging_root),
        *(found for row in staged(sighting) for found in albums.compare(sighting, owned, row)),
        *unowned.explain(sighting, owned),
        *_sources(sighting),
        *_removed(sighting),
    ]
    return _not_too_many(findings, {row.id: row for row in sighting.items}, limits)


def _closed(sighting: Sighting) -> Iterator[Finding]:
    for path, why in sorted(sighting.disk.closed.items()):
        message = f"It cannot be looked at ({why}), so nothing is concluded about it."
        yield Finding("unreadable", message, (path,))


def _sources(sighting: Sighting) -> Iterator[Finding]:
    """Name sources of staged files that are in inbound again, as after a power cut."""
    for row in staged(sighting):
        folder = sighting.disk.albums.get(row.path)
        back = []
        for file, source in zip(row.files, row.sources, strict=True):
            found, final = sighting.inbound.get(source), folder.files.get(file.path) if folder else None
            if found is not None and final is not None and found[2:] == final[2:]:
                back.append(source)
        if back:
            message = (
                f"Staged, and in inbound as well: {some(back)}. The next cycle calls it a duplicate; remove it there."
            )
            yield Finding("source_still_there", message, tuple(back), row.id, root=sighting.inbound_root)


def _removed(sighting: Sighting) -> Iterator[Finding]:
    """Name published albums whose library was removed."""
    known = {sighting.staging, *sighting.others}
    away = [row for row in sighting.items if row.status == "published" and row.root_uuid not in known]
    if away:
        paths = tuple(sorted(row.path for row in away))
        message = f"Published in a library that was removed: {some(paths)}. Add its folder again, or let each go with "
        yield Finding("unknown_root", f"{message}`greenroom items forget`.", paths, root=b"")


def _not_too_many(findings: list[Finding], items: Mapping[int | None, Row], limits: Limits) -> list[Finding]:
    """Mark nothing missing where too much is: an unmounted disk must not look like albums that were removed."""
    vanished = [_vanished(finding, items) for finding in findings if _vanishes(finding)]
    if not too_many(vanished, sum(len(row.files) for row in items.values()), limits):
        return findings
    message = (
        f"{sum(vanished)} files of {len(vanished)} albums vanished at once: is a disk below staging not mounted? No "
    )
    message += "album was marked missing. If their folders are really gone, `greenroom libraries resume` accepts it."
    return [Finding("mass_vanished", message), *(replace(f, repair=None) if _vanishes(f) else f for f in findings)]


def _vanishes(finding: Finding) -> bool:
    return isinstance(finding.repair, MarkMissing)


def _vanished(finding: Finding, items: Mapping[int | None, Row]) -> int:
    return len(finding.paths) if finding.code == "file_missing" else len(items[finding.item_id].files)
