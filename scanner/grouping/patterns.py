"""A regular expression as it is written → the same, compiled when it is first asked.

There are sixty of them here, most for names that few folders have, and to compile all takes longer than to import the
steps of grouping: a tenth of a scan of one album.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` would, but for errors, which come with the first question."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))


class _Pattern:
    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)  # so the next question does not come by here
        return found
