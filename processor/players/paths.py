"""A folder as we call it → as a player calls it, component by component; what its folders suggest. Pure.

A player may see a library below another mount point, on Windows, or through smb:// and nfs://. Its paths are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from config.errors import Misconfigured

_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]+\\[^\\]")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Pair(NamedTuple):
    """One folder by both names: `/srv/music` here is `smb://nas/music` to the player."""

    ours: str
    theirs: str

    def __str__(self) -> str:
        """Return it as `parsed` reads it."""
        return f"{self.ours}={self.theirs}"


def parsed(lines: Iterable[str]) -> tuple[Pair, ...]:
    """Return pairs written as `/srv/music=smb://nas/music`. Raises Misconfigured with the first that is none."""
    return tuple(_pair(line.strip()) for line in lines if line.strip())


def _pair(line: str) -> Pair:
    ours, equals, theirs = line.partition("=")
    ours, theirs = ours.strip(), theirs.strip()
    if not (equals and ours.startswith("/") and is_absolute(theirs) and line.isprintable()):
        raise Misconfigured(
            f"{line!r} maps no path; write our folder, an equals sign, and the player's name of the same folder, as "
            "/srv/music=smb://nas/music",
            code="bad_path_map",
        )
    return Pair(ours, theirs)


def is_windows(path: str) -> bool:
    """Whether a player's path is one of Windows."""
    return _WINDOWS.match(path) is not None


def is_absolute(path: str) -> bool:
    """Whether a path of a player begins at a root: of Unix, of Windows, or of a share."""
    return bool(path.startswith("/") or is_windows(path) or _URL.match(path))


def mapped(pairs: Sequence[Pair], path: bytes) -> str | None:
    """Return what a folder of ours is to the player; the pair that covers the most of it decides.

    Without any pair both call it the same. None: no pair covers it, or its name is no UTF-8, which no player could be
    told.
    """
    try:
        ours = components(path.decode())
    except UnicodeDecodeError:
        return None
    covering = [pair for pair in pairs if _is_below(ours, components(pair.ours))]
    if not covering:
        return None if pairs else "/" + "/".join(ours)
    best = max(covering, key=lambda pair: len(components(pair.ours)))
    return joined(best.theirs, ours[len(components(best.ours)) :])


def joined(root: str, below: Sequence[str]) -> str:
    """Return a folder below a player's root, written as the player writes paths, without a separator at its end."""
    separator = separator_of(root)
    bare = root.rstrip(separator)
    is_top = not bare or bare.endswith(":")  # of /, D:\ and smb:// the separator is a part
    if not below:
        return root if is_top else bare
    return (root if is_top else bare + separator) + separator.join(below)


def separator_of(path: str) -> str:
    """Return what stands between the components of a player's path."""
    return "\\" if is_windows(path) and "\\" in path else "/"


def within(path: str, folder: str) -> bool:
    """Whether a path of a player is a folder or below it; Windows makes no difference between cases and slashes."""
    inner, outer = (_comparable(one) for one in (path, folder))
    return inner[: len(outer)] == outer


def outermost(paths: Iterable[str]) -> list[str]:
    """Return the paths that are below no other of them."""
    known = {path: tuple(_comparable(path)) for path in paths}
    there = set(known.values())
    return [path for path, parts in known.items() if not any(parts[:n] in there for n in range(len(parts)))]


def is_same(one: str, other: str) -> bool:
    """Whether two paths of a player are one."""
    return _comparable(one) == _comparable(other)


def _comparable(path: str) -> list[str]:
    parts = components(path)
    return [part.casefold() for part in parts] if is_windows(path) else parts


def components(path: str) -> list[str]:
    """Return the components of a path of any spelling; doubled and trailing separators say nothing."""
    if is_windows(path):
        path = path.replace("\\", "/")
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_below(path: Sequence[str], folder: Sequence[str]) -> bool:
    return list(path[: len(folder)]) == list(folder)


def suggested(libraries: Iterable[str], roots: Sequence[str]) -> tuple[Pair, ...]:
    """Return a pair for each library that a player's folder seems to be, by another name.

    A folder of the player is ours when the end of its path is somewhere in ours; the longest such end, found deepest
    in our path, is the likeliest. A player with one folder, and we with one library, are taken at their word.
    """
    libraries = list(libraries)
    found = []
    for ours in libraries:
        if any(within(ours, root) for root in roots):
            continue  # it goes by the same name
        guesses = [(end, at, root) for root in roots for end, at in _overlaps(components(ours), components(root))]
        if guesses:
            _, at, root = max(guesses, key=lambda guess: guess[:2])
            found.append(Pair("/" + "/".join(components(ours)[:at]), root))
        elif len(libraries) == len(roots) == 1:
            found.append(Pair(ours, roots[0]))
    return tuple(found)


def _overlaps(ours: Sequence[str], theirs: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield how many of the last components of one path are in the other, and where they end there."""
    for at in range(1, len(ours) + 1):
        same = 0
        while same < min(at, len(theirs)) and ours[at - 1 - same].casefold() == theirs[-1 - same].casefold():
            same += 1
        if same:
            yield same, at
