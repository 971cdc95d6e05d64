"""Rights an admin wants of what is published → files and folders that have them, durably; which cannot is said.

Players often run as other users, in containers of their own, and music keeps the rights it was dropped with.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

from config.errors import Misconfigured
from config.leave import changing
from config.reasons import Reason
from processor.filesystem.files import Tree, is_file
from processor.filesystem.paths import way_to
from processor.filesystem.rights import NOT_SET
from processor.transfers.guard import Guard

_MODE: Final = re.compile(r"[0-7]{3,4}")
KEEP: Final = -1  # what chown(2) takes for the owner or group as it is
LARGEST: Final = (1 << 32) - 2  # the number after it is KEEP to chown(2)


class Access(NamedTuple):
    """Rights and owners, as numbers; None and KEEP leave them as they are."""

    file: int | None = None  # as of chmod(2)
    folder: int | None = None
    uid: int = KEEP
    gid: int = KEEP


AS_IS: Final = Access()


def mode_of(text: str, needs: int) -> int | None:
    """Read rights as chmod(1) does, in octal; None for "". Raises ValueError where the owner would not have `needs`."""
    if not text:
        return None
    if not _MODE.fullmatch(text) or int(text, 8) & needs != needs:
        raise ValueError(f"must be rights in octal that leave us ours, such as {0o664 | needs:o}")
    return int(text, 8)


def owner_of(text: str) -> tuple[int, int]:
    """Read `user`, `user:group` or `:group`, by name or number. Raises Misconfigured for who is unknown here."""
    user, _, group = text.partition(":")
    try:
        return (
            _number(user, lambda name: pwd.getpwnam(name).pw_uid),
            _number(group, lambda name: grp.getgrnam(name).gr_gid),
        )
    except (KeyError, ValueError):
        raise Misconfigured(f"phase.publish.owner: nobody here is called {text!r}", code="unknown_owner") from None


def _number(name: str, of_name: Callable[[str], int]) -> int:
    """Return the number of a user or a group. Raises KeyError or ValueError for what is none."""
    if not name:
        return KEEP
    number = int(name) if name.isascii() and name.isdigit() else of_name(name)
    if number > LARGEST:
        raise ValueError("chown(2) takes no such number")
    return number


def give(tree: Tree, paths: Iterable[bytes], access: Access) -> list[bytes]:
    """Give files and folders their rights; return those that could not have them."""
    return [path for path in paths if not given(tree, path, access)]


def given(tree: Tree, path: bytes, access: Access) -> bool:
    """Give a file or a folder its rights, durably; return whether it has all of them."""
    if access == AS_IS:
        return True
    with tree.explained("set the rights of", path), changing(tree.root):
        return _given(tree, path, access)


def make_above(tree: Tree, path: bytes, access: Access, guard: Guard) -> list[bytes]:
    """Make the folders above a path that are not there, each with its rights; return those that could not have them.

    An empty one may be what a killed try left without them.
    """
    refused = []
    for folder in way_to(path):
        guard.check("make above")
        is_new = tree.stat(folder) is None
        tree.make(folder)
        if (is_new or (access != AS_IS and not tree.names(folder))) and not given(tree, folder, access):
            refused.append(folder)
    return refused


def rights_kept(tree: Tree, refused: Sequence[bytes]) -> list[Reason]:
    """Return why some could not get their rights, in one sentence; nothing where there are none."""
    if not refused:
        return []
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    message = (
        f"{tree.shown(refused[0])}{more} keeps its rights or owner: only its owner may change the rights,"
        " only root the owner, and only a member of a group may give it to that; a systemd unit may forbid more."
    )
    return [Reason("rights_kept", message, refused[0])]


def _given(tree: Tree, path: bytes, access: Access) -> bool:
    if is_file(tree.stat(path)):
        with tree.opened(path) as fd:
            return _set(fd, access, access.file)
    folder = tree.folder(path)
    # As chmod(1): the set-group-ID bit of a folder, which folders in it inherit, is not taken away by rights in octal.
    inherited = os.fstat(folder).st_mode & stat.S_ISGID
    return _set(folder, access, None if access.folder is None else access.folder | inherited)


def _set(fd: int, access: Access, mode: int | None) -> bool:
    """Set what is not so yet, durably, and return if all of it could be; what is refused keeps nothing else from it."""
    found = os.fstat(fd)
    calls = []
    if access.uid not in (KEEP, found.st_uid) or access.gid not in (KEEP, found.st_gid):
        calls.append(partial(os.fchown, fd, access.uid, access.gid))
    if mode is not None and stat.S_IMODE(found.st_mode) != mode:
        calls.append(partial(os.fchmod, fd, mode))  # after the owner, whose change takes set-id bits away
    refused = 0
    for call in calls:
        try:
            call()
        except OSError as error:
            if error.errno not in NOT_SET:
                raise
            refused += 1
    if len(calls) > refused:
        os.fsync(fd)
    return not refused
