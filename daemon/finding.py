"""One thing an examination looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether it is well, worth knowing, or wrong; `message` is a sentence that also says how to mend what is wrong."""

    level: Literal["ok", "note", "problem"]
    code: str
    message: str
