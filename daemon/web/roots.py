"""Libraries, and paths that may become some → what a person has to know of each: usable, how full, on which disk."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple

from config.errors import GreenroomError, Misconfigured
from config.lease import holder
from config.libraries import Library, list_libraries, verify_root
from config.machine import NETWORK_FILESYSTEMS, filesystem_type, free_bytes
from config.mounts import damage
from config.reasons import show_path
from config.root_folders import checked_folder, moved_here, refuse_clash
from daemon.actions import libraries
from daemon.bootstrap import Application
from daemon.disks import Seen
from processor.planning.space import human_size
from processor.transfers.materialise import expected_way
from processor.transfers.transfer import Strategy

PARTNER: Final = {"inbound": "staging", "staging": "inbound"}  # between these albums move
Tone = Literal["good", "note", "problem"]
_WAYS: Final[dict[Strategy, tuple[Tone, str]]] = {
    "link": ("good", "It is on the same filesystem as {}: albums can be linked, not copied."),
    "clone": ("good", "It shares a filesystem with {}: albums are cloned, which takes no room."),
    "copy": ("note", "It is on another filesystem than {}: albums will be copied and verified."),
}


class Sight(NamedTuple):
    """What was seen of a library's root; sizes in bytes."""

    problem: str | None
    free: int | None
    total: int | None
    damage: str | None = None  # which keeps nothing from working there


@dataclass(frozen=True, slots=True)
class Root:
    """One library as it is at this moment, or, while its disk does not answer, as it was; None is unknown."""

    library: Library
    problem: str | None
    holder: str | None  # who works there just now
    free: int | None  # bytes
    total: int | None
    as_of: dt.datetime | None  # when that was seen, if not now
    damage: str | None


def is_late(app: Application) -> bool:
    """Tell whether the disk of any library does not answer; nobody waits for long."""
    with app.database.read() as connection:
        found = list_libraries(connection)
    looks: dict[Hashable, Callable[[], Sight]] = {library.path: partial(_sight, library) for library in found}
    return any(seen.late is not None for seen in app.disks.ask(looks).values())


def roots(app: Application) -> list[Root]:
    """Look at every library; a disk that does not answer holds nobody up for longer than `daemon.disks` says."""
    with app.database.read() as connection:
        found = [(library, holder(connection, library.root_uuid)) for library in list_libraries(connection)]
    seen = app.disks.ask({library.path: partial(_sight, library) for library, _ in found})
    return [_root(library, holds, seen[library.path]) for library, holds in found]


def checked(app: Application, path: bytes, role: str, kind: str) -> list[tuple[Tone, str]]:
    """Say what speaks for and against a path as a library; nothing is written, and nobody waits for long."""
    with app.database.read() as connection:
        existing = list_libraries(connection)
    asked = (path, role, kind)
    seen: Seen[list[tuple[Tone, str]]] = app.typed.ask({asked: lambda: list(examine(*asked, existing))})[asked]
    return seen.value if seen.late is None and seen.value is not None else [("problem", "Its disk does not answer.")]


def add(app: Application, path: bytes, role: str, kind: str, *, actor: str) -> None:
    """Add a library, if its disk answers. Raises what `daemon.actions.libraries.add` and `Disks.do` do."""
    app.disks.do(("add", path), lambda: libraries.add(app, role, path, kind=kind, actor=actor))


def resume(app: Application, library_id: int, *, actor: str, times: int = 1) -> int:
    """Resume a library, and return how many items are now known as missing: each album is looked for."""
    work = partial(libraries.resume, app, library_id, actor=actor)
    return app.disks.do(("resume", library_id), work, times=times)[1]


def examine(path: bytes, role: str, kind: str, existing: Sequence[Library]) -> Iterator[tuple[Tone, str]]:
    """Say sentence by sentence what speaks for and against a path as a library; nothing is written."""
    try:
        real = checked_folder(path)
        yield "good", "It is a folder that can be read and written."
        moved = moved_here(role, kind, real, existing)
        refuse_clash(role, kind, real, [other for other in existing if other != moved])
        yield "good", "It lies apart from the other libraries."
        if moved:
            yield "good", f"It is the {moved.called} that was {show_path(moved.path)}, and goes on here."
        yield from _disk(real, next((lib for lib in existing if lib.role == PARTNER.get(role)), None))
    except Misconfigured as error:
        yield "problem", error.message[:1].upper() + error.message[1:] + "."
    except OSError as error:
        yield "problem", f"Its disk does not answer: {error.strerror}."


def _disk(path: bytes, partner: Library | None) -> Iterator[tuple[Tone, str]]:
    found = os.statvfs(path)
    if (free := free_bytes(found)) is None:
        yield "good", "Its disk does not say how much is free."
    else:
        yield "good", f"{human_size(free)} of {human_size(found.f_blocks * found.f_frsize)} free."
    if network := NETWORK_FILESYSTEMS.get(filesystem_type(path)):
        yield "note", f"It is on a network filesystem ({network}); see `greenroom doctor` for what that means."
    if partner is None:
        return
    tone, said = _WAYS[expected_way(partner.path, path)]  # the one that has its mark
    yield tone, said.format(partner.role)


def _sight(library: Library) -> Sight:
    try:
        verify_root(library)
        found = os.statvfs(library.path)
    except GreenroomError as error:
        return Sight(error.message, None, None)
    except OSError as error:
        return Sight(f"its disk does not answer: {error.strerror}", None, None)
    return Sight(None, free_bytes(found), found.f_blocks * found.f_frsize, damage(library.path))


def _root(library: Library, holds: str | None, seen: Seen[Sight]) -> Root:
    sight = seen.value or Sight(None, None, None)
    if seen.late is None:
        return Root(library, sight.problem, holds, sight.free, sight.total, None, sight.damage)
    late = f"its disk has not answered for {seen.late:.0f} s"
    return Root(library, late, holds, sight.free, sight.total, seen.at, sight.damage)
