"""Groups, the staging tree and its free space → a plan: where each file goes, what collides, what waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from config.reasons import Reason
from scanner.grouping import Group
from scanner.identity import Identity

Outcome = Literal["staged", "waiting", "needs_review", "quarantined", "duplicate", "conflict", "failed"]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file and its place."""

    file_id: int
    source: bytes  # relative to the inbound root
    target: bytes  # relative to the album's folder
    role: str  # audio, or a side file's role
    identity: Identity


@dataclass(frozen=True, slots=True)
class AlbumPlan:
    """What will be done with one group. Only `staged` moves anything; every other outcome leaves the files where they are."""

    group: Group
    outcome: Outcome
    target: bytes | None  # the album's folder, relative to the staging root
    files: tuple[PlannedFile, ...]
    reasons: tuple[Reason, ...]
