"""Candidates of one type → those to be downloaded and looked at now, the most promising first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from processor.artwork.offer import LOCAL
from processor.artwork.rows import Candidate
from processor.artwork.scoring import Claim, score
from processor.artwork.types import PictureType
from processor.artwork.wanted import Wanted


def due(
    candidates: Sequence[Candidate],
    kind: PictureType,
    wanted: Wanted,
    providers: Sequence[str],
    tried: Collection[int],
    *,
    force: bool,
) -> list[Candidate]:
    """Return what to look at now; `tried` was, in this pass. With `force` also what was looked at in earlier ones.

    All of the user's own and what a person chose; of providers' as many as the settings say, by what they claim.
    What can never be had makes room for the next.
    """
    if not most(kind, wanted):
        return []
    able = [one for one in candidates if one.decision != "rejected" and not is_hopeless(one, tried, force)]
    own = [one for one in able if one.offer.provider in LOCAL or one.decision == "chosen"]
    others = [one for one in able if one not in own] if wanted.fetch_provider_assets else []
    others.sort(key=lambda one: (-promise(one, kind, wanted, providers), one.id))
    first = own + others[: wanted.look_at]
    return [one for one in first if one.id not in tried and needs_look(one, force)]


def most(kind: PictureType, wanted: Wanted) -> int:
    """Return how many of a type are selected at most."""
    return int(getattr(wanted, kind.limit))


def promise(one: Candidate, kind: PictureType, wanted: Wanted, providers: Sequence[str]) -> float:
    """Return the score of what a picture is, or claims to be."""
    width, height = (one.seen.width, one.seen.height) if one.seen else (one.offer.width, one.offer.height)
    claim = Claim(width, height, one.offer.language, one.offer.votes, one.offer.provider)
    return score(claim, kind, wanted.language, providers).total


def is_hopeless(one: Candidate, tried: Collection[int], force: bool) -> bool:
    """Whether a picture was found to be none that can be used; one a person chose is asked for in each pass."""
    failed = one.code is not None and one.content is None and not one.is_owed
    return failed and (one.id in tried or not (force or one.decision == "chosen"))


def needs_look(one: Candidate, force: bool) -> bool:
    """Whether it is unknown what a picture is; with `force`, whether that can be asked again."""
    if one.offer.url is None and one.offer.local is None:
        return False
    return one.seen is None or (force and one.offer.url is not None)
