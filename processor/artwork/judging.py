"""Candidates that were looked at → score, likeness and rank of each, and why one is too small. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from config.reasons import Reason
from processor.artwork.due import most
from processor.artwork.offer import Subject
from processor.artwork.rows import Candidate
from processor.artwork.scoring import Claim, Parts, score
from processor.artwork.selecting import Pictured, choose
from processor.artwork.types import TYPES, PictureType
from processor.artwork.wanted import Wanted


class Judged(NamedTuple):
    """What comes of one candidate."""

    candidate: Candidate
    parts: Parts | None
    same_as: int | None
    rank: int | None

    @property
    def row(self) -> dict[str, Any]:
        """Return what its row is to say, but for the blob."""
        score = self.parts.total if self.parts else None
        parts = self.parts._asdict() if self.parts else None
        return {"id": self.candidate.id, "score": score, "parts": parts, "same_as": self.same_as, "rank": self.rank}


def judge(
    subject: Subject, candidates: Sequence[Candidate], wanted: Wanted, providers: Sequence[str], lost: Collection[int]
) -> list[Judged]:
    """Return what comes of every candidate; those in `lost` cannot be had now, so others are selected."""
    judged: list[Judged] = []
    for (of, name), kind in TYPES.items():
        if of == subject.kind:
            judged += _of_type([one for one in candidates if one.offer.type == name], kind, wanted, providers, lost)
    return judged


def too_small(one: Candidate, kind: PictureType, wanted: Wanted) -> Reason | None:
    """Return why a picture is too small for its type, if it is; what a person chose never is."""
    least = max(kind.least, wanted.min_resolution if kind.is_background else 0)
    if one.seen is None or one.decision == "chosen" or min(one.seen.width, one.seen.height) >= least:
        return None
    return Reason("too_small", f"It has {one.seen.width} × {one.seen.height} pixels; {least} a side are wanted.")


def explained(one: Candidate, subject: Subject, wanted: Wanted) -> Candidate:
    """Return a picture with why it is too small for its type, if it is, and nothing else is said of it."""
    kind = TYPES.get((subject.kind, one.offer.type))
    why = too_small(one, kind, wanted) if kind and one.code is None else None
    return one._replace(code=why.code, message=why.message) if why else one


def _of_type(
    candidates: Sequence[Candidate],
    kind: PictureType,
    wanted: Wanted,
    providers: Sequence[str],
    lost: Collection[int],
) -> list[Judged]:
    scores = {one.id: _score(one, kind, wanted, providers) for one in candidates if one.seen}
    able = [one for one in candidates if one.id in scores and one.id not in lost and not too_small(one, kind, wanted)]
    pictured = [_pictured(one, scores[one.id]) for one in able]
    choice = choose(
        pictured, most(kind, wanted), wanted.same_picture,
        by_rule=wanted.auto_select_assets, upgrade=wanted.upgrade_local,
    )  # fmt: skip
    ranks = {id: rank for rank, id in enumerate(choice.selected, 1)}
    return [Judged(one, scores.get(one.id), choice.same_as.get(one.id), ranks.get(one.id)) for one in candidates]


def _score(one: Candidate, kind: PictureType, wanted: Wanted, providers: Sequence[str]) -> Parts:
    assert one.seen
    claim = Claim(one.seen.width, one.seen.height, one.offer.language, one.offer.votes, one.offer.provider)
    return score(claim, kind, wanted.language, providers)


def _pictured(one: Candidate, parts: Parts) -> Pictured:
    assert one.seen
    order = int(one.decided_at.timestamp() * 1_000_000) if one.decision == "chosen" and one.decided_at else 0
    return Pictured(one.id, one.offer.provider, one.seen.content, one.seen.likeness, parts.total, one.decision, order)
