"""Albums staged, published, taken back … on each kind of file system, in each role: whole, quiet, killed or full."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from processor.metadata import rows
from processor.metadata.documents import ITSELF
from tests.faults.cycles import House, albums, converges, encoded, lost, music, wrong_items
from tests.faults.libraries import to_publish
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import CYCLE, SUBJECTS, Subject
from tests.faults.trials import Trial, must
from tests.filesystems.kinds import ALL, EXCHANGE, FULL, LINKS, ROLES, Kind
from tests.music import write_track
from workflow.operations.tagging import tag_item

NO_LIBRARY = [role for role in ROLES if role != "library"]
IN_STAGING = pytest.mark.parametrize("role", NO_LIBRARY[: None if ALL else 1], indirect=True)  # it needs no library
TAKES = {  # what a file system must be able to do for it, where staging is
    **dict.fromkeys(("merge", "undo of a merge", "late tracks, published", "publish late tracks"), LINKS),
    **dict.fromkeys(("replace", "undo of a replacement"), EXCHANGE),
}
NAMES = {subject.name: subject for subject in SUBJECTS}
ODD = {  # names that have to be changed on some file systems, are long, or are written in two ways
    "VA-Nacht: «Ünter?» *": [("Zoë Ø", "AC/DC: Live?"), ("雨宮", "夜 " * 20), ("Ålesund", "COM1"), ("Zoë Ø", "Ende.")],
}


def drop_odd(house: House) -> None:
    """Drop the three albums, and a compilation beside whose music lie a picture and a cue sheet."""
    house.drop(albums())
    for album, songs in ODD.items():
        for n, (artist, title) in enumerate(songs, 1):
            tags = {"artist": artist, "title": title, "album": album, "track": f"{n}", "compilation": "1"}
            house.drop({f"VA - Nacht/{n:02} Lied.flac": encoded(**tags, date="2001")})
    house.drop({"VA - Nacht/Front.JPG": b"\xff\xd8\xff picture", "VA - Nacht/nacht.cue": b'TITLE "Nacht"\n'})


def report_of(house: House) -> dict[str, Any]:
    """Run a cycle; whatever it says is JSON, and nobody sees a traceback."""
    ended = house.run(*CYCLE)
    assert "Traceback" not in ended.err
    return dict(json.loads(ended.out))


def outcomes(report: dict[str, Any]) -> list[str]:
    """What became of each album."""
    return sorted(album["outcome"] for album in report["albums"])


def findings(house: House) -> list[Any]:
    """What fsck finds when it reads every byte."""
    ended = house.run("fsck", "--verify", "--json")
    return [*json.loads(ended.out)["findings"], *([ended] if ended.status else [])]


def seen(house: House) -> object:
    """All that people and programs see of the roots, and of the rows."""
    found = [(path, path.lstat()) for root in house.roots for path in sorted(root.rglob("*"))]
    return [(path, stat.st_mode, stat.st_size, stat.st_mtime_ns) for path, stat in found], house.items()


def test_odd_albums_are_staged_and_published_whole_and_then_all_is_quiet(house: House) -> None:
    house.add_library()
    drop_odd(house)
    first, second = (json.loads(house.run("scan", "--json").out) for _ in range(2))
    assert (first["read"], second["read"], second["carried"]) == (9, 0, 9)
    report = report_of(house)
    assert outcomes(report) == ["staged"] * 4, report
    assert [*lost(house), *wrong_items(house)] == []
    assert music(house.inbound) == {}
    before = seen(house)
    report = report_of(house)
    assert (report["status"], report["albums"], seen(house)) == ("done", [], before)
    publication = to_publish(house)
    must(house, *publication.command)
    assert not ALL or publication.converges(house) == []
    assert findings(house) == []


@IN_STAGING
def test_the_same_again_is_a_duplicate_and_other_music_a_conflict(house: House) -> None:
    house.drop(albums())
    must(house, *CYCLE)
    staged = music(house.staging)
    house.drop({f"again/{place}": data for place, data in albums().items() if "Cannery" not in place})
    tags = {"artist": "The Cannery", "album": "Live", "date": "2019", "track": "1/1"}
    house.drop({f"other/CD{n}/01.flac": encoded(**tags, title=f"Morning {n}", disc=f"{n}/2") for n in (1, 2)})
    report = report_of(house)
    assert outcomes(report) == ["conflict", "duplicate", "duplicate"], report
    before = seen(house)
    assert outcomes(report_of(house)) == outcomes(report)
    assert (seen(house), music(house.staging), [*lost(house)]) == (before, staged, [])
    assert json.loads(house.run("scan", "--json").out)["read"] == 0


@pytest.mark.parametrize("name", NAMES if ALL else ["undo of a replacement", "undo"])
def test_whatever_is_done_ends_well_also_when_it_is_killed(
    kind: Kind, role: str, new_house: Callable[[], House], name: str
) -> None:
    if (TAKES.get(name) in kind.lacks and "staging" in ROLES[role]) or (name == "undo" and not ALL and not kind.lacks):
        pytest.skip(f"{kind.name} has no {TAKES.get(name)}" if name in TAKES else "what is harder is tried")
    count = _steps(new_house(), NAMES[name])
    third = max(count // 3, 1)
    for n in range(third, count, third) if ALL else [count * 2 // 3]:
        house = new_house()
        trial = ready(house, NAMES[name])
        assert run_until(house, n, die, *trial.command) < 0
        assert trial.converges(house) == [], f"killed before step {n}"


def ready(house: House, subject: Subject) -> Trial:
    """Make ready what a subject is about; return what is to be done then."""
    subject.make_ready(house)
    house.drop(subject.dropped())
    return subject.begin(house)


def _steps(house: House, subject: Subject) -> int:
    """How many steps there are, once it has been done without any trouble."""
    trial = ready(house, subject)
    count = len(labels(house, *trial.command))
    assert trial.converges(house) == []
    return count


def test_names_that_differ_in_case_alone_are_never_taken_for_each_other(house: House, disk: Path) -> None:
    (disk / "a").touch()
    if not ALL and not (disk / "A").exists():
        pytest.skip("it is told apart here; scripts/filesystems tries it all the same")
    house.add_library()
    house.dropped = {}
    for n, album in enumerate(("Low Tide", "LOW TIDE")):
        house.drop(
            {f"{n}/01.flac": _released(artist="Nora Vale", album=album, date="2014", title=album, release=f"{n}")}
        )
    assert outcomes(report_of(house)) == ["staged", "staged"]
    folders = [house.staging / os.fsdecode(item["path"]) for item in house.items()]
    assert len({str(folder).casefold() for folder in folders}) == 2
    for name in ("away", folders[0].name.swapcase()):  # a person does so
        folders[0] = folders[0].rename(folders[0].with_name(name))
    assert report_of(house)["albums"] == []
    must(house, "fsck", "--adopt")
    assert findings(house) == []
    publication = to_publish(house)
    must(house, *publication.command)
    with house.database() as database, database.begin() as connection:
        for item in house.items():
            rows.say(connection, item["id"], ITSELF, "title", "low tide", dt.datetime.now(dt.UTC))
    for item in house.items():
        must(house, "publish", str(item["id"]), "--rename")
    assert publication.converges(house) == []
    assert findings(house) == []


def _released(release: str, **tags: str) -> bytes:
    """One track of a release of its own, as its bytes."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        id = f"{release:0>8}-0000-4000-8000-000000000000"
        return write_track(Path(folder, "1.flac"), seconds=0.1, track="1/1", mb={"release_id": id}, **tags).read_bytes()


@IN_STAGING
def test_what_is_known_is_written_into_files_and_taken_out_again(kind: Kind, house: House) -> None:
    if EXCHANGE in kind.lacks:
        pytest.skip(f"{kind.name} has no {EXCHANGE}")
    house.drop(albums())
    must(house, *CYCLE)
    (item,) = (item for item in house.items() if item["album"] == "Low Tide")
    before = music(house.staging)
    with house.database() as database:
        with database.begin() as connection:
            rows.say(connection, item["id"], ITSELF, "title", "High Tide", dt.datetime.now(dt.UTC))
        done = [tag_item(database, item["id"], threading.Event()).outcome for _ in range(2)]
    assert done == ["retagged", "same"]
    assert music(house.staging).keys() >= before.keys()
    assert music(house.staging) != before
    assert findings(house) == []
    (item,) = (item for item in house.items() if item["album"] == "Low Tide")
    must(house, "undo", item["transfer_id"])
    assert {path: data for path, data in music(house.staging).items() if not path.startswith(b".")} == before


@IN_STAGING
def test_a_full_disk_is_told_and_costs_nothing(kind: Kind, house: House, disk: Path) -> None:
    if FULL in kind.lacks:
        pytest.skip(f"{kind.name} has no {FULL}")
    house.drop(albums())
    with full(disk):
        report = report_of(house)
        reasons = [album["reasons"][0] for album in report["albums"] if album["outcome"] == "failed"]
        codes = {reason["code"] for reason in [*reasons, report["error"]] if reason}
        assert codes <= {"disk_full", "quota_full", "no_space"}, report
        assert [*lost(house), *wrong_items(house)] == []
    assert converges(house) == []


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no byte free for a while."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while filler.write(bytes(size)) == size:
                        pass
                with contextlib.suppress(OSError):
                    os.fsync(filler.fileno())  # NFS takes more than its server has, at first
            yield
        finally:
            (disk / "filler").unlink()
            # btrfs tells of room only once what had it is gone for good; NFS also of what it could not write of that
            subprocess.run(["sync", "-f", str(disk)], check=False)
