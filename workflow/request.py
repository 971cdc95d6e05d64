"""A caller's wish → one cycle, other than the settings would have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller wants of one cycle, over the settings; None leaves it to them."""

    dry_run: bool | None = None
    settle: bool = True  # wait within the cycle until new files are quiet
    scan_db: Path | None = None  # move what this scan found, instead of scanning
    run_id: str | None = None  # made by a caller who needs it before the cycle ends
    asked_by: str | None = None  # the person or key that asked; None for a run nobody asked for by name
    approves: str | None = None  # the dry run whose plan is to be carried out, and nothing else
    approved: Mapping[str, str] | None = None  # that plan; see processor.staging.approval
