"""A small installation with two roots → cycles run in it, and what must hold after every one of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import admin, libraries
from config.database import Database
from config.reasons import show_path
from config.sentinel import read_sentinel
from processor.transfers import sidecar
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.trash import TRASH
from scanner.options import silent
from tests.databases import opened
from tests.items import recorded
from tests.scenarios.drops import Thing, lay_out
from workflow.cycle import run_staging_cycle
from workflow.report import CycleReport
from workflow.request import Request

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Tree = dict[bytes, tuple[int, ...]]


@dataclass
class House:
    """Two roots and a database. `cycle` runs a cycle and checks every promise that does not depend on the drop."""

    inbound: Path
    staging: Path
    data: Path
    database: Database
    report: CycleReport = field(init=False)

    @classmethod
    def make(cls, folder: Path, url: str, inbound: Path | None = None) -> House:
        """Make and register the roots below `folder`; `inbound` may be elsewhere."""
        house = cls(inbound or folder / "inbound", folder / "staging", folder / "data", opened(url))
        for root in (house.inbound, house.staging, house.data):
            root.mkdir(exist_ok=True)
        with house.database.begin() as connection:
            for role, root in (("inbound", house.inbound), ("staging", house.staging)):
                libraries.add_library(connection, role, os.fsencode(root), now=NOW)
        house.change(quiet_seconds="0", reserve_mib="0", workers="2")
        return house

    def change(self, **values: str) -> None:
        """Change settings by their short names."""
        with self.database.begin() as connection:
            for key, value in values.items():
                admin.put(connection, key, value, actor="test", now=NOW)

    def drop(self, drop: Mapping[str, Thing]) -> None:
        """Put files into inbound."""
        lay_out(self.inbound, drop)

    def run(self, **request: Any) -> CycleReport:
        """Run one cycle and nothing else."""
        return run_staging_cycle(
            self.database,
            self.data,
            trigger="command",
            stop=threading.Event(),
            request=Request(**request),
            progress=silent,
        )

    def cycle(self, *, rehearsed: bool = True) -> list[str]:
        """Run a cycle, after a dry run that must foretell it, and again to see that nothing is left to do.

        Returns one line for each album, sorted; the whole report is in `report`.
        """
        before, bytes_before = self.look(), self.contents()
        told = self.run(dry_run=True) if rehearsed else None
        assert self.look() == before, "a dry run touched something"
        self.report = self.run()
        assert self.report.status == "done", self.report.error
        assert self.contents() == bytes_before, "bytes were lost, doubled or changed"
        if told is not None:
            assert lines(told) == lines(self.report)
            assert _targets(told) == _targets(self.report)
        self.check_staging()
        self.check_inbound()
        self._check_idle()
        return lines(self.report)

    def look(self) -> tuple[Tree, Tree]:
        """Return what stat says of everything in both roots."""
        return seen(self.inbound), seen(self.staging)

    def contents(self) -> Counter[str]:
        """Count the files of both roots by their digest, without those Greenroom itself wrote."""
        return Counter(digest(path) for path in self.dropped_files())

    def items(self) -> dict[str, dict[str, Any]]:
        """Return the staging items by key."""
        with self.database.read() as connection:
            return {item["key"]: item for item in recorded(connection)}

    def albums(self) -> list[dict[str, Any]]:
        """Return the albums of the last report as scripts see them."""
        albums: list[dict[str, Any]] = self.report.to_json()["albums"]
        return albums

    def codes(self) -> set[str]:
        """Return the codes of all reasons the albums of the last report have."""
        return {reason["code"] for album in self.albums() for reason in album["reasons"]}

    def ignored(self) -> dict[str, str]:
        """Return what the last report ignored: path relative to inbound → code."""
        return {show_path(reason.path or b""): reason.code for reason in self.report.ignored}

    def staged(self) -> list[str]:
        """Return the files in staging, relative and as text, without those Greenroom itself wrote."""
        root = os.fsencode(self.staging)
        return sorted(show_path(os.path.relpath(path, root)) for path in self.staged_files())

    def dropped_files(self) -> Iterator[bytes]:
        """Yield every regular file in both roots but those Greenroom itself wrote."""
        yield from (path for path in _regular(self.inbound) if os.path.basename(path) != b".greenroom-root")
        yield from self.staged_files()

    def staged_files(self) -> Iterator[bytes]:
        """Yield every regular file in staging but those Greenroom itself wrote."""
        for path in _regular(self.staging):
            folder, name = os.path.split(path)
            hidden = os.path.basename(folder) in (TX, TRASH) and name in PLAYER_IGNORES
            if not hidden and name not in (b".greenroom-root", sidecar.NAME):
                yield path

    def check_staging(self) -> None:
        """Staging holds exactly the files of the items, each with its sidecar, and nothing hidden is left behind."""
        root = os.fsencode(self.staging)
        listed: dict[bytes, int] = {}
        for item in self.items().values():
            folder = os.path.join(root, item["path"])
            if item["root_uuid"] != read_sentinel(root):
                continue  # it was moved into a library
            assert os.path.isfile(os.path.join(folder, sidecar.NAME))
            listed |= {os.path.join(folder, file["path"]): file["size"] for file in item["files"]}
        assert {path: os.path.getsize(path) for path in self.staged_files()} == listed
        hidden = os.path.join(root, TX)
        assert not os.path.isdir(hidden) or not any(entry.is_dir() for entry in os.scandir(hidden))

    def check_inbound(self) -> None:
        """The report's paths are real, and everything that stays in inbound is explained."""
        told = {reason.path for reason in self.report.ignored}
        for album, shown in zip(self.report.albums, self.albums(), strict=True):
            assert shown["reasons"] or shown["outcome"] == "staged"
            if album.outcome == "staged":
                assert album.target is not None
                folder = os.path.join(os.fsencode(self.staging), album.target)
                assert all(os.path.isfile(os.path.join(folder, file.target)) for file in album.files)
                told |= {reason.path for reason in album.reasons}
            else:
                assert all(track["path"] is None for track in shown["tracks"])
                assert all(os.path.lexists(self.inbound / os.fsdecode(file.source)) for file in album.files)
                told |= {file.source for file in album.files}
        root = os.fsencode(self.inbound)
        for path in everything(self.inbound):
            relative = os.path.relpath(path, root)
            if relative != b".greenroom-root":
                assert any(above in told for above in _upwards(relative)), f"nobody explains {relative!r}"

    def _check_idle(self) -> None:
        before, items = self.look(), self.items()
        again = self.run()
        assert again.status == "done", again.error
        assert not [line for line in lines(again) if line.startswith("staged")], "a second run staged more"
        assert self.look() == before, "a second run changed files"
        assert self.items() == items, "a second run changed rows"


def lines(report: CycleReport) -> list[str]:
    """Return each album of a report as "outcome artist / album (year): 3 tracks on 2 discs", sorted."""
    return sorted(_line(album) for album in report.to_json()["albums"])


def _line(album: dict[str, Any]) -> str:
    year = f" ({album['year']})" if album["year"] else ""
    discs = f" on {album['discs']} discs" if album["discs"] > 1 else ""
    plural = "" if len(album["tracks"]) == 1 else "s"
    name = f"{album['album_artist']} / {album['album']}{year}"
    return f"{album['outcome']} {name}: {len(album['tracks'])} track{plural}{discs}"


def _targets(report: CycleReport) -> list[tuple[str, bytes | None]]:
    return [(album.group.key, album.target) for album in report.albums]


def _upwards(path: bytes) -> Iterator[bytes]:
    while path:
        yield path
        path = os.path.dirname(path)


def everything(root: Path) -> Iterator[bytes]:
    """Yield everything below a root that is no folder."""
    for folder, folders, names in os.walk(os.fsencode(root)):
        yield from (os.path.join(folder, name) for name in names)
        yield from (path for name in folders if os.path.islink(path := os.path.join(folder, name)))


def _regular(root: Path) -> Iterator[bytes]:
    return (path for path in everything(root) if stat.S_ISREG(os.lstat(path).st_mode))


def digest(path: bytes) -> str:
    """Return the digest of a file; a hole of many gigabytes is told by its size alone."""
    if os.path.getsize(path) > 1 << 24:
        return f"large {os.path.getsize(path)}"
    return hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()


def seen(root: Path) -> Tree:
    """Return what stat says of everything below a root, folders included; the time of access apart."""
    tree: Tree = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in (b".", *folders, *names):
            path = os.path.normpath(os.path.join(folder, name))
            found = os.lstat(path)
            tree[path] = (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return tree
