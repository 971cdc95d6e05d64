"""A sighting made by hand → what is found and which repair is proposed; no disk is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from processor.fsck import unsettled
from processor.fsck.disk import Disk, Folder, Listed, OnDisk, Told
from processor.fsck.finding import Adopt, Finding, Follow, Learn, MarkFound, MarkMissing, Resume, WriteSidecar
from processor.fsck.findings import judge
from processor.fsck.remains import Candidates, Shape, Standing
from processor.fsck.rows import Row
from processor.fsck.sighting import UNREAD, Sighting
from processor.fsck.unsettled import Leftovers
from processor.items.presence import Limits
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity

STAGING, INBOUND = b"/staging", b"/inbound"
HOME = b"Ada/Low"
ONE, TWO = Listed(b"1.mp3", 10, 1), Listed(b"2.mp3", 20, 2)
MANY = Limits(1000, 100.0)


def row(id: int = 1, *files: Listed, **said: Any) -> Row:
    """Return an item of staging, well and in its place unless something else is said."""
    files = files or (ONE, TWO)
    values = {
        "key": f"k{id}", "status": "pending_review", "revision": 1, "root_uuid": "staging", "path": HOME,
        "transfer_id": f"t{id}", "size": sum(file.size for file in files),
        "sources": tuple(b"drop/" + file.path for file in files),
    }  # fmt: skip
    return Row(id=id, files=files, **{**values, **said})


def told(of: Row, **said: Any) -> Told:
    """Return the sidecar a transfer wrote for an item."""
    return replace(Told(of.transfer_id, of.key, of.path, of.files), **said)


def folder(*files: Listed, sidecar: Told | None = None, trouble: str | None = None) -> Folder:
    """Return a folder with these files in it."""
    there = {file.path: OnDisk(1, 100 + n, file.size, file.mtime_ns) for n, file in enumerate(files)}
    return Folder(there, [], sidecar, trouble)


def well(of: Row) -> Folder:
    return folder(*of.files, sidecar=told(of))


def move(id: str = "t9", **said: Any) -> Transfer:
    files = tuple(TransferFile(b"drop/" + f.path, f.path, "audio", Identity(1, 2, f.size, 4, 5)) for f in (ONE, TWO))
    values = {
        "kind": "album", "state": "attention", "src_root": INBOUND, "dst_root": STAGING, "target": b"Ada/High",
        "files": files, "item": {"key": "k9"}, "fence": 1, "boot_id": "boot",
    }  # fmt: skip
    return Transfer(id=id, **{**values, **said})


def standing(of: Transfer, *shapes: tuple[Shape, Shape, Shape], **said: Any) -> Standing:
    """Return what is left of a move; a shape a file: at its source, hidden, in its place."""
    left = tuple(Candidates(file, *shape) for file, shape in zip(of.files, shapes, strict=False))
    return Standing(of, True, False, False, left)._replace(**said)


def found(
    *items: Row, albums: Mapping[bytes, Folder] | None = None, limits: Limits = MANY, **said: Any
) -> list[Finding]:
    """Judge items and folders; unless others are given each item's folder is as it was left."""
    disk = Disk(dict({one.path: well(one) for one in items} if albums is None else albums))
    for name in ("strays", "closed"):
        setattr(disk, name, said.pop(name, {}))
    values = {"left": Leftovers((), ()), "digests": {}, "inbound": {}, "others": frozenset({"library"})} | said
    known = {one.key: one.id for one in items} | values.pop("known", {})
    return judge(Sighting("staging", INBOUND, STAGING, disk, items, known, **values), limits)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def only(findings: list[Finding]) -> Finding:
    (one,) = findings
    return one


# One item and its folder.


def test_an_album_as_it_was_left_is_worth_no_word() -> None:
    assert found(row()) == []


def test_of_what_is_closed_to_us_nothing_is_concluded_but_of_what_is_elsewhere() -> None:
    for path in (HOME, b"Ada", b""):
        assert codes(found(row(), albums={}, closed={path: "no right"})) == ["unreadable"]
    elsewhere = row(root_uuid="a root that was removed")
    assert codes(found(elsewhere, albums={}, closed={HOME: "no right"})) == ["unreadable", "unknown_root"]
    half = folder(ONE, sidecar=told(row()))
    assert codes(found(row(), albums={HOME: half}, closed={HOME + b"/2.mp3": "no right"})) == ["unreadable"]
    assert only(found(row(), albums={HOME: half})).repair == MarkMissing(1)


def test_a_sidecar_that_cannot_be_looked_at_is_not_written_anew() -> None:
    silent = {HOME: folder(ONE, TWO)}
    assert only(found(row(), albums=silent)).repair == WriteSidecar(1)
    assert codes(found(row(), albums=silent, closed={HOME + b"/album.greenroom.json": "no right"})) == ["unreadable"]


@pytest.mark.parametrize(
    ("there", "digest", "recorded", "code"),
    [
        (ONE, None, None, None),
        (ONE._replace(size=11), None, None, "file_changed"),
        (ONE._replace(mtime_ns=77), None, None, "file_changed"),
        (ONE, UNREAD, "d", "unreadable"),
        (ONE, "d", None, "no_digest"),
        (ONE, "d", "d", None),
        (ONE._replace(mtime_ns=77), "d", "d", "file_touched"),
        (ONE, "e", "d", "file_damaged"),
        (ONE._replace(mtime_ns=77), "e", "d", "file_changed"),
        (ONE._replace(mtime_ns=77), None, "d", "file_changed"),
    ],
)
def test_a_file_is_judged_by_size_time_and_digest(
    there: Listed, digest: str | None, recorded: str | None, code: str | None
) -> None:
    mine = row(1, ONE._replace(digest=recorded), TWO)
    digests = {} if digest is None else {(1, ONE.path): digest}
    sidecar = told(mine)
    findings = found(mine, albums={HOME: folder(there, TWO, sidecar=sidecar)}, digests=digests)
    assert codes(findings) == ([] if code is None else [code])
    learns = code in ("no_digest", "file_touched")
    if learns:
        learnt = Learn(1, (Listed(ONE.path, ONE.size, there.mtime_ns, digest),))
        assert (findings[0].repair, findings[0].paths) == (learnt, (HOME + b"/1.mp3",))
    assert all((finding.repair is not None) is learns for finding in findings)


def test_nothing_beside_its_files_is_compared_of_an_album_that_is_not_whole() -> None:
    lost = row(status="missing")
    assert codes(found(lost, albums={HOME: folder(ONE, sidecar=told(lost))})) == ["file_missing"]
    whole = found(lost)
    assert (codes(whole), only(whole).repair) == (["found_again"], MarkFound(1))


def test_a_file_that_is_gone_marks_an_item_that_is_not_marked_yet() -> None:
    for status, repair in (("approved", MarkMissing(1)), ("missing", None)):
        one = row(status=status)
        gone = only(found(one, albums={HOME: folder(TWO, sidecar=told(one))}))
        assert (gone.code, gone.paths, gone.repair) == ("file_missing", (HOME + b"/1.mp3",), repair)
        away = only(found(one, albums={}))
        assert (away.code, away.paths, away.repair) == ("missing", (HOME,), repair)


def test_a_row_that_knows_less_than_a_sidecar_that_fits_is_told_by_it() -> None:
    more = told(row())
    less = row(1, ONE)
    outdated = only(found(less, albums={HOME: folder(ONE, TWO, sidecar=more)}))
    assert (outdated.code, outdated.repair) == ("row_outdated", Adopt(HOME))
    other = row(1, ONE, TWO._replace(size=21), size=30)
    assert only(found(other, albums={HOME: folder(ONE, TWO, sidecar=more)})).repair == Adopt(HOME)
    before = row(1, ONE, TWO._replace(path=b"two.mp3"))
    assert only(found(before, albums={HOME: folder(ONE, TWO, sidecar=more)})).repair == Adopt(HOME)


def test_a_sidecar_that_does_not_fit_or_knows_no_more_is_not_believed() -> None:
    one = row(1, ONE, TWO._replace(digest="d"))
    fits_not = told(one, files=(ONE, TWO, Listed(b"3.mp3", 30, 3)))
    assert codes(found(one, albums={HOME: folder(ONE, TWO, sidecar=fits_not)})) == ["sidecar_wrong"]
    rotten = {(1, TWO.path): "e"}
    more = told(one, files=(*one.files, Listed(b"3.mp3", 30, 3)))
    there = folder(ONE, TWO, Listed(b"3.mp3", 30, 3), sidecar=more)
    assert codes(found(one, albums={HOME: there}, digests=rotten)) == ["file_damaged"], "what rotted is nobody's news"


def test_a_row_without_all_its_files_is_a_persons_to_mend() -> None:
    """As where the database lost rows, and no sidecar tells: nothing is marked, learnt or written from half of it."""
    for one in (row(1, ONE, size=30), replace(row(), files=(), sources=(), size=0)):
        finding = only(found(one, albums={HOME: folder(ONE, TWO)}))
        assert (finding.code, finding.paths, finding.repair) == ("row_incomplete", (HOME,), None)
        assert "`greenroom items forget 1`" in finding.message


@pytest.mark.parametrize(
    ("said", "agrees"),
    [
        ({}, True),
        ({"key": "another"}, False),
        ({"transfer_id": "another"}, False),
        ({"files": (ONE,)}, False),
        ({"files": (ONE, TWO._replace(size=21))}, False),
        ({"files": (ONE, TWO._replace(mtime_ns=77))}, False),
        ({"files": (ONE, TWO._replace(path=b"3.mp3"))}, False),
        ({"target": b"where it was before a person moved it"}, True),
    ],
)
def test_a_sidecar_that_says_otherwise_than_its_row_is_written_anew(said: dict[str, Any], agrees: bool) -> None:
    one = row()
    findings = found(one, albums={HOME: folder(ONE, TWO, sidecar=told(one, **said))})
    assert [f.repair for f in findings if f.code == "sidecar_wrong"] == ([] if agrees else [WriteSidecar(1)])
    assert not {f.code for f in findings} - {"sidecar_wrong", "foreign_file"}


def test_where_both_know_a_digest_a_sidecar_may_have_another_time() -> None:
    one = row(1, ONE, TWO._replace(digest="d"))
    for digest, agrees in (("d", True), ("e", False), (None, False)):
        sidecar = told(one, files=(ONE, Listed(TWO.path, 20, 77, digest)))
        assert (found(one, albums={HOME: folder(ONE, TWO, sidecar=sidecar)}) == []) is agrees


def test_what_is_neither_in_the_row_nor_in_the_sidecar_is_foreign() -> None:
    one = row()
    there = folder(ONE, TWO, Listed(b"notes.txt", 1, 1), sidecar=told(one))
    there.odd.append(b"link")
    foreign = only(found(one, albums={HOME: there}))
    assert (foreign.code, foreign.paths) == ("foreign_file", (HOME + b"/link", HOME + b"/notes.txt"))
    lost = folder(ONE, Listed(b"3.mp3", 30, 3), sidecar=told(one, files=(ONE, TWO, Listed(b"3.mp3", 30, 3))))
    assert codes(found(one, albums={HOME: lost})) == ["file_missing"], "the sidecar knows the third"


# Items that are not where they should be.


def test_a_row_follows_its_folder_only_where_every_file_is_there() -> None:
    one, new = row(), b"renamed"
    moved = only(found(one, albums={new: well(one)}))
    assert (moved.code, moved.paths, moved.repair) == ("folder_moved", (HOME, new), Follow(1, new))
    half = only(found(one, albums={new: folder(ONE, sidecar=told(one))}))
    assert (half.code, half.paths, half.repair) == ("missing", (HOME, new), MarkMissing(1))
    of_two = found(one, albums={new: well(one), b"copy": well(one)})
    assert (codes(of_two), of_two[0].repair) == (["missing"], MarkMissing(1))
    touched = {new: folder(ONE._replace(mtime_ns=77), TWO, sidecar=told(one))}
    assert codes(found(one, albums=touched)) == ["missing"], "nothing but its time tells such a file"
    digested = row(1, ONE._replace(digest="d"), TWO)
    assert codes(found(digested, albums=touched)) == ["folder_moved"], "its bytes are compared before the row follows"


def test_a_place_that_is_anothers_by_now_is_named_with_its_owner() -> None:
    mine, other = row(1), row(2)
    lost = only(found(mine, other, albums={HOME: well(other)}))
    assert (lost.code, lost.item_id, lost.repair) == ("missing", 1, MarkMissing(1))
    assert "its place belongs to item 2" in lost.message
    assert "its folder is not there" in only(found(mine, albums={})).message


def test_an_item_of_a_root_that_was_removed_is_not_marked() -> None:
    gone = only(found(row(root_uuid="removed"), albums={}))
    assert (gone.code, gone.repair, gone.root) == ("unknown_root", None, b"")
    assert found(row(root_uuid="library"), albums={}) == [], "what is in a library is not looked for here"


def test_a_folder_of_two_rows_without_a_sidecar_is_a_persons_to_decide() -> None:
    one, two = row(1), row(2, ONE)
    third = row(3, root_uuid="removed")
    listed = found(one, two, third, albums={HOME: folder(ONE._replace(size=1))})
    assert codes(listed) == ["unknown_root", "listed_twice"]
    assert "Items 1, 2 all name" in listed[1].message
    assert codes(found(one, two, albums={HOME: folder(ONE, TWO)})) == ["listed_twice"], "it could be either's"
    mine = found(one, two, albums={HOME: folder(TWO, ONE._replace(size=9))})
    assert codes(mine) == ["listed_twice"]
    one_fits = found(one, row(2, Listed(b"9.mp3", 9, 9)), albums={HOME: folder(ONE, TWO)})
    assert sorted((f.code, f.item_id) for f in one_fits) == [("missing", 2), ("sidecar_wrong", 1)]


def test_a_sidecar_names_its_item_by_key_and_else_by_the_transfer_it_came_with() -> None:
    mine, other = row(1), row(2)
    for sidecar in (told(mine), told(mine, key="an old key")):
        lost = found(mine, other, albums={HOME: folder(ONE, TWO, sidecar=sidecar)})
        assert [f.item_id for f in lost if f.code == "missing"] == [2]
    strange = told(mine, key="an old key", transfer_id="another")
    assert codes(found(mine, albums={HOME: folder(ONE, TWO, sidecar=strange)})) == ["missing", "unlisted_album"]


@pytest.mark.parametrize("status", ["publishing", "published", "quarantined", "conflict"])
def test_what_is_elsewhere_by_intent_is_not_missed_in_staging(status: str) -> None:
    assert found(row(status=status), albums={}) == []
    compared = codes(found(row(status=status), albums={HOME: folder(ONE, sidecar=told(row()))}))
    assert compared == (["file_missing"] if status == "published" else []), "left in staging it is compared"


# Folders that are no item's.


def test_an_album_no_row_lists_is_adopted_from_a_sidecar_that_fits() -> None:
    lonely = row()
    adopted = only(found(albums={HOME: well(lonely)}))
    assert (adopted.code, adopted.repair) == ("unlisted_album", Adopt(HOME))
    half = only(found(albums={HOME: folder(TWO, sidecar=told(lonely))}))
    assert (half.code, half.paths, half.repair) == ("unlisted_album", (HOME + b"/1.mp3",), None)
    nameless = only(found(albums={HOME: folder(ONE, TWO, sidecar=told(lonely, key=""))}))
    assert (nameless.repair, "does not say which album" in nameless.message) == (None, True)


def test_of_copies_no_row_lists_the_one_at_home_is_adopted_and_else_none() -> None:
    lonely = row()
    two = found(albums={HOME: well(lonely), b"copy": well(lonely)})
    assert {f.paths: f.repair for f in two} == {(HOME,): Adopt(HOME), (b"copy",): None}
    lost = found(albums={b"one": well(lonely), b"two": well(lonely)})
    assert [f.repair for f in lost] == [None, None]
    assert all("2 folders have it" in f.message for f in lost)
    assert only(found(albums={b"one": well(lonely)})).repair == Adopt(b"one"), "wherever it was taken"


def test_a_copy_of_an_album_is_named_with_its_item() -> None:
    one = row()
    copied = only(found(one, albums={HOME: well(one), b"copy": well(one)}))
    assert (copied.code, copied.paths, copied.item_id, copied.repair) == ("copied_folder", (b"copy",), 1, None)


def test_folders_of_items_somebody_works_on_just_now_are_left_out() -> None:
    assert found(albums={HOME: well(row())}, known={"k1": 1}) == []


@pytest.mark.parametrize("status", ["publishing", "published", "quarantined", "conflict"])
def test_a_folder_of_an_item_that_is_elsewhere_by_intent_is_not_adopted(status: str) -> None:
    away = row(status=status, root_uuid="library", path=b"Ada/Low (1999)")
    findings = found(away, albums={HOME: folder(ONE, TWO, sidecar=told(row()))})
    assert codes(findings) == (["published_here"] if status == "published" else [])
    assert all((f.repair, f.item_id) == (None, 1) for f in findings)
    copied = row(status=status)
    assert found(copied, albums={b"elsewhere": well(copied)}) == [], "its library has it"


def test_a_published_album_that_a_move_is_about_is_not_told_as_being_here() -> None:
    away = row(status="published", root_uuid="library", path=b"Ada/Low (1999)")
    here = {b"back": folder(ONE, TWO, sidecar=told(row()))}
    about: list[dict[str, Any]] = [{"item": {"key": "k1"}}, {"before": {"key": "k1", "path": "x"}}]
    for said in about:
        left = Leftovers((standing(move(**said), is_final=True),), ())
        assert "published_here" not in codes(found(away, albums=here, left=left))
    other = Leftovers((standing(move(item={"key": "k2"}), is_final=True),), ())
    assert "published_here" in codes(found(away, albums=here, left=other))


def test_a_folder_a_move_made_or_will_take_away_is_nobodys_to_adopt() -> None:
    lonely = row(9)
    for said in ({"id": "t9"}, {"id": "t10", "undoes": "t9"}, {"id": "t10", "target": HOME}):
        left = Leftovers((standing(move(**said)),), ())
        assert "unlisted_album" not in codes(found(albums={HOME: well(lonely)}, left=left))
    going: dict[str, Any] = {
        "id": "t10",
        "kind": "discard",
        "src_root": STAGING,
        "before": {"key": "k9", "path": "Ada/Low"},
    }
    assert "unlisted_album" not in codes(
        found(albums={HOME: well(lonely)}, left=Leftovers((standing(move(**going)),), ()))
    )
    merged = Leftovers((standing(move(**{**going, "kind": "merge", "src_root": INBOUND})),), ())
    assert "unlisted_album" in codes(found(albums={HOME: well(lonely)}, left=merged)), "a merge leaves that folder"


def test_strays_and_broken_sidecars_are_named_and_a_row_explains_its_own() -> None:
    assert codes(found(strays={b"Mine": 3})) == ["unknown_folder"]
    broken = {HOME: folder(ONE, TWO, trouble="no JSON")}
    assert only(found(albums=broken)).code == "unknown_folder"
    assert codes(found(row(), albums=broken)) == ["sidecar_wrong"]
    assert codes(found(row(1), row(2), albums=broken)) == ["listed_twice"]


# Both trees, and all items together.


def test_a_source_that_is_in_inbound_again_is_told_only_if_it_is_the_staged_file() -> None:
    one = row()
    same, copy = OnDisk(1, 100, 10, 1), OnDisk(7, 7, 10, 1)
    for there, is_told in (
        (same, True),
        (copy, True),
        (copy._replace(size=11), False),
        (copy._replace(mtime_ns=2), False),
    ):
        findings = found(one, inbound={b"drop/1.mp3": there})
        assert [(f.code, f.paths, f.root) for f in findings] == (
            [("source_still_there", (b"drop/1.mp3",), INBOUND)] if is_told else []
        )
    assert codes(found(one, albums={}, inbound={b"drop/1.mp3": same})) == ["missing"], "it may be the only copy"


def test_published_albums_of_a_library_that_was_removed_are_named_once() -> None:
    away = [row(id, status="published", root_uuid="removed", path=b"%d" % id) for id in (2, 1)]
    here = row(3, status="published")
    there = row(4, status="published", root_uuid="library", path=b"4")
    named = only(found(*away, here, there, albums={HOME: well(here)}))
    assert (named.code, named.paths, named.root) == ("unknown_root", (b"1", b"2"), b"")


def test_where_too_much_is_gone_nothing_is_marked() -> None:
    items = [row(id, path=b"%d" % id) for id in range(1, 5)]
    half = {one.path: folder(TWO, sidecar=told(one)) for one in items}
    for albums, limits, gone in (({}, Limits(7, 100.0), 8), (half, Limits(3, 100.0), 4), (half, Limits(50, 40.0), 4)):
        findings = found(*items, albums=albums, limits=limits)
        assert findings[0].code == "mass_vanished"
        assert f"{gone} files of 4 albums" in findings[0].message
        assert (len(findings), {f.repair for f in findings}) == (5, {None})
    few = found(*items, albums=half, limits=Limits(4, 50.0))
    assert [type(f.repair) for f in few] == [MarkMissing] * 4


def test_where_too_much_is_gone_other_repairs_go_on() -> None:
    one, two, silent = row(1, path=b"1"), row(2, path=b"2"), row(3)
    findings = found(one, two, silent, albums={HOME: folder(ONE, TWO)}, limits=Limits(3, 5.0))
    assert [f.repair for f in findings if f.repair] == [WriteSidecar(3)]


# What is left of moves.

GOOD: tuple[Shape, Shape, Shape] = ("whole", "absent", "absent")
HIDDEN: tuple[Shape, Shape, Shape] = ("absent", "whole", "absent")
THERE: tuple[Shape, Shape, Shape] = ("absent", "absent", "whole")
LOST: tuple[Shape, Shape, Shape] = ("absent", "different", "absent")


def said_of(*left: Standing, **more: Any) -> list[Finding]:
    return list(unsettled.judge(Leftovers(left, (), **more), INBOUND, STAGING))


@pytest.mark.parametrize(
    ("shapes", "at", "state"),
    [
        ((GOOD, HIDDEN), {"is_hidden": True}, "planned"),
        ((GOOD, LOST), {"is_hidden": True}, None),
        ((GOOD, THERE), {"is_hidden": True}, None),
        ((THERE, THERE), {"is_final": True}, "materialised"),
        ((THERE, GOOD), {"is_final": True}, None),
        ((THERE, THERE), {"is_final": True, "is_hidden": True}, "materialised"),
        ((LOST, LOST), {}, "planned"),
    ],
)
def test_a_move_is_gone_on_with_from_where_all_its_files_are_safe(
    shapes: tuple[tuple[Shape, Shape, Shape], ...], at: dict[str, bool], state: str | None
) -> None:
    one = move()
    finding = only(said_of(standing(one, *shapes, **at)))
    assert finding.repair == (Resume(one, state, True) if state else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "listed", "state"),
    [
        ("discard", True, "planned"), ("discard", False, "published"),
        ("restore", True, "published"), ("restore", False, "materialised"),
        ("refresh", True, "planned"), ("refresh", False, "planned"),
        ("restage", True, "planned"), ("restage", False, "published"),
        ("merge", False, "planned"), ("replace", False, "planned"), ("publish", False, "planned"),
        ("upgrade", False, "planned"), ("retag", False, "planned"), ("undo", True, "planned"),
        ("something a later version does", True, None),
    ],
)  # fmt: skip
def test_each_kind_of_move_is_taken_up_again_where_nothing_can_be_lost(
    kind: str, listed: bool, state: str | None
) -> None:
    finding = only(said_of(standing(move(kind=kind), is_listed=listed)))
    assert (finding.repair.state if isinstance(finding.repair, Resume) else None) == state


def test_a_hidden_folder_no_row_knows_is_gone_on_with_only_as_a_new_album() -> None:
    for kind, state in (("album", "planned"), ("merge", None), ("publish", None)):
        finding = only(said_of(standing(move(kind=kind), GOOD, GOOD, is_hidden=True, has_row=False)))
        assert finding.repair == (Resume(move(kind=kind), state, False) if state else None)  # type: ignore[arg-type]
    mid = only(said_of(standing(move(state="planned"), GOOD, GOOD, is_hidden=True, has_row=False)))
    assert isinstance(mid.repair, Resume), "no running cycle knows it"


@pytest.mark.parametrize(
    ("shapes", "listed", "state"),
    [
        ((GOOD, GOOD), False, "published"),
        ((GOOD, ("different", "absent", "whole")), False, "published"),
        ((GOOD, ("absent", "absent", "absent")), False, "published"),
        ((GOOD, THERE), False, None),
        ((GOOD, ("absent", "absent", "different")), False, None),
        ((THERE, THERE), True, "planned"),
    ],
)
def test_an_undo_goes_on_where_what_is_still_staged_has_its_name_in_inbound(
    shapes: tuple[tuple[Shape, Shape, Shape], ...], listed: bool, state: str | None
) -> None:
    undo = move(kind="undo", undoes="t1")
    finding = only(said_of(standing(undo, *shapes, is_final=True, is_listed=listed)))
    assert (finding.repair.state if isinstance(finding.repair, Resume) else None) == state
    assert finding.message.startswith("An undo waits for a person")


def test_two_moves_to_one_place_are_a_persons_to_decide() -> None:
    two = said_of(standing(move("a")), standing(move("b")))
    assert [(f.code, f.repair) for f in two] == [("unsettled_transfer", None)] * 2


@pytest.mark.parametrize("state", ["planned", "materialised", "published"])
def test_a_move_on_its_way_is_left_to_the_cycle(state: str) -> None:
    finding = only(said_of(standing(move(state=state))))
    assert (finding.code, finding.repair) == ("unfinished_transfer", None)


def test_a_move_between_roots_that_are_not_ours_or_cannot_be_seen_is_only_named() -> None:
    cases: tuple[tuple[Standing, dict[str, Any], str], ...] = (
        (standing(move()), {"lost": frozenset({INBOUND})}, "stranded_transfer"),
        (standing(move()), {"lost": frozenset({STAGING})}, "stranded_transfer"),
        (standing(move(src_root=b"/elsewhere")), {}, "stranded_transfer"),
        (standing(move(dst_root=b"/elsewhere")), {}, "stranded_transfer"),
        (standing(move(), trouble="no right"), {}, "unsettled_transfer"),
    )
    for left, more, code in cases:
        finding = only(said_of(left, **more))
        assert (finding.code, finding.repair) == (code, None)
    into_a_library = only(said_of(standing(move(kind="publish", src_root=STAGING, dst_root=b"/library"))))
    assert isinstance(into_a_library.repair, Resume)
    assert into_a_library.root == b"/library"


def test_a_person_is_sent_to_where_the_files_of_a_move_are() -> None:
    hidden = only(said_of(standing(move(), GOOD, LOST, is_hidden=True)))
    assert hidden.paths == (b".greenroom-tx/t9",)
    assert hidden.message.startswith("A move waits for a person: it did not say why.")
    assert "1 of 2 files: /inbound/drop/2.mp3: source absent, hidden different, album absent" in hidden.message
    assert "move what you want to keep out of /staging/.greenroom-tx/t9" in hidden.message
    gone = only(said_of(standing(move(), LOST, LOST)))
    assert (gone.paths, "Nothing it made is on the disk." in gone.message) == ((b"Ada/High",), True)
    whole = only(said_of(standing(move(), GOOD, HIDDEN, is_hidden=True, has_row=False)))
    assert "the database does not know" in whole.message
    assert "Every file of it is whole." in whole.message
    about = only(said_of(standing(move(kind="refresh"), LOST, LOST)))
    assert "The published album is left as it is." in about.message
    final = only(said_of(standing(move(), THERE, GOOD, is_final=True)))
    assert final.paths == (b"Ada/High",)
    assert "1 of 2 files: /inbound/drop/2.mp3: source whole" in final.message
    assert "move the folder elsewhere" in final.message
    undo = only(said_of(standing(move(kind="undo", undoes="t1"), GOOD, THERE, is_hidden=True)))
    assert (undo.paths, undo.repair) == ((b"Ada/High",), None)
    assert "bring together by hand" in undo.message


def test_a_hidden_folder_nobody_made_is_named() -> None:
    orphan = only(list(unsettled.judge(Leftovers((), (b".greenroom-tx/x",)), INBOUND, STAGING)))
    assert (orphan.code, orphan.paths) == ("orphan_transfer_folder", (b".greenroom-tx/x",))
