"""A mount whose attributes the kernel remembers for a second → what just lost another name is not taken for edited."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from processor.filesystem.files import Tree
from processor.publication.laying import transfer_files
from scanner.identity import Identity
from tests.faults.cycles import House, lost
from tests.faults.steps import run_until
from tests.faults.subjects import CYCLE
from tests.faults.trials import must
from tests.filesystems.kinds import KINDS, Kind, mounted
from tests.items import album
from tests.memory import memory

REMEMBERED = 1.1  # seconds, and a little more: as long as most FUSE programs let it
POOLS = [kind for kind in KINDS if kind.name in ("bindfs", "mergerfs")]


@pytest.mark.parametrize("kind", POOLS, ids=lambda kind: kind.name)
def test_what_was_staged_this_instant_is_published_with_the_change_time_it_has(kind: Kind) -> None:
    item = album(path=b"Album")
    with mounted(kind) as disk:
        files = [disk / os.fsdecode(item.path + b"/" + file.path) for file in item.files]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"music")
            loses_a_name(file)
        planned = transfer_files(Tree(os.fsencode(disk)), item, {file.path: file.path for file in item.files})
        time.sleep(REMEMBERED)
        assert [file.identity for file in planned] == [Identity.of(file.stat()) for file in files]


@pytest.mark.parametrize("step", [3, 4])  # between the look and what is done
def test_what_was_staged_this_instant_is_taken_back(step: int) -> None:
    with mounted(POOLS[-1]) as disk, tempfile.TemporaryDirectory(prefix="greenroom-", dir=memory()) as folder:
        house = House(Path(folder), disk / "staging", inbound=disk / "inbound")
        must(house, *CYCLE)
        undo = ("undo", str(house.runs()[0]["id"]))
        for path in house.staging.rglob("01*.*"):
            loses_a_name(path)
        assert run_until(house, step, lambda _label: time.sleep(REMEMBERED), *undo) == 0, house.ended(1)
        assert (house.items(), list(lost(house))) == ([], [])


def loses_a_name(file: Path) -> None:
    """Have the kernel remember a file that has two names, and take the other one away, as a cycle does."""
    other = file.with_name("other")
    other.hardlink_to(file)
    file.stat()
    time.sleep(0.02)  # so that the change times differ on any clock
    other.unlink()
