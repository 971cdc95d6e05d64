"""Every kind of act has its words: what would happen, what did, and a way out."""

from __future__ import annotations

from typing import get_args

from daemon.actions.act_kinds import TOLD, Kind


def test_each_kind_of_act_says_what_would_happen_and_what_did() -> None:
    assert TOLD.keys() == set(get_args(Kind))
    for kind, told in TOLD.items():
        said = [text.format(days=30, run="r1") for text in (told.would, told.done)]
        assert all(said) != told.forever, f"{kind}: what is removed is counted instead, by a part of its own"
        assert not any(mark in "".join(said) for mark in "{}"), kind
        assert told.title
        assert told.go


def test_only_what_a_cycle_follows_speaks_of_a_run() -> None:
    assert {kind for kind, told in TOLD.items() if "{run}" in told.done} == {
        kind for kind, told in TOLD.items() if told.follows
    }
