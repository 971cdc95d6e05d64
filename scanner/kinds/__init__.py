"""The kinds of things that are taken in, one module each: a file name → its role, rows → groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from scanner.grouping.groups import FolderTracks, Group, SideRow


class Kind(NamedTuple):
    """One kind of thing: which files it is made of, what the files beside them are, and how they are put together.

    Extensions are in lower case, without the dot. `roles_by_name` is asked first; its keys are endings of whole names.
    """

    name: str
    audio_extensions: frozenset[str]
    roles_by_name: Mapping[str, str]
    roles_by_extension: Mapping[str, str]
    group: Callable[[Iterable[FolderTracks], Iterable[SideRow]], list[Group]]

    def role_of(self, name: bytes) -> str:
        """Return what a file is by its name: `b"Cover.JPG"` → `"picture"`, music → `"audio"`, else `"other"`."""
        _, dot, ending = name.rpartition(b".")
        extension = ending.decode("ascii", "replace").lower() if dot else ""
        if extension in self.audio_extensions:
            return "audio"
        lowered = name.decode("ascii", "replace").lower()
        by_name = (role for ending, role in self.roles_by_name.items() if lowered.endswith(ending))
        return next(by_name, self.roles_by_extension.get(extension, "other"))


def _declared() -> Iterable[Kind]:
    for module in sorted(Path(__file__).parent.glob("[!_]*.py")):  # pkgutil would import inspect, a tenth of a start
        yield import_module(f"{__name__}.{module.stem}").KIND


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _declared()}
"""Every kind by its name: each module of this folder declares one as `KIND`."""
