"""What a person said of files of inbound, on both databases: the last word counts, as long as its file may come."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from config.database import Database
from config.libraries import Library
from processor.items.grouping_choices import WAITS, current, forget, read, say
from scanner.grouping.chosen import Choice

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LOW, HIGH = Choice("a", "Ada", "Low", 2), Choice("b", "Bo", "High")


def test_of_two_words_about_a_file_the_later_counts_and_other_roots_and_files_keep_theirs(database: Database) -> None:
    with database.begin() as connection:
        say(connection, "here", {b"1": LOW, b"2 \xff": LOW}, actor="eva", now=NOW)
        say(connection, "there", {b"1": LOW}, actor="eva", now=NOW)
        say(connection, "here", {b"1": HIGH}, actor="ada", now=NOW)
        say(connection, "here", {}, actor="ada", now=NOW)
    with database.begin() as connection:
        assert read(connection, "here") == {b"1": HIGH, b"2 \xff": LOW}
        forget(connection, "here", [b"1", b"3"])
        assert (read(connection, "here"), read(connection, "there")) == ({b"2 \xff": LOW}, {b"1": LOW})


def test_a_word_is_forgotten_once_its_file_is_long_gone_and_not_before(database: Database, tmp_path: Path) -> None:
    """What an undo brings back comes after the word; a name that leads nowhere is there, too."""
    root = Library(1, "inbound", "music", os.fsencode(tmp_path), "here")
    (tmp_path / "there").write_bytes(b"")
    (tmp_path / "link").symlink_to("nowhere")
    with database.begin() as connection:
        for name, said_at in ((b"gone", NOW), (b"there", NOW), (b"link", NOW), (b"to come", NOW + WAITS)):
            say(connection, "here", {name: LOW}, actor="eva", now=said_at)
        say(connection, "another root", {b"gone": LOW}, actor="eva", now=NOW)
        assert len(current(connection, root, NOW + WAITS)) == 4, "it may be on its way"
        left = current(connection, root, NOW + WAITS + dt.timedelta(seconds=1))
        assert left == read(connection, "here") == {b"there": LOW, b"link": LOW, b"to come": LOW}
        assert read(connection, "another root") == {b"gone": LOW}
