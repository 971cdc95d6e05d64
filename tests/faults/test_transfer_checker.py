"""The checker of the other fault tests must be able to fail: break each promise by hand, and it must say which."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete

from processor.tables import StagingFile, TransferRow
from tests.faults.world import ALBUMS, FOREIGN, Steps, World, complaints, move, put, unfinished

ALBUM = {b"Band - Two": ALBUMS[b"Band - Two"]}
ONE = b"Band - Two/CD 1/01.flac"


def lose_a_source(world: World) -> None:
    Path(os.fsdecode(os.path.join(world.inbound, ONE))).unlink()


def show_half_an_album(world: World) -> None:
    os.makedirs(os.path.join(world.staging, b"B/Band - Two"))


def overwrite(world: World) -> None:
    put(world.staging, dict.fromkeys(FOREIGN, b"ours now"))


def damage_what_is_listed(world: World) -> None:
    move(world, Steps())
    put(world.staging, {b"B/" + ONE: b"garbage"})


def remove_before_publishing(world: World) -> None:
    move(world, Steps())
    with world.database.begin() as connection:
        connection.execute(delete(StagingFile))
        connection.execute(delete(TransferRow))


@pytest.mark.parametrize(
    ("break_it", "promise"),
    [
        (lose_a_source, "I1"),
        (damage_what_is_listed, "I2"),
        (remove_before_publishing, "I3"),
        (overwrite, "I4"),
        (show_half_an_album, "half an album"),
    ],
)
def test_a_broken_promise_is_named(tmp_path: Path, break_it: Callable[[World], None], promise: str) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    assert list(complaints(world)) == []
    break_it(world)
    assert any(said.startswith(promise) for said in complaints(world))


def test_what_is_left_over_is_named(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    assert any("not staged" in said for said in unfinished(world))
    move(world, Steps())
    assert list(unfinished(world)) == []
    put(world.inbound, {b"x": b""})
    put(world.staging, {b".greenroom-tx/t/x": b""})
    said = " ".join(unfinished(world))
    assert "left in the inbound folder: b'x'" in said
    assert "left in the transfer folder" in said
    shutil.rmtree(os.path.join(world.staging, b"B"))
    assert any("not staged" in said for said in unfinished(world))
