"""Texts and numbers of strangers → fields as documents hold them; what nobody knows is left out. Pure."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from processor.metadata.fields import LONGEST_TEXT, clean

_BREAKS: Final = re.compile(r"\r\n?")


def _long(value: Any) -> str | None:
    """Return a text of paragraphs."""
    if not isinstance(value, str):
        return None
    return clean(_BREAKS.sub("\n", value))[:LONGEST_TEXT].strip() or None


def _decimal(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


LongText = Annotated[str | None, BeforeValidator(_long)]
Decimal = Annotated[float | None, BeforeValidator(_decimal)]


def named(**fields: Any) -> dict[str, Any]:
    """Return the fields that are known; of lists, the entries that are, each once."""
    known = {name: _entries(value) if isinstance(value, list) else value for name, value in fields.items()}
    return {name: value for name, value in known.items() if value not in (None, [], "")}


def _entries(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value))
