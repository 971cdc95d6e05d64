"""What may be taken back, and everything that is said when it may not; no disk is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from processor.transfers.transfer import SourceFolder, State, Transfer, TransferFile
from processor.undo import Seen, Sighting, obstacles, undo_of
from scanner.identity import Identity

THEN, NOW = Identity(1, 10, 5, 7, 8), Identity(1, 20, 5, 7, 9)
FILES = tuple(TransferFile(b"in/" + name, name, "audio", THEN, "blake3:00") for name in (b"1.mp3", b"2.mp3"))
ALBUM = Transfer(
    "t", "album", "done", b"/in", b"/out", b"A/Ada/Low", FILES, {"key": "k"}, 3, "boot", "copy", run_id="r"
)
AS_LEFT = Seen(NOW, untouched=True, inbound="free")
WELL = Sighting(None, "ours", {file.target: AS_LEFT for file in FILES})


def told(transfer: Transfer, seen: Sighting) -> list[tuple[str, bytes | None]]:
    return [(reason.code, reason.path) for reason in obstacles(transfer, seen)]


def seen(**first: Any) -> Sighting:
    return replace(WELL, files={**WELL.files, b"1.mp3": AS_LEFT._replace(**first)})


def test_nothing_stands_in_the_way_of_an_album_that_is_as_it_was_left() -> None:
    assert told(ALBUM, WELL) == []
    assert told(ALBUM, seen(inbound="same")) == []


@pytest.mark.parametrize(
    ("state", "undo", "code"),
    [
        ("planned", None, "unsettled"),
        ("published", None, "unsettled"),
        ("attention", None, "unsettled"),
        ("cancelled", None, "nothing_moved"),
        ("done", "done", "undone_before"),
        ("done", "published", "unsettled"),
        ("done", "attention", "unsettled"),
    ],
)
def test_the_journal_says_what_cannot_be_taken_back(state: State, undo: State | None, code: str) -> None:
    assert told(replace(ALBUM, state=state), replace(WELL, undo=undo)) == [(code, b"/out/A/Ada/Low")]


def test_a_kind_nobody_can_take_back_is_refused() -> None:
    assert told(replace(ALBUM, kind="undo"), WELL) == [("cannot_undo_kind", b"/out/A/Ada/Low")]


def test_a_folder_that_is_not_as_it_was_left_is_said_once_and_its_files_are_not() -> None:
    assert told(ALBUM, Sighting(None, "gone", {})) == [("album_gone", b"/out/A/Ada/Low")]
    assert told(ALBUM, Sighting(None, "other", {})) == [("album_replaced", b"/out/A/Ada/Low")]


def test_what_is_not_in_the_trash_any_more_cannot_take_its_place_again() -> None:
    better = replace(ALBUM, kind="replace")
    assert told(better, replace(WELL, replaced="whole")) == []
    assert told(better, replace(WELL, replaced="gone")) == [("trash_gone", b"/out/A/Ada/Low")]
    rejected = replace(ALBUM, kind="discard")
    assert told(rejected, Sighting(None, "gone", {})) == [("trash_gone", b"/out/A/Ada/Low")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"staged": None, "untouched": False}, ("file_gone", b"/out/A/Ada/Low/1.mp3")),
        ({"untouched": False}, ("file_changed", b"/out/A/Ada/Low/1.mp3")),
        ({"inbound": "taken"}, ("name_taken", b"/in/in/1.mp3")),
        ({"inbound": "mounted"}, ("other_filesystem", b"/in/in/1.mp3")),
    ],
)
def test_each_changed_file_is_named(change: dict[str, object], expected: tuple[str, bytes]) -> None:
    assert told(ALBUM, seen(**change)) == [expected]


def test_everything_is_told_at_once() -> None:
    worst = replace(seen(untouched=False, inbound="taken"), foreign=[b"A/Ada/Low/x", b"A/Ada/Low/y"])
    assert [code for code, _ in told(ALBUM, worst)] == ["file_changed", "name_taken", "foreign_file", "foreign_file"]


def test_an_undo_says_what_the_transfer_said_with_the_files_as_they_are_now() -> None:
    before = {"key": "k", "album": "as it was"}
    undo = undo_of(replace(ALBUM, before=before, error="x", attempt=2), WELL, id="u", fence=9, boot_id="next")
    assert undo == Transfer(
        "u", "undo", "planned", b"/in", b"/out", b"A/Ada/Low",
        tuple(TransferFile(f.source, f.target, "audio", NOW, None) for f in FILES),
        {"key": "k"}, 9, "next", before=before, undoes="t",
    )  # fmt: skip


def test_an_undo_leaves_the_folders_as_they_were_that_nobody_touched_since() -> None:
    """Their rights stay as they are: somebody may have wished them so, which moves no time of theirs."""
    gone, quiet, touched = noted = [SourceFolder(name, 5, 0o750, 7, 7) for name in (b"in", b"in/quiet", b"in/touched")]
    now = {folder.path: folder._replace(mtime_ns=at, mode=0o700) for folder, at in ((quiet, 8), (touched, 9))}
    undo = undo_of(
        replace(ALBUM, source_folders=tuple(noted)), replace(WELL, folders=now, done_ns=8), id="u", fence=9, boot_id=""
    )
    assert undo.source_folders == (gone, quiet._replace(mode=0o700))
