"""A staged item → enriched: its release, its fields, its artists, its pictures; or waiting for a person to choose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from config.boot import BootSettings
from config.database import Database
from processor.artwork.wanted import Wanted
from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.operations.downloading import downloads
from workflow.phase import Decision, Mode, Phase, PhaseSettings

if TYPE_CHECKING:
    from processor.enriching.shop import Shop


def _distance(default: float, what: str) -> Any:
    return Field(default, ge=0, le=1, description=what)


class EnrichSettings(PhaseSettings, Wanted):
    """What is asked of providers, and how sure one has to be."""

    mode: Mode = Field("auto", description="Auto: by itself; manual: wait for a person; off: pass items on without.")
    match_strong: float = _distance(0.04, "A release at most so far away is taken, if no other edition competes.")
    match_medium: float = _distance(0.25, "A release further away than this is not the album.")
    match_gap: float = _distance(0.1, "Another release that is by less than this further away competes with the best.")
    fetch_lyrics: bool = Field(True, description="Ask for lyrics of each track.")
    refresh_days: int = Field(
        30, ge=0, le=3650, description="Ask again about albums in staging after so long; 0: never by itself.",
        json_schema_extra={"unit": "days"},
    )  # fmt: skip


class EnrichPayload(Payload):
    """How it is asked for."""

    force: bool = False  # ask anew what is remembered


class Enrich(Phase):
    """Asks providers. What they do not answer is owed; the item goes on."""

    name = "enrich"
    after = "stage"
    reached = "enriched"
    description = "Find out which release an album is, and what providers know of it and its artists."
    settings = EnrichSettings
    payload = EnrichPayload
    late = True
    roots = ("staging",)  # whose files may hold pictures

    def run(
        self, context: Context, item: Mapping[str, Any], payload: EnrichPayload, settings: EnrichSettings
    ) -> Decision:
        """Ask about one item, and say what came of it; its status stays."""
        from processor.enrich import enrich

        with shop(
            context.database, settings, wait=context.wait, check=context.check,
            fresh=payload.force, data_dir=context.data_dir,
        ) as made:  # fmt: skip
            done = enrich(made, item["id"])
        owed = "".join(f"; {debt.provider} did not answer" for debt in done.debts)
        return Decision(item["status"], f"{done.verdict}: {done.why}{owed}"[:500])


@contextmanager
def shop(
    database: Database,
    settings: EnrichSettings,
    *,
    wait: Callable[[float], None],
    check: Callable[[], None],
    fresh: bool = False,
    data_dir: Path | None = None,
) -> Iterator[Shop]:
    """Yield what enriching works with; with GREENROOM_OFFLINE nobody can be asked."""
    from processor.artwork.desk import Gallery
    from processor.artwork.pool import shared
    from processor.client.client import Client
    from processor.enriching.shop import Nobody, Shop, Studio
    from processor.matching.verdict import Thresholds
    from processor.providers.registry import Providers

    limits = Thresholds(settings.match_strong, settings.match_medium, settings.match_gap)
    with Client(database, wait=wait) as client:
        providers = Providers(database, client, language=settings.language, fresh=fresh)
        asked = Nobody() if BootSettings().offline else providers
        gallery = Gallery(database, data_dir, shared()) if data_dir else None
        studio = Studio(gallery, settings, downloads(providers), fresh) if gallery else None
        now = partial(dt.datetime.now, dt.UTC)
        yield Shop(database, asked, limits, check, now, settings.fetch_lyrics, studio)


PHASE = Enrich()
