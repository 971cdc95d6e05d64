"""An approved plan: carried out as it is, or refused with what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from config.errors import NeedsReview
from config.reasons import Reason
from processor.planning.naming import PlannedFile
from processor.planning.plan import AlbumPlan, Outcome
from processor.staging.approval import fingerprint, only_approved
from scanner.identity import Identity
from tests.shelf import Shelf

IDENTITY = Identity(1, 2, 3, 4, 5)


def plan(name: str, outcome: Outcome = "staged") -> AlbumPlan:
    shelf = Shelf()
    shelf.album(name, range(1, 2), artist="Ada", album=name, album_artist="Ada", year=2001)
    source = f"{name}/1.flac".encode()
    file = PlannedFile(1, source, b"01.flac", "audio", IDENTITY)
    return AlbumPlan(shelf.only(), outcome, b"A/" + name.encode(), (file,), ())


def approved(*plans: AlbumPlan) -> dict[str, str]:
    return {plan.group.key: fingerprint(plan) for plan in plans}


def test_the_same_plan_goes_through_as_it_is() -> None:
    one, two = plan("One"), plan("Two")
    assert only_approved((one, two), approved(one, two)) == (one, two)


def test_what_is_not_in_the_plan_waits() -> None:
    one, new = plan("One"), plan("Two")
    kept, waits = only_approved((one, new), approved(one))
    assert kept == one
    assert (waits.outcome, waits.target, waits.reasons[0].code) == ("waiting", None, "not_in_plan")


def test_what_would_not_be_staged_anyway_keeps_its_own_reasons() -> None:
    one, held = plan("One"), plan("Two", "needs_review")
    assert only_approved((one, held), approved(one)) == (one, held)


def test_another_device_number_changes_nothing_for_a_restart_may_give_one() -> None:
    one = plan("One")
    moved = replace(one, files=(replace(one.files[0], identity=IDENTITY._replace(dev=9)),))
    assert fingerprint(moved) == fingerprint(one)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (lambda one: replace(one, target=b"A/Else"), "has other files, or would go elsewhere"),
        (lambda one: replace(one, kind="merge"), "has other files"),
        (lambda one: replace(one, kind="replace", over="another"), "the staged album it changes is another one by now"),
        (lambda one: replace(one, files=(replace(one.files[0], identity=IDENTITY._replace(mtime_ns=9)),)), "other"),
        (lambda one: replace(one, files=(*one.files, replace(one.files[0], source=b"x"))), "has other files"),
        (
            lambda one: replace(one, outcome="waiting", reasons=(Reason("still_changing", "It still grows."),)),
            "Ada – One would not be staged now but is waiting (It still grows.)",
        ),
        (lambda one: None, "album:ada/one is not in inbound any more"),
    ],
)
def test_any_change_of_an_approved_album_refuses_the_whole_plan(
    now: Callable[[AlbumPlan], AlbumPlan | None], said: str
) -> None:
    one, two = plan("One"), plan("Two")
    changed = now(one)
    plans = tuple(album for album in (changed, two) if album is not None)
    with pytest.raises(NeedsReview) as refused:
        only_approved(plans, approved(one, two))
    assert refused.value.reason_code == "plan_changed"
    assert said in refused.value.message


def test_a_long_list_of_changes_is_cut() -> None:
    gone = [plan(f"Album {number}") for number in range(8)]
    with pytest.raises(NeedsReview, match=r"and 3 more$"):
        only_approved((), approved(*gone))
