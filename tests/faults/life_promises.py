"""A life → which promise to it is broken: at any instant, after a whole cycle, and once everything is settled."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from processor.publication import ledger
from processor.transfers.transfer import path_from_json
from tests.faults.cycles import open_transfers
from tests.faults.life import CYCLE, ROOTS, Life, digest, is_trashed, named
from workflow import history


def must_be_silent(complaints: Iterable[str]) -> None:
    """Raise AssertionError with what is complained of."""
    said = [*complaints]
    assert said == [], said


def complaints(life: Life) -> Iterator[str]:
    """Say what is broken, at any instant."""
    there = {digest(data) for _, data in life.files()}
    yield from (f"lost: {named(one)}" for one in life.owed - there)
    if life.is_meddled_with or life.away:
        return
    moving = [move for move in life.moves() if move.state in ("planned", "materialised", "published")]
    still = [item for item in life.items() if item["key"] not in [move.item["key"] for move in moving]]
    for item in still:
        if item["status"] != "missing":
            yield from (f"listed as {item['status']}, but not there: {path}" for path in gone(life, item))
    for path in shown(life, [item["id"] for item in still]):
        if not path.is_file():
            yield f"published, but not there: {path}"
    for move in moving:  # one rename shows a new album
        files = [os.path.join(move.dst_root, move.target, path_from_json(file["target"])) for file in move.files]
        is_hidden = move.kind in ("album", "publish") and move.state != "published"
        if is_hidden and 0 < sum(map(os.path.lexists, files)) < len(files):
            yield f"half an album is shown: {move.target}"


def cycle(life: Life, step: int | None = None) -> bool:
    """Run a cycle; if it came to its end, all is explained, and rows and disks agree. Tell whether it did."""
    ended = life.do(*CYCLE, step=step)
    report = json.loads(ended.out) if ended.status == 0 else {"status": None}
    if report["status"] != "done":
        return False
    must_be_silent(unexplained(life, report))
    if not (life.is_meddled_with or life.away):
        must_be_silent(disagreements(life))
    return True


def changes_nothing(life: Life) -> None:
    """Run a cycle after another one: nothing is touched, and no row is another."""
    before = life.look()
    assert cycle(life)
    must_be_silent(differences(before, life.look()))


def differences(before: Iterable[object], now: Iterable[object]) -> Iterator[str]:
    """Say what is another than it was."""
    yield from (f"{was} is now {became}" for was, became in zip_longest(before, now) if was != became)


def settles(life: Life) -> None:
    """Let everything come to its end: nothing is open then, and every tool is content, or tells what was done to us."""
    life.do("recover", "--json")
    assert cycle(life) or life.is_meddled_with
    assert any(cycle(life) for _ in ROOTS)  # those of which too much is missing are suspended, one after another
    changes_nothing(life)
    if life.is_meddled_with:
        life.do("fsck", "--adopt", "--json")
        again = json.loads(life.do("fsck", "--adopt", "--json").out)["findings"]
        must_be_silent(f"repaired again: {finding}" for finding in again if finding["repaired"])
        assert cycle(life)
    found = json.loads(life.do("fsck", "--json").out)["findings"]
    looks = [look for look in json.loads(life.do("verify", "--all", "--json").out) if look["findings"]]
    told = {one["item"] for one in (*found, *looks)}
    for item in life.items():  # of what was edited somebody may have been told before
        lost = [path for path in gone(life, item) if not os.path.lexists(path)]
        assert item["status"] == "missing" or item["id"] in told or lost == [], (item, lost)
    if not life.is_meddled_with:
        must_be_silent(map(str, [*found, *looks]))
        must_be_silent(open_transfers(life))
        must_be_silent(f"still running: {run}" for run in life.runs() if run["status"] == "running")
        explained = life.do("libraries", "explain", "--json")
        assert explained.status == 0, explained
        must_be_silent(wrong_histories(life))
    must_be_silent(complaints(life))


def shown(life: Life, items: Collection[int]) -> list[Path]:
    """Return the files that some items have in a library."""
    with life.database() as database, database.read() as connection:
        entries = [entry for entry in ledger.entries(connection) if entry.item_id in items]
    return [life.root(entry.root_uuid) / os.fsdecode(entry.path) for entry in entries]


def gone(life: Life, item: Mapping[str, Any]) -> list[str]:
    """Return the files of an item that are not there as they are listed."""
    folder = life.root(item["root_uuid"]) / os.fsdecode(item["path"])
    files = [(folder / os.fsdecode(file["path"]), file["size"]) for file in item["files"]]
    return [str(path) for path, size in files if not path.is_file() or path.stat().st_size != size]


def unexplained(life: Life, report: Mapping[str, Any]) -> Iterator[str]:
    """Say which album stayed in inbound for no reason, and which music the report of a cycle does not tell of."""
    albums = report["albums"]
    yield from (f"no reason: {album}" for album in albums if album["outcome"] != "staged" and not album["reasons"])
    told = {one["path"] for one in report["ignored"]}
    for album in albums:
        told |= {track["source"] for track in album["tracks"]} | {reason["path"] for reason in album["reasons"]}
    for path in life.visible("inbound"):
        if path.suffix in (".mp3", ".flac") and not {str(path), *map(str, path.parents)} & told:
            yield f"nobody explains {path}"


def disagreements(life: Life) -> Iterator[str]:
    """Say where rows and disks are not one, after a cycle of which nothing was disturbed."""
    with life.database() as database, database.read() as connection:
        ours = ledger.entries(connection)
    listed = set()
    for entry in ours:
        listed.add(path := life.root(entry.root_uuid) / os.fsdecode(entry.path))
        if not path.is_file() or entry.sha256 not in (None, digest(path.read_bytes()).hex()):
            yield f"the ledger knows {path} otherwise"
    for item in life.items():
        folder = life.root(item["root_uuid"]) / os.fsdecode(item["path"])
        listed |= {folder / os.fsdecode(file["path"]) for file in item["files"]}
    for path, _ in life.files(*ROOTS[1:]):
        if not (path in listed or is_trashed(path) or path.name.startswith("mine")):
            yield f"nobody lists {path}"


def wrong_histories(life: Life) -> Iterator[str]:
    """Say whose history does not end with what the item is."""
    for item in life.items():
        with life.database() as database, database.read() as connection:
            said = [one["status"] for one in history.of_item(connection, item["id"]) if one["status"]]
        if said[-1:] != [item["status"]]:
            yield f"item {item['id']} is {item['status']}, its history says {said}"
