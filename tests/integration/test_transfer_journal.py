"""The journal on both databases: states, fences, and answers to commits nobody saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.database import Database
from config.errors import LeaseLost, Retryable
from processor import journal
from processor.transfer import SourceFolder, State, Transfer, TransferFile
from scanner.identity import Identity
from tests.faults.world import NOW

ROOTS = (b"/in\xff", b"/out")
FILE = TransferFile(b"a\xff/1.mp3", b"1.mp3", "audio", Identity(2**63, 2, 3, 1_700_000_000_123_456_789, 5))
TRANSFER = Transfer("t-1", "album", "planned", *ROOTS, b"A/A", (FILE,), {"key": "a", "title": "Ærø ☃"}, 5, "boot")
FOLDERS = (SourceFolder(b"a\xff", -5, 0o2751, 1000, 2**32 - 2), SourceFolder(b"", 2**62, 0o755, 0, 0))
TRANSFER = replace(TRANSFER, source_folders=FOLDERS)


@pytest.fixture
def planned(database: Database) -> Database:
    with database.begin() as connection:
        journal.plan(connection, [TRANSFER], NOW)
    return database


def test_a_transfer_comes_back_as_it_was_planned(planned: Database) -> None:
    with planned.read() as connection:
        assert journal.open_transfers(connection, *ROOTS) == [TRANSFER]
        assert journal.open_transfers(connection, b"/other", b"/out") == []
        assert journal.states(connection, ["t-1", "t-2"]) == {"t-1": "planned"}


def test_planning_again_after_an_unseen_commit_changes_nothing(planned: Database) -> None:
    with planned.begin() as connection:
        journal.plan(connection, [TRANSFER, replace(TRANSFER, id="t-2", target=b"B/B")], NOW)
    with planned.read() as connection:
        assert journal.states(connection, ["t-1", "t-2"]) == {"t-1": "planned", "t-2": "planned"}


def test_two_open_transfers_cannot_have_one_target(planned: Database) -> None:
    with pytest.raises(Retryable) as raised, planned.begin() as connection:
        journal.plan(connection, [replace(TRANSFER, id="t-2")], NOW)
    assert raised.value.reason_code == "target_reserved"
    with planned.begin() as connection:
        journal.advance(connection, [TRANSFER], "cancelled", NOW)
        journal.plan(connection, [replace(TRANSFER, id="t-2")], NOW)


def test_states_follow_one_another_and_may_be_repeated(planned: Database) -> None:
    copied = replace(TRANSFER, strategy="copy", files=(replace(FILE, digest="blake3:00"),))
    with planned.begin() as connection:
        for state in ("materialised", "materialised", "published", "published"):
            (moved,) = journal.advance(connection, [copied], state, NOW)
        assert journal.open_transfers(connection, *ROOTS) == [moved]
        assert moved.files[0].digest == "blake3:00"
        journal.advance(connection, [moved], "done", NOW)
        assert journal.open_transfers(connection, *ROOTS) == []


@pytest.mark.parametrize("state", ["published", "done"])
def test_no_state_is_skipped(planned: Database, state: State) -> None:
    with pytest.raises(LeaseLost), planned.begin() as connection:
        journal.advance(connection, [TRANSFER], state, NOW)


def test_a_write_under_an_old_fence_is_refused(planned: Database) -> None:
    with planned.begin() as connection:
        adopted = journal.adopt(connection, TRANSFER, 6, NOW)
    assert (adopted.fence, adopted.attempt) == (6, 1)
    with pytest.raises(LeaseLost), planned.begin() as connection:
        journal.advance(connection, [TRANSFER], "materialised", NOW)
    with pytest.raises(LeaseLost), planned.begin() as connection:
        journal.adopt(connection, adopted, 5, NOW)
    with planned.read() as connection:
        assert journal.open_transfers(connection, *ROOTS) == [adopted]


def test_of_many_that_move_on_together_one_that_is_lost_is_named_and_none_moves(planned: Database) -> None:
    others = [replace(TRANSFER, id=f"t-{n}", target=b"%d" % n) for n in range(2, 40)]
    with planned.begin() as connection:
        journal.plan(connection, others, NOW)
        journal.adopt(connection, others[20], 6, NOW)
    together = [TRANSFER, *(replace(other, strategy="link") for other in others)]
    with pytest.raises(LeaseLost, match="transfer t-22 "), planned.begin() as connection:
        journal.advance(connection, together, "materialised", NOW)
    del together[21]
    with planned.begin() as connection:
        assert set(journal.states(connection, [t.id for t in together]).values()) == {"planned"}
        moved = journal.advance(connection, together, "materialised", NOW)
        read = {transfer.id: transfer for transfer in journal.open_transfers(connection, *ROOTS)}
    assert [read[transfer.id] for transfer in moved] == list(moved)
    assert read["t-1"].strategy is None
    assert read["t-2"].strategy == "link"


def test_what_is_open_is_reserved(planned: Database) -> None:
    with planned.read() as connection:
        assert journal.reserved(connection, *ROOTS) == (frozenset({FILE.source}), frozenset({b"A/A"}))
    with planned.begin() as connection:
        journal.advance(connection, [TRANSFER], "cancelled", NOW)
        assert journal.reserved(connection, *ROOTS) == (frozenset(), frozenset())
