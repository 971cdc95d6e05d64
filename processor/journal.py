"""Transfers ↔ journal rows: intent before action, one state after the other, each write fenced. All SQL of transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from scanner.identity import Identity

State = Literal["planned", "materialised", "published", "done", "attention", "cancelled"]
Strategy = Literal["link", "clone", "copy"]


@dataclass(frozen=True, slots=True)
class TransferFile:
    """One file of a transfer. Paths are relative: `source` to the source root, `target` to the album's folder."""

    source: bytes
    target: bytes
    role: str
    identity: Identity
    digest: str | None = None  # "blake3:<hex>", known once the bytes were copied


@dataclass(frozen=True, slots=True)
class Transfer:
    """One journalled move of one item: everything recovery needs, without the scan it came from."""

    id: str
    kind: str
    state: State
    src_root: bytes
    dst_root: bytes
    target: bytes
    files: tuple[TransferFile, ...]
    item: dict[str, Any]
    fence: int
    boot_id: str
    strategy: Strategy | None = None
    attempt: int = 0
    error: str | None = None
    run_id: str | None = None
