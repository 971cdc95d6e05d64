"""A failed attempt, and what the service said → how long to wait for the next. Pure."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_ASKED: Final = 3600.0  # seconds; a service that asks for more is asked again after so long
BASE: Final = 1.0  # seconds, doubled with every attempt
LONGEST: Final = 30.0


def retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Return how many seconds a Retry-After asks for (RFC 9110 §10.2.3: seconds, or a date); None if it says nothing.

    At most an hour, and never less than none.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_ASKED)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:  # a date that says -0000, which means UTC without a place
        when = when.replace(tzinfo=dt.UTC)
    return min(max((when - now).total_seconds(), 0.0), LONGEST_ASKED)


def back_off(attempt: int, chance: float) -> float:
    """Return how long to wait after the `attempt`-th failure, one half more or less by `chance` (0…1).

    So those that failed together do not come back together.
    """
    return min(BASE * 2.0 ** (attempt - 1), LONGEST) * (0.5 + chance)
