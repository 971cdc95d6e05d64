"""Each kind of file system in each of its roles → a house that has it there; skipped by name where there is none."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.cycles import House
from tests.filesystems.kinds import ALL, KINDS, ROLES, Kind, mounted
from tests.memory import memory


@pytest.fixture(scope="module", params=[kind for kind in KINDS if ALL or kind.always], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of file system."""
    kind: Kind = request.param
    return kind


@pytest.fixture(scope="module")
def disk(kind: Kind) -> Iterator[Path]:
    """A file system of the kind, for the tests of a module one after another."""
    with mounted(kind) as path:
        yield path


@pytest.fixture(params=ROLES if ALL else ["everything"])
def role(request: pytest.FixtureRequest) -> str:
    """What the file system is used for."""
    return str(request.param)


@pytest.fixture
def new_house(disk: Path, role: str) -> Iterator[Callable[[], House]]:
    """What makes an empty house with the file system in a role; its data, and its other roots, are in memory."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="greenroom-", dir=memory()) as folder:
        there = disk / Path(folder).name

        def make() -> House:
            name = f"{next(numbers)}"
            here = Path(folder, name)
            inbound, staging, library = (
                (there if kind in ROLES[role] else here.parent) / name / kind for kind in ROLES["everything"]
            )
            here.mkdir()
            return House(here, staging, inbound=inbound, library=library, filled=False)

        yield make
        shutil.rmtree(there, ignore_errors=True)


@pytest.fixture
def house(new_house: Callable[[], House]) -> House:
    """One such house."""
    return new_house()
