"""The journal on both databases: states, fences, and answers to commits nobody saw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from config.database import Database
from config.errors import LeaseLost, Retryable
from processor.items import storing
from processor.publication import ledger
from processor.publication.ledger import Publication
from processor.transfers import journal
from processor.transfers.transfer import SourceFolder, State, Transfer, TransferFile, path_to_json
from scanner.identity import Identity
from tests.faults.world import NOW
from tests.items import album

ROOTS = (b"/in\xff", b"/out")
FILE = TransferFile(b"a\xff/1.mp3", b"1.mp3", "audio", Identity(2**63, 2, 3, 1_700_000_000_123_456_789, 5))
TRANSFER = Transfer("t-1", "album", "planned", *ROOTS, b"A/A", (FILE,), {"key": "a", "title": "Ærø ☃"}, 5, "boot")
FOLDERS = (SourceFolder(b"a\xff", -5, 0o2751, 1000, 2**32 - 2), SourceFolder(b"", 2**62, 0o755, 0, 0))
TRANSFER = replace(TRANSFER, source_folders=FOLDERS)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def planned(database: Database) -> Database:
    with database.begin() as connection:
        journal.plan(connection, [TRANSFER], NOW)
    return database


def test_a_transfer_comes_back_as_it_was_planned(planned: Database) -> None:
    with planned.read() as connection:
        assert journal.open_transfers(connection, *ROOTS) == [TRANSFER]
        assert journal.open_transfers(connection, b"/other", b"/out") == []
        assert journal.open_transfers(connection, ROOTS[0], b"/other") == []
        assert journal.states(connection, ["t-1", "t-2"]) == {"t-1": "planned"}


def test_planning_again_after_an_unseen_commit_changes_nothing(planned: Database) -> None:
    with planned.begin() as connection:
        journal.plan(connection, [TRANSFER], NOW)
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


def test_a_try_that_is_postponed_is_told_and_does_not_count(planned: Database) -> None:
    with planned.begin() as connection:
        adopted = journal.adopt(connection, TRANSFER, 6, NOW)
        waiting = journal.postpone(connection, adopted, "late", NOW)
        assert waiting == replace(TRANSFER, fence=6, error="late")
        assert journal.postpone(connection, waiting, "late", NOW) == waiting
        assert journal.open_transfers(connection, *ROOTS) == [waiting]


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


def test_between_other_roots_nothing_is_reserved_but_where_an_album_was_before_it_left_for_a_library(
    planned: Database,
) -> None:
    leaving = replace(TRANSFER, src_root=ROOTS[1], dst_root=b"/library", before={"path": path_to_json(b"home\xff")})
    gone = replace(leaving, state="done", before={"path": "published"})
    elsewhere = replace(leaving, src_root=b"/other", before={"path": "elsewhere"})
    new = replace(leaving, before=None)
    others = [replace(other, target=b"%d" % n) for n, other in enumerate((leaving, gone, elsewhere, new))]
    files = [replace(other, files=(replace(FILE, source=other.target),)) for other in others]
    with planned.begin() as connection:
        journal.plan(connection, [replace(other, id=other.target.decode()) for other in files], NOW)
        assert journal.reserved(connection, *ROOTS) == (frozenset({FILE.source}), frozenset({b"A/A", b"home\xff"}))


def test_what_waits_for_a_person_is_begun_anew_by_the_newest_holder_only(planned: Database) -> None:
    with planned.begin() as connection:
        adopted = journal.adopt(connection, TRANSFER, 6, NOW)
        for fence, held in ((None, 6), (6, 6), (7, 7)):
            (waiting,) = journal.advance(connection, [adopted], "attention", NOW)
            journal.reopen(connection, waiting, "planned", fence, NOW)
            (adopted,) = journal.open_transfers(connection, *ROOTS)
            assert adopted == replace(TRANSFER, fence=held)
        (waiting,) = journal.advance(connection, [adopted], "attention", NOW)
    with pytest.raises(LeaseLost, match="newer holder"), planned.begin() as connection:
        journal.reopen(connection, waiting, "planned", 6, NOW)
    with planned.begin() as connection:
        journal.reopen(connection, waiting, "planned", 8, NOW)
    with pytest.raises(LeaseLost), planned.begin() as connection:  # somebody else did
        journal.reopen(connection, waiting, "planned", 8, NOW)


def kept(database: Database, *transfers: Transfer) -> None:
    """Journal transfers as they are, each a minute after the one before."""
    with database.begin() as connection:
        for n, transfer in enumerate(transfers):
            journal.plan(connection, [transfer], NOW + n * MINUTE)


def ids(transfers: Iterable[Transfer]) -> list[str]:
    return [transfer.id for transfer in transfers]


def one(name: str, state: State = "done", undoes: str | None = None, **more: Any) -> Transfer:
    kind = "album" if undoes is None else "undo"
    transfer = replace(TRANSFER, id=name, kind=kind, state=state, undoes=undoes, target=name.encode(), run_id="run")
    return replace(transfer, **more)


def test_a_run_is_read_from_its_end_and_recovered_from_its_beginning(database: Database) -> None:
    kept(database, one("b", "planned"), one("a", "published"), one("u", "planned", "a"), one("c", run_id=None))
    with database.read() as connection:
        assert ids(journal.named(connection, "run")) == ["a", "b"]
        assert ids(journal.named(connection, "c")) == ["c"]
        assert ids(journal.open_transfers(connection, *ROOTS)) == ["b", "a", "u"]
        assert ids(journal.unsettled(connection)) == ["b", "a", "u"]


def test_what_waits_for_a_person_is_neither_open_nor_settled(database: Database) -> None:
    kept(database, one("a", "attention"), one("b", "materialised"), one("c", "cancelled"), one("d"))
    with database.read() as connection:
        assert (ids(journal.unsettled(connection)), journal.count_open(connection)) == (["a", "b"], 1)
        assert journal.settled(connection, ["a", "b", "c", "x"]) == {"c"}


def test_what_is_being_taken_back_is_not_settled(database: Database) -> None:
    undos = one("u", "planned", "a"), one("v", "done", "b"), one("w", "cancelled", "c"), one("x", "attention", "d")
    kept(database, *map(one, "abcd"), *undos)
    with database.read() as connection:
        assert journal.settled(connection, [*"abcd"]) == {"b", "c"}
        assert [journal.undo_state(connection, name) for name in "abcu"] == ["planned", "done", None, None]


def test_what_was_taken_back_is_held_until_it_is_released(database: Database) -> None:
    other = one("y", undoes="d", src_root=b"/other")
    kept(database, one("u", undoes="a"), one("v", undoes="b"), one("w", "cancelled", "a"), one("d"), other)
    with database.begin() as connection:
        assert ids(journal.taken_back(connection, *ROOTS)) == ["v", "u"]
        assert journal.release(connection, ["a", "c"], NOW) == 1
        assert ids(journal.taken_back(connection, *ROOTS)) == ["v"]
        assert journal.release(connection, ["a", "c"], NOW) == 0
        assert ids(journal.taken_back(connection, b"/other", ROOTS[1])) == ["y"]


def test_what_a_transfer_took_and_did_not_give_back_is_known_by_number_size_and_time(database: Database) -> None:
    def of(path: bytes, name: str, state: State = "done", **more: Any) -> Transfer:
        return one(name, state, files=(replace(FILE, source=path),), **more)

    undo = of(b"undone", "u", undoes="d")
    taken = [of(b"done", "a"), of(b"published", "b", "published"), of(b"planned", "c", "planned"), of(b"undone", "d")]
    taken += [of(b"again", "g"), of(b"again", "v", "cancelled", undoes="g")]
    kept(database, *taken, undo, of(b"elsewhere", "e", src_root=b"/other"), of(b"changed", "f"))
    known = FILE.identity[1:4]
    paths = (b"done", b"published", b"planned", b"undone", b"again", b"elsewhere")
    gone = dict.fromkeys(paths, known) | {b"changed": (0, 0, 0)}
    with database.read() as connection:
        assert journal.sources_taken(connection, ROOTS[0], gone) == {b"done", b"published", b"again"}
        lately = journal.sources_since(connection, ROOTS[0], NOW + 6 * MINUTE)
        assert lately == {b"undone", b"changed"}


def test_the_journal_forgets_what_was_taken_back_for_good_and_then_its_undo(database: Database) -> None:
    """Out of the trash or of a library: nothing is held in inbound by that, so nobody releases it."""
    away = [one("discarded", kind="discard"), one("published", kind="publish")]
    back = [one("restored", kind="restore", undoes="discarded"), one("out", kind="unpublish", undoes="published")]
    needed = [
        one("upgraded", kind="upgrade"),  # what gave way to it is in the trash
        one("down", kind="unpublish", undoes="upgraded"),
        one("thrown away", kind="discard"),
        one("not restored", "cancelled", kind="restore", undoes="thrown away"),
        one("retagged", kind="retag"),
        one("untagged", kind="undo_retag", undoes="retagged"),  # another album is in the trash
    ]
    kept(database, *away, *back, *needed)
    soon = NOW + dt.timedelta(days=1)
    for forgotten in ({"discarded", "published", "not restored"}, {"restored", "out"}, set()):
        with database.begin() as connection:
            assert set(journal.old(connection, soon, 9)) == forgotten
            journal.remove(connection, sorted(forgotten))


def test_the_journal_forgets_only_what_nobody_can_take_back_or_needs(database: Database) -> None:
    kinds = ("replace", "undo_replace", "retag", "undo_retag", "discard", "upgrade")
    forgotten = [one("cancelled", "cancelled"), one("gone"), one("released", undoes="b")]
    needed = [
        *(one(state, state) for state in ("planned", "materialised", "published", "attention")),
        *(one(kind, kind=kind) for kind in kinds),
        one("a"),
        one("held", undoes="a"),  # keeps sources from cycles
        one("b"),  # its undo is still in the journal
        one("listed", target=b"listed"),
        one("brought", kind="publish"),
    ]
    kept(database, *forgotten, *needed)
    with database.begin() as connection:
        storing.upsert(connection, [album(path=b"listed")], NOW)
        home = Publication(1, "lib", b"x", "copy", None, 1, "brought", NOW, NOW)
        ledger.publish(connection, home, brought=True)
        journal.release(connection, ["b"], NOW)
        soon = NOW + dt.timedelta(days=1)
        assert sorted(journal.old(connection, soon, 9)) == sorted(ids(forgotten))
        assert len(journal.old(connection, soon, 2)) == 2
        assert journal.old(connection, NOW, 9) == []
        journal.remove(connection, ["released"])
        assert sorted(journal.old(connection, soon, 9)) == ["b", "cancelled", "gone"]
