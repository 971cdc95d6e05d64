"""What is known of an album, and an admin's rules → the library it goes to. Pure.

A rule is `what [value] -> /path`, such as `genre Classical -> /srv/classical` or `compilation -> /srv/various`; the
first that fits decides, and `* -> /path` fits all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from config.errors import Misconfigured
from config.libraries import Library
from config.reasons import show_path
from processor.metadata.known import AlbumMetadata
from scanner.grouping.folding import fold

# What a rule may ask of an album; a question without a value is answered by yes or no.
_ASKS: Final[Mapping[str, Callable[[AlbumMetadata], Iterable[str] | bool]]] = {
    "*": lambda album: True,
    "compilation": lambda album: bool(album.compilation),
    "genre": lambda album: (*album.genres, *album.styles),
    "type": lambda album: (album.type or "", *album.secondary_types),
    "artist": lambda album: [credit.name for credit in album.credits],
    "label": lambda album: album.labels,
    "country": lambda album: (album.country or "",),
    "language": lambda album: (album.language or "",),
}


class Rule(NamedTuple):
    """One line: what is asked, the value that fits, and the library's path."""

    ask: str
    value: str | None
    path: bytes

    def fits(self, album: AlbumMetadata) -> bool:
        """Whether the rule is about such an album."""
        said = _ASKS[self.ask](album)
        return said if isinstance(said, bool) else fold(self.value or "") in map(fold, said)


def rules(text: str) -> tuple[Rule, ...]:
    """Read rules, apart by line breaks or semicolons. Raises ValueError with what is wrong."""
    lines = (line.strip() for line in text.replace(";", "\n").splitlines())
    return tuple(_rule(line) for line in lines if line)


def _rule(line: str) -> Rule:
    said, arrow, path = (part.strip() for part in line.partition("->"))
    ask, _, value = (part.strip() for part in said.partition(" "))
    if not arrow or not path.startswith("/"):
        raise ValueError(f"{line!r} must be like `genre Classical -> /srv/classical`, with an absolute path")
    if ask not in _ASKS:
        raise ValueError(f"{ask!r} cannot be asked of an album; there are {', '.join(_ASKS)}")
    if bool(value) == (ask in ("*", "compilation")):
        raise ValueError(f"{line!r}: {ask} {'has no value' if value else 'needs a value'}")
    return Rule(ask, value or None, path.encode())


def choose(album: AlbumMetadata, table: Sequence[Rule], libraries: Sequence[Library]) -> Library:
    """Return the library an album goes to. Raises Misconfigured where that cannot be told."""
    by_path = {library.path: library for library in libraries}
    for rule in table:
        if rule.fits(album):
            if (found := by_path.get(rule.path.rstrip(b"/") or b"/")) is None:
                message = f"phase.publish.library sends this album to {show_path(rule.path)}, which is no music library"
                raise Misconfigured(f"{message}; `greenroom libraries add library PATH`", code="no_library")
            return found
    if len(libraries) == 1:
        return libraries[0]
    if not libraries:
        message = "there is no library to publish to; add one with `greenroom libraries add library PATH`"
        raise Misconfigured(message, code="no_library")
    message = f"there are {len(libraries)} libraries, and no rule of phase.publish.library says which one is meant"
    raise Misconfigured(f"{message}; end it with `* -> /path`", code="several_libraries")
