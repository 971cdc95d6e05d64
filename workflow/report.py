"""What a cycle did → values for a person, the run row and scripts."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from config.errors import GreenroomError
from config.reasons import Reason, path_text
from processor.planning.plan import AlbumPlan, Outcome

MAX_STORED_REASONS = 500  # in one run row; the report itself has all of them
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
LOOKED_AT: Final[frozenset[Outcome]] = frozenset({"needs_review", "quarantined", "conflict", "failed"})  # by somebody


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one cycle did, and why. Paths in albums and reasons are relative to the roots given here."""

    status: Literal["done", "failed", "skipped"]
    run_id: str | None  # None when not even that could be recorded
    dry_run: bool
    duration_ms: int
    inbound: bytes | None = None
    staging: bytes | None = None
    albums: tuple[AlbumPlan, ...] = ()
    ignored: tuple[Reason, ...] = ()
    error: Reason | None = None
    exit_code: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many albums came to which outcome, and how many tracks and ignored paths there were."""
        outcomes = Counter(album.outcome for album in self.albums)
        return {
            "albums": len(self.albums),
            "tracks": sum(len(album.group.tracks) for album in self.albums),
            "ignored": len(self.ignored),
            **{outcome: outcomes[outcome] for outcome in OUTCOMES},
        }

    def to_json(self) -> dict[str, Any]:
        """Return the object that `greenroom cycle --json` prints; its shape is a promise to scripts."""
        return {
            "status": self.status,
            "run_id": self.run_id,
            "dry_run": self.dry_run,
            "duration_ms": self.duration_ms,
            "counts": self.counts,
            "albums": [self._album(album) for album in self.albums],
            "ignored": [
                {"path": _shown(self.inbound, reason.path), "code": reason.code, "reason": reason.message}
                for reason in self.ignored
            ],
            "error": None if self.error is None else _reason(self.inbound, self.error),
        }

    def _album(self, album: AlbumPlan) -> dict[str, Any]:
        group = album.group
        target = None if album.target is None or self.staging is None else os.path.join(self.staging, album.target)
        return {
            "key": group.key,
            "album_artist": group.album_artist,
            "album": group.album,
            "year": group.year,
            "discs": group.discs,
            "outcome": album.outcome,
            "reasons": [_reason(self.inbound, reason) for reason in album.reasons],
            "staging_path": _shown(None, target),
            "tracks": [
                {
                    "disc": disc,
                    "track": track,
                    "title": title,
                    "source": _shown(self.inbound, source),
                    "path": None if path is None or target is None else _shown(target, path),
                }
                for disc, track, title, source, path in album.tracks
            ],
        }


def unrecorded(error: GreenroomError, *, dry_run: bool) -> CycleReport:
    """Return the report of a cycle that ended because the database could not be reached."""
    reason = error.reason()
    return CycleReport("failed", None, dry_run, 0, error=reason, exit_code=error.exit_code)


def plan_json(report: CycleReport) -> dict[str, Any]:
    """Return the plan of a dry run: every file that would move, from where to where."""
    moves = [
        {
            "key": album.group.key,
            "kind": album.kind,
            "staging_path": _shown(report.staging, album.target),
            "files": [
                {"role": file.role, "source": _shown(report.inbound, file.source), "target": path_text(file.target)}
                for file in album.files
                if file.source not in album.stays
            ],
        }
        for album in report.albums
        if album.outcome == "staged"
    ]
    return {"format": 1, "run_id": report.run_id, "dry_run": report.dry_run, "albums": moves}


def staying(albums: Iterable[AlbumPlan]) -> str:
    """Return a digest of the albums that somebody has to look at, empty if there are none: which, how and why."""
    lines = sorted(
        f"{album.outcome} {album.group.key} {' '.join(sorted({reason.code for reason in album.reasons}))}"
        for album in albums
        if album.outcome in LOOKED_AT
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:32] if lines else ""


def why_failed(albums: Iterable[AlbumPlan]) -> str | None:
    """Return why the first album that failed did; None if none did."""
    failed = (album.reasons[0].message for album in albums if album.outcome == "failed" and album.reasons)
    return next(failed, None)


def stored_reasons(albums: Iterable[AlbumPlan]) -> list[dict[str, Any]]:
    """Return why albums stayed where they were, as a run row keeps it."""
    kept = [
        {"album": album.group.key, "outcome": album.outcome, **_reason(None, reason)}
        for album in albums
        if album.outcome != "staged"
        for reason in album.reasons
    ]
    return kept[:MAX_STORED_REASONS]


def _reason(root: bytes | None, reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "message": reason.message, "path": _shown(root, reason.path)}


def _shown(root: bytes | None, path: bytes | None) -> str | None:
    if path is None:
        return None
    return path_text(path if root is None else os.path.join(root, path))
