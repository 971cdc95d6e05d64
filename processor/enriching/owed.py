"""Providers that do not answer → what they owe an item, so that it goes on without them and is filled later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from loguru import logger

from config.errors import Rejected
from processor.client.service import Outage
from processor.matching.rows import Debt

AGAIN: Final = dt.timedelta(hours=1)  # at the least, before a provider is asked again about an item


class Owed:
    """The debts that come up while one item is enriched."""

    def __init__(self, item_id: int, now: dt.datetime) -> None:
        self._item_id, self._now = item_id, now
        self._debts: dict[str, Debt] = {}

    def __contains__(self, provider: object) -> bool:
        """Whether a provider failed already; it is not asked again about this item then."""
        return provider in self._debts

    @contextmanager
    def asking(self, provider: str, what: str) -> Iterator[None]:
        """Ask a provider within the block; if it does not answer, or with nonsense, that is written down and no more.

        What stops the job passes through.
        """
        try:
            yield
        except Outage as error:
            self.note(provider, what, error.message, max(AGAIN, dt.timedelta(seconds=error.seconds or 0)))
        except Rejected as error:
            self.note(provider, what, error.message, dt.timedelta(days=1))

    def debts(self) -> list[Debt]:
        """Return what is owed."""
        return list(self._debts.values())

    def note(self, provider: str, what: str, why: str, wait: dt.timedelta = AGAIN) -> None:
        """Write down that a provider owes something, and when it may be asked again."""
        logger.bind(provider=provider, what=what, error=why).info("a provider did not answer; the item goes on without")
        debt = Debt(self._item_id, provider, what, why[:500], self._now, 1, self._now + wait)
        self._debts.setdefault(provider, debt)
