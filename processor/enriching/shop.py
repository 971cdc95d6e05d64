"""What enriching works with: who can be asked, when to stop, where files and pictures are."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from config.database import Database
from config.libraries import root_paths
from processor.artwork.desk import Fetch, Gallery
from processor.artwork.wanted import Wanted
from processor.matching.verdict import Thresholds
from processor.providers.provider import Question


class Asked(Protocol):
    """Who can be asked: processor.providers.registry.Providers."""

    def answering(self, question: Question) -> list[Any]:
        """Return the providers that are on and answer a question, in the order they are asked."""


class Nobody:
    """Who can be asked while no other machine may be."""

    def answering(self, question: Question) -> list[Any]:
        """Return nobody."""
        return []


@dataclass(frozen=True, slots=True)
class Studio:
    """What pictures are worked on with: where they are kept, what is wanted of them, how they are downloaded."""

    gallery: Gallery
    wanted: Wanted
    fetch: Fetch
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """What enriching works with; `check` raises when it must stop."""

    database: Database
    providers: Asked
    limits: Thresholds
    check: Callable[[], None]
    now: Callable[[], dt.datetime]
    with_lyrics: bool = True
    studio: Studio | None = None  # None: no pictures

    def folder_of(self, item: Mapping[str, Any]) -> bytes | None:
        """Return where an item's files are; None where its library is not known."""
        with self.database.read() as connection:
            roots = root_paths(connection)
        root = roots.get(item["root_uuid"])
        return None if root is None else os.path.join(root, item["path"])
