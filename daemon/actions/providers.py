"""An installation → its providers for people: which are on, what they answer, how they stand; one of them tried."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from config import admin
from config.errors import GreenroomError, Misconfigured
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.client import circuits
from processor.providers.provider import Provider, ProviderSettings
from processor.providers.registry import Providers, all_providers, is_on, questions, section_of

OFFLINE: Final = "GREENROOM_OFFLINE is on"


class Trial(NamedTuple):
    """What came of asking a provider something simple."""

    works: bool
    why: str
    seconds: float


def standing(app: Application) -> list[dict[str, Any]]:
    """Return every provider, in the order they are asked, with how it stands for all workers of all hosts."""
    with app.database.read() as connection:
        given = {name: admin.read_section(connection, section_of(name)) for name in all_providers()}
        stands = circuits.standing(connection)
    rows = [
        _row(app, all_providers()[name], section, problems, stands.get(name, {}))
        for name, (section, problems) in given.items()
    ]
    return sorted(rows, key=lambda row: (row["order"], row["name"]))


def _row(
    app: Application, provider: type[Provider], section: Any, problems: Sequence[str], stands: dict[str, Any]
) -> dict[str, Any]:
    assert isinstance(section, ProviderSettings)
    why = problems[0] if problems else _why(app, provider, section)
    return {
        "name": provider.name,
        "description": provider.description,
        "on": why is None,
        "why": why,
        "answers": list(questions(provider)),
        "order": section.order,
        "base_url": section.base_url,
        "per_second": section.per_second,
        "state": stands.get("state", "closed"),
        "until": max(filter(None, (stands.get("until"), stands.get("quiet_until"))), default=None),
        "requests": stands.get("requests", 0),
        "failed": stands.get("failed", 0),
        "succeeded_at": stands.get("succeeded_at"),
        "failed_at": stands.get("failed_at"),
        "error": stands.get("error"),
    }


def _why(app: Application, provider: type[Provider], section: ProviderSettings) -> str | None:
    """Return why it is not asked."""
    if app.boot.offline:
        return OFFLINE
    if not section.enabled:
        return f"{section_of(provider.name)}.enabled is off"
    return None if is_on(section) else f"it needs {section_of(provider.name)}.key"


def examine(app: Application) -> Iterator[Finding]:
    """Look at whom albums are asked about, without asking anybody."""
    rows = standing(app)
    on = [row["name"] for row in rows if row["on"]]
    yield Finding("ok" if on else "note", "providers", f"asked about albums: {', '.join(on) or 'nobody'}")
    for row in rows:
        if row["on"] and row["state"] != "closed":
            message = f"{row['name']} is left alone: {row['error']}; `greenroom providers test {row['name']}` tries it"
            yield Finding("note", "provider_paused", message)
    with app.database.read() as connection:
        contact = admin.get(connection, "network.contact")
    if on and not contact:
        message = "MusicBrainz asks how to reach you: `greenroom settings set network.contact you@example.org`"
        yield Finding("note", "no_contact", message)
    if on and (proxy := next(filter(os.environ.get, ("HTTPS_PROXY", "https_proxy")), None)):
        yield Finding("note", "no_proxy", f"{proxy} is set, but nobody is asked through a proxy; only directly")


def try_out(app: Application, name: str) -> Trial:
    """Ask a provider something simple now, even while it is left alone; if it answers, everybody may ask again.

    Raises Misconfigured when no provider is called so, and where GREENROOM_OFFLINE forbids asking any.
    """
    if app.boot.offline:
        raise Misconfigured(f"{OFFLINE}, so nobody is asked")
    with app.client() as client:
        provider = Providers(app.database, client).provider(name)
        with app.database.begin() as connection:
            circuits.reset(connection, name)
        began = time.monotonic()
        try:
            answer = provider.test()
        except GreenroomError as error:
            return Trial(False, error.message, time.monotonic() - began)
        return Trial(True, f"it answered {answer.status}", time.monotonic() - began)
