"""A gitignore pattern → a regular expression that takes a star back only where another name could match."""

from __future__ import annotations

import re
from typing import Any, Final

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from scanner.ignore import CLASS

# A star, and what follows up to the next one in the same part: characters for themselves, ?, and one of some letters.
_STAR: Final = re.compile(rf"\[\^/\]\*((?:\\.|\[\^/\](?!\*)|{CLASS}|[^\\\[\]()/*+?|$^.])*)(?=\[\^/\]\*)")


class Glob(GitIgnoreSpecPattern):
    """One pattern, in which each star but the last of a part keeps the first place at which what follows it stands.

    A later place leaves the stars behind it less to match, never more; so nothing is lost, and three stars are tried
    once through a name, not each with each. A star before a class that may match a slash stays as it is.
    """

    @classmethod
    def pattern_to_regex(cls, pattern: Any) -> tuple[Any, bool | None]:
        """Return the regular expression of a pattern, and whether it takes or spares."""
        regex, include = super().pattern_to_regex(pattern)
        return regex and _STAR.sub(r"(?>[^/]*?\1)", regex), include
