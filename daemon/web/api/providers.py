"""Providers → JSON: which are on, what they answer, how they stand for all workers of all hosts."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from daemon.actions import providers
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/providers", "providers")


class ProviderOut(BaseModel):
    """One provider, without its key."""

    name: str
    description: str
    on: bool
    why: str | None
    answers: list[str]
    order: int
    base_url: str
    per_second: float
    state: str
    until: dt.datetime | None
    requests: int
    failed: int
    succeeded_at: dt.datetime | None
    failed_at: dt.datetime | None
    error: str | None


@router.get("", summary="Who is asked about albums and artists, in their order")
def read(app: App) -> list[ProviderOut]:
    """Return every provider: whether it is asked and if not why, what it answers, when it last did, what went wrong."""
    return [ProviderOut(**row) for row in providers.standing(app)]
