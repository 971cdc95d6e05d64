"""A folder, and the libraries there are → whether it can be a root beside them, and its mark."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from config import users
from config.answering import ANSWERS, Silence
from config.errors import Misconfigured
from config.mounts import place_of
from config.reasons import show_path
from config.sentinel import SENTINEL, mark_root, read_sentinel

if TYPE_CHECKING:
    from config.libraries import Library

ONCE_PER_KIND = ("inbound", "staging")


def checked_folder(path: bytes) -> bytes:
    """Return the real path of a folder that could be a root; reads only. Raises Misconfigured with the reason."""
    shown = show_path(path)
    if not path.startswith(b"/") or b"\0" in path:
        raise Misconfigured(f"a library's path must be absolute, not {shown}", code="bad_path")
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        what = "a file, and no folder" if os.path.exists(real) else "no folder; create it first (is its disk mounted?)"
        raise Misconfigured(f"{shown} is {what}", code="bad_path")
    if real == b"/":
        raise Misconfigured("the root of the whole filesystem cannot be a library", code="bad_path")
    if not os.access(real, os.R_OK | os.W_OK | os.X_OK):
        whose, said = users.rights(os.stat(real)), users.refusal(real)
        message = f"{shown} cannot be read and written by {users.me()}: it is {whose}" + (f" ({said})" if said else "")
        raise Misconfigured(message, code="bad_path")
    return real


def refuse_clash(role: str, kind: str, path: bytes, existing: Sequence[Library]) -> None:
    """Raise Misconfigured if a real path cannot be a root beside those there are."""
    place, mark = place_of(path), None
    with suppress(OSError):
        mark = read_sentinel(path)
    for other in existing:
        how = _clash(path, other.path)
        if how is None and place and (theirs := place_of(other.path)) and place[0] == theirs[0]:
            seen = _clash(place[1], theirs[1])  # as a bind mount shows it elsewhere
            how = f"through another mount {seen}" if seen else None
        if how:
            raise Misconfigured(
                f"{show_path(path)} is {how} the {other.called} {show_path(other.path)}; libraries must be apart",
                code="nested_libraries",
            )
        if mark == other.root_uuid:
            raise Misconfigured(
                f"{show_path(path)} carries the mark of the {other.called} {show_path(other.path)}: it is the same "
                "folder mounted twice, or a copy; of a copy that is to take its place, move the old folder away first, "
                f"of any other, remove its {SENTINEL.decode()} file first",
                code="nested_libraries",
            )
        if role in ONCE_PER_KIND and (other.role, other.kind) == (role, kind):
            raise Misconfigured(
                f"{kind} already has the {role} library {show_path(other.path)}; remove it first",
                code="several_libraries",
            )


def _clash(path: bytes, other: bytes) -> str | None:
    if path == other:
        return "the same as"
    return "nested with" if path.startswith(other + b"/") or other.startswith(path + b"/") else None


def moved_here(role: str, kind: str, path: bytes, existing: Sequence[Library]) -> Library | None:
    """Return the library a real path is the folder of: it carries that one's mark, which is nowhere else; reads only.

    None, too, while the disk of that one is silent or in doubt: the folder may be a copy then.
    """
    with suppress(OSError):
        mark = read_sentinel(path)
        for other in existing:
            if mark == other.root_uuid and (role, kind) == (other.role, other.kind) and path != other.path:
                found = ANSWERS.ask(other.path)
                return None if isinstance(found, Silence) or found.mark == mark else other
    return None


def marked(path: bytes) -> str:
    """Mark a real path as a root, if it is not; return its mark. Raises Misconfigured."""
    try:
        return mark_root(path)
    except OSError as error:
        raise Misconfigured(
            f"{show_path(path)} cannot be marked as a root: {error.strerror}", code="bad_path"
        ) from error
