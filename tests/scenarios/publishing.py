"""A house with a library or two → albums approved and published there, and what must hold after each of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from config import libraries
from config.answering import ANSWERS, Sight, look_at
from config.reasons import show_path
from processor.filesystem.files import Tree
from processor.publication import ledger, planning
from processor.publication.drafting import Plan
from processor.publication.given import Chosen, Publishing
from processor.publication.pictures import Picture
from processor.publish import Outcome
from processor.taking_back import TakenBack
from processor.transfers import sidecar
from processor.transfers.hidden import PLAYER_IGNORES, TX
from tests.scenarios.drops import Drop, songs
from tests.scenarios.house import NOW, House, digest, everything
from workflow.operations import deciding, publishing
from workflow.phase import settings_of

LOW_TIDE: Final = songs("Low Tide", "flac", range(1, 3), date="2014")


def add_library(house: House, name: str = "library", root: Path | None = None) -> Path:
    """Register a library: a folder that is there, or a new one beside the other roots."""
    if root is None:
        root = house.staging.parent / name
        root.mkdir()
    with house.database.begin() as connection:
        libraries.add_library(connection, "library", os.fsencode(root), now=NOW)
    house.change(library_reserve_mib="0")
    return root


def staged(house: House, drop: Drop = LOW_TIDE) -> tuple[Path, int]:
    """Make a library, and an album that is approved; return where the one is, and the item of the other."""
    library = add_library(house)
    house.drop(drop)
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    return library, item_id


def given(house: House, chosen: Chosen | None = None) -> Publishing:
    """Return what publishing works with, by the settings now; `chosen` are the pictures, if not those selected."""
    with house.database.read() as connection:
        settings = settings_of(connection, "publish")
    found = publishing.prepare(house.database, house.data, settings.options())
    return found if chosen is None else replace(found, chosen=lambda *_: chosen)


def picture(house: House, type: str, data: bytes, rank: int = 1, ext: str = "jpg") -> Picture:
    """Put a picture into the cache, as one that was selected."""
    blob = given(house).cache.put(data, ext, NOW)
    return Picture(type, rank, blob.sha256, ext)


def approve(house: House, *keys: str) -> list[int]:
    """Approve the items of these keys, or all."""
    ids = [item["id"] for key, item in house.items().items() if not keys or key in keys]
    for item_id in ids:
        deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    return ids


def publish(house: House, item_id: int, chosen: Chosen | None = None, *, rename: bool = False) -> Outcome:
    """Publish an item after a dry run that must foretell it, and check every promise."""
    plan = rehearse(house, item_id, chosen, rename=rename)
    outcome = publishing.publish_item(given(house, chosen), item_id, threading.Event(), actor="eva", rename=rename)
    if outcome.outcome != "failed":
        assert (outcome.plan.kind, outcome.plan.folder, outcome.plan.files) == (plan.kind, plan.folder, plan.files)
    check_libraries(house)
    return outcome


def rehearse(house: House, item_id: int, chosen: Chosen | None = None, *, rename: bool = False) -> Plan:
    """Say what publishing would come to; touches nothing."""
    before = house.look()
    plan = planning.plan(given(house, chosen), item_id, rename=rename)
    assert house.look() == before
    return plan


def take_out(house: House, item_id: int) -> TakenBack:
    """Take an item out of its library."""
    done = publishing.unpublish_item(given(house), item_id, threading.Event(), actor="eva")
    check_libraries(house)
    return done


def hang(root: Path, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the disk of a root hang, which nobody may open any more then, until the event that is returned is set."""
    answers, silent, open_tree = threading.Event(), os.fsencode(root), Tree.__init__

    def look(asked: bytes) -> Sight:
        assert asked != silent or answers.wait(60)
        return look_at(asked)

    def opened(tree: Tree, root: bytes) -> None:
        assert root != silent, "this would wait for ever"
        open_tree(tree, root)

    monkeypatch.setattr(Tree, "__init__", opened)
    monkeypatch.setattr(ANSWERS, "_do", look)
    monkeypatch.setattr(ANSWERS, "patience", 1.0)
    return answers


def published(root: Path) -> list[str]:
    """Return the files of a library, without what marks it as a root and keeps players out of hidden folders."""
    return sorted(show_path(os.path.relpath(path, os.fsencode(root))) for path in _files(root))


def check_libraries(house: House) -> None:
    """Every ledger entry is a file that is as it says; nothing hidden is left; every item's files are where it says."""
    with house.database.read() as connection:
        roots = {lib.root_uuid: lib.path for lib in libraries.list_libraries(connection)}
        entries = ledger.entries(connection)
    for entry in entries:
        path = os.path.join(roots[entry.root_uuid], entry.path)
        assert os.path.isfile(path), f"the ledger names {path!r}"
        if entry.role != "sidecar":
            assert os.path.getsize(path) == entry.size
        if entry.sha256 is not None:
            assert digest(path) == entry.sha256
    for item in house.items().values():
        for file in item["files"]:
            path = os.path.join(roots[item["root_uuid"]], item["path"], file["path"])
            assert os.path.getsize(path) == file["size"]
    for root in roots.values():
        hidden = os.path.join(root, TX)
        assert not os.path.isdir(hidden) or not any(entry.is_dir() for entry in os.scandir(hidden))


def unexplained(house: House, root: Path) -> list[str]:
    """Return the files of a library the ledger does not know."""
    with house.database.read() as connection:
        known = {show_path(entry.path) for entry in ledger.entries(connection)}
    return [path for path in published(root) if path not in known]


def _files(root: Path) -> Iterator[bytes]:
    for path in everything(root):
        folder, name = os.path.split(path)
        if name != b".greenroom-root" and not (os.path.basename(folder) == TX and name in PLAYER_IGNORES):
            yield path


OWN = sidecar.NAME.decode()
