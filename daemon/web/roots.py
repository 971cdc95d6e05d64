"""Libraries, and paths that may become some → what a person has to know of each: usable, how full, on which disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from config.errors import GreenroomError, Misconfigured
from config.lease import holder
from config.libraries import Library, checked_folder, list_libraries, refuse_clash, verify_root
from config.machine import NETWORK_FILESYSTEMS, filesystem_type
from processor.space import human_size

PARTNER: Final = {"inbound": "staging", "staging": "inbound"}  # between these albums move
Tone = Literal["good", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Root:
    """One library as it is at this moment; sizes in bytes, None while its disk does not answer."""

    library: Library
    problem: str | None
    holder: str | None  # who works there just now
    free: int | None
    total: int | None


def roots(connection: Connection) -> list[Root]:
    """Look at every library."""
    return [_root(library, holder(connection, library.root_uuid)) for library in list_libraries(connection)]


def examine(path: bytes, role: str, kind: str, existing: Sequence[Library]) -> Iterator[tuple[Tone, str]]:
    """Say sentence by sentence what speaks for and against a path as a library; nothing is written."""
    try:
        real = checked_folder(path)
        yield "good", "It is a folder that can be read and written."
        refuse_clash(role, kind, real, existing)
        yield "good", "It lies apart from the other libraries."
        yield from _disk(real, next((lib for lib in existing if lib.role == PARTNER.get(role)), None))
    except Misconfigured as error:
        yield "problem", error.message[:1].upper() + error.message[1:] + "."
    except OSError as error:
        yield "problem", f"Its disk does not answer: {error.strerror}."


def _disk(path: bytes, partner: Library | None) -> Iterator[tuple[Tone, str]]:
    found = os.statvfs(path)
    yield (
        "good",
        f"{human_size(found.f_bavail * found.f_frsize)} of {human_size(found.f_blocks * found.f_frsize)} free.",
    )
    if network := NETWORK_FILESYSTEMS.get(filesystem_type(path)):
        yield "note", f"It is on a network filesystem ({network}); see `greenroom doctor` for what that means."
    if partner is None:
        return
    if os.stat(path).st_dev == os.stat(partner.path).st_dev:
        yield "good", f"It is on the same filesystem as {partner.role}: albums can be linked, not copied."
    else:
        yield "note", f"It is on another filesystem than {partner.role}: albums will be copied and verified."


def _root(library: Library, holds: str | None) -> Root:
    try:
        verify_root(library)
        found = os.statvfs(library.path)
    except GreenroomError as error:
        return Root(library, error.message, holds, None, None)
    except OSError as error:
        return Root(library, f"its disk does not answer: {error.strerror}", holds, None, None)
    size = found.f_frsize
    return Root(library, None, holds, found.f_bavail * size, found.f_blocks * size)
