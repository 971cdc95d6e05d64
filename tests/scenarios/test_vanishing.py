"""Folders that go, come back or become something else while a cycle looks at them and moves them: no byte is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from config.lease import Guard
from processor.tables import TransferRow
from tests.scenarios.drops import songs
from tests.scenarios.house import House
from workflow.cycle import run_staging_cycle
from workflow.report import CycleReport
from workflow.request import Request


def go_away(album: Path, away: Path) -> None:
    """Rename the folder out of the tree."""
    album.rename(away)


def lose_a_song(album: Path, away: Path) -> None:
    """Take one file away."""
    away.mkdir()
    (album / "02 - Song 2.flac").rename(away / "02 - Song 2.flac")


def become_a_file(album: Path, away: Path) -> None:
    """Put a file in its place."""
    album.rename(away)
    album.write_bytes(b"a file now")


def become_a_link(album: Path, away: Path) -> None:
    """Lead whoever follows out of the tree."""
    album.rename(away)
    album.symlink_to(away)


def be_written_anew(album: Path, away: Path) -> None:
    """Let a tagger write each file anew, under the same name."""
    away.mkdir()
    for path in album.iterdir():
        data = path.read_bytes()
        path.rename(away / path.name)
        path.write_bytes(data + b"tagged")


class Moments:
    """Acts once, when a cycle reports progress of a kind, or is about to take a step of a kind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wanted = ""
        self.act: Callable[[], None] = lambda: None
        allow = Guard.check

        def check(guard: Guard, label: str) -> None:
            self.come(label)
            allow(guard, label)

        monkeypatch.setattr(Guard, "check", check)

    def come(self, label: str, *_: object) -> None:
        if label.split(maxsplit=1)[0] == self.wanted:
            self.wanted = ""
            self.act()

    def cycle(self, house: House, wanted: str, act: Callable[[], None]) -> CycleReport:
        """Run a cycle in which something happens at a moment."""
        self.wanted, self.act = wanted, act
        return run_staging_cycle(
            house.database,
            house.data,
            trigger="command",
            stop=threading.Event(),
            request=Request(),
            progress=self.come,
        )


@pytest.mark.parametrize("change", [go_away, lose_a_song, become_a_file, become_a_link, be_written_anew])
def test_what_changes_under_a_cycle_is_explained_and_no_byte_is_lost(
    house: House, tmp_path: Path, change: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = Moments(monkeypatch)
    for moment in ("read", "link", "switch", "unlink"):
        house.drop(songs(moment, "flac", range(1, 4), album=moment))
        album, away = house.inbound / moment, tmp_path / moment
        before = house.contents()
        report = moments.cycle(house, moment, partial(change, album, away))
        assert moments.wanted == "", f"no {moment} in this cycle"
        assert report.status == "done", (moment, report.error)
        assert all(a["reasons"] or a["outcome"] == "staged" for a in report.to_json()["albums"]), moment
        roots = (house.inbound, house.staging, away)
        there = Counter(path.name for root in roots for path in root.rglob("0? - Song ?.flac"))
        assert there >= Counter(f"0{n} - Song {n}.flac" for n in (1, 2, 3)), moment
        if album.is_symlink() or album.is_file():
            album.unlink()
        for path in away.rglob("*.flac"):  # what was taken away comes back, if nothing has its name now
            album.mkdir(exist_ok=True)
            if not (album / path.name).exists():
                path.rename(album / path.name)
        house.run()
        house.check_staging()
        if change is not be_written_anew:
            assert house.contents().keys() == before.keys(), moment
    with house.database.read() as connection:
        undone = connection.scalars(select(TransferRow.error).where(TransferRow.state != "done")).all()
    assert undone
    assert all(undone), "the journal does not say why a move was undone"
