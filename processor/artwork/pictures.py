"""Pictures on offer for an album or an artist → the best of them, whole in the cache and selected.

One pass takes seven steps: write the offers; drop those that a small version shows to be known already; get the most
promising, and look at them; score them; let one stand for all that are the same; select; bring the selected ones into
the cache. Only then, in one transaction, the selection changes. So what cannot be had leaves it as it was, and a pass
that finds nothing new changes nothing. A selected picture that the cache lost, and that cannot be had now, is owed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from config.database import one_writer
from config.errors import Rejected
from processor.artwork import blobs, rows
from processor.artwork.blobs import BlobMissing
from processor.artwork.desk import Desk, Fetch, Gallery, desk
from processor.artwork.due import due
from processor.artwork.judging import Judged, judge
from processor.artwork.likeness import are_same
from processor.artwork.offer import PERSON, Offer, Subject
from processor.artwork.rows import Candidate, Selected
from processor.artwork.tables import CandidateRow
from processor.artwork.types import TYPES
from processor.artwork.wanted import Wanted
from processor.publication import news


class Outcome(NamedTuple):
    """What a pass came to."""

    selected: tuple[Selected, ...]
    is_changed: bool  # whether other pictures are selected than before, or the cache has one again that it had lost
    owed: frozenset[str]  # providers whose pictures could not be had now


class Pass(NamedTuple):
    """What a pass is about. `providers` has the best first; `check` raises when the job is to stop."""

    gallery: Gallery
    subject: Subject
    wanted: Wanted
    fetch: Fetch
    now: dt.datetime
    providers: Sequence[str] = ()
    check: Callable[[], None] = lambda: None


def refresh(that: Pass, offers: Iterable[Offer], answered: Collection[str] = (), *, force: bool = False) -> Outcome:
    """Take all steps. `answered` are the providers, local ones among them, whose offers here are all they have.

    With `force` providers' pictures are downloaded again, even those that are known, and what was refused or given up
    is looked at again. Raises what `check` raises, and Retryable where the disk, the database or the processes refuse.
    """
    with that.gallery.database.begin() as connection:
        known = [one for one in offers if (that.subject.kind, one.type) in TYPES]
        before = rows.selected(connection, that.subject)
        rows.offer(connection, that.subject, known, answered, that.now)
        if rows.selected(connection, that.subject) != before:  # what was selected is not there any more
            _note(connection, that)
    with desk(that.gallery, that.fetch, that.now, force=force) as at_hand:
        _look(that, at_hand, force=force)
        return _select(that, at_hand, before)


def reselect(that: Pass) -> Outcome:
    """Select anew among what is on offer, as a person decided; fetches what is selected and not in the cache."""
    with desk(that.gallery, that.fetch, that.now) as at_hand:
        return _select(that, at_hand)


def _look(that: Pass, at_hand: Desk, *, force: bool) -> None:
    """Look at what is due until nothing is: what cannot be had makes room for the next."""
    while True:
        found = _candidates(that)
        wanted: list[Candidate] = []
        for (of, name), kind in TYPES.items():
            if of == that.subject.kind:
                mine = [one for one in found if one.offer.type == name]
                wanted += due(mine, kind, that.wanted, that.providers, at_hand.tried, force=force)
        if not wanted:
            return
        at_hand.look((one for one in wanted if force or not _is_known(that, at_hand, one, found)), that.check)


def _is_known(that: Pass, at_hand: Desk, one: Candidate, found: Sequence[Candidate]) -> bool:
    """Whether the small version of a picture shows one that was looked at and is no smaller; that is noted."""
    claim, bits = one.offer, that.wanted.same_picture
    if one.decision or not (claim.preview and claim.width and claim.height):
        return False
    at_least = claim.width * claim.height
    others = [other for other in found if other.seen and other.offer.type == claim.type]
    others = [other for other in others if other.seen and other.seen.width * other.seen.height >= at_least]
    if not others or (small := at_hand.glance(one)) is None:
        return False
    for other in others:
        if other.seen and are_same(small.likeness, other.seen.likeness, bits):
            at_hand.tried.add(one.id)
            message = f"Its small version shows picture {other.id}, which is no smaller."
            with that.gallery.database.begin() as connection:
                rows.failed(connection, one.id, ("same_picture", message), that.now, is_owed=False)
            return True
    return False


def _select(that: Pass, at_hand: Desk, before: Sequence[Selected] | None = None) -> Outcome:
    """Judge, bring what is selected into the cache, and write it, unless somebody decided meanwhile: then again.

    `before` is what was selected until now, where that is known.
    """
    lost: set[int] = set()
    held: dict[int, str] = {}  # the blobs that are whole, by candidate
    while True:
        found = _candidates(that)
        judged = judge(that.subject, found, that.wanted, that.providers, lost)
        missing = [one.candidate for one in judged if one.rank and one.candidate.id not in held]
        for one in missing:
            that.check()
            try:
                held[one.id] = _secured(that, at_hand, one)
            except (Rejected, BlobMissing):
                if one.rank and one.blob and _is_owed(that, one):
                    held[one.id] = one.blob
                else:
                    lost.add(one.id)
        if not missing and (outcome := _written(that, at_hand, judged, held, before)):
            return outcome


def _secured(that: Pass, at_hand: Desk, one: Candidate) -> str:
    """Return the blob of a candidate, made if it is not in the cache, whole. Raises Rejected and BlobMissing."""
    cache = that.gallery.blobs
    if one.blob is not None:
        try:
            found = cache.find(one.blob)
            cache.read(found)
            return found.sha256
        except BlobMissing:
            if one.offer.provider == PERSON:
                raise
    if one.content not in at_hand.files:
        at_hand.look([one], that.check)
    with that.gallery.database.read() as connection:
        _, now = rows.candidate(connection, one.id)
    if now.content is None or now.content not in at_hand.files:
        raise Rejected(now.message or "it cannot be had", code=now.code or "unavailable")
    made = at_hand.made(now.content)
    kept = cache.put(made.data, made.extension, that.now).sha256
    at_hand.restored |= {kept} & {one.blob}
    return kept


def _is_owed(that: Pass, one: Candidate) -> bool:
    """Whether a picture that could not be had just now can be had later."""
    with that.gallery.database.read() as connection:
        return rows.candidate(connection, one.id)[1].is_owed


def _written(
    that: Pass,
    at_hand: Desk,
    judged: Sequence[Judged],
    held: dict[int, str],
    before: Sequence[Selected] | None,
) -> Outcome | None:
    """Write the selection and hold its blobs; None if the candidates are not what was judged any more."""
    with that.gallery.database.begin() as connection:
        one_writer(connection, CandidateRow.__tablename__)
        before = rows.selected(connection, that.subject) if before is None else before
        found = _known_types(that, rows.candidates(connection, that.subject))
        if _state(found) != _state(one.candidate for one in judged):
            return None
        results = [one.row | {"blob": held.get(one.candidate.id, one.candidate.blob)} for one in judged]
        rows.settle(connection, results)
        kept = [one["blob"] for one in results if one["rank"]]
        kept += [one.blob for one in found if one.offer.provider == PERSON and one.blob]
        blobs.hold(connection, that.subject.holder, kept, that.now)
        after = rows.selected(connection, that.subject)
        is_changed = [(one.type, one.sha256) for one in after] != [(one.type, one.sha256) for one in before]
        is_changed |= not at_hand.restored.isdisjoint(one.sha256 for one in after)
        if is_changed:
            _note(connection, that)
    return Outcome(tuple(after), is_changed, frozenset(one.offer.provider for one in found if one.is_owed))


def _note(connection: Connection, that: Pass) -> None:
    """Mark what is published with these pictures, in the transaction in which they change."""
    for key in that.subject.published_as:
        news.note_of(connection, that.subject.kind, key, that.now)


def _state(candidates: Iterable[Candidate]) -> set[tuple[object, ...]]:
    return {(one.id, one.content, one.decision, one.decided_at) for one in candidates}


def _candidates(that: Pass) -> list[Candidate]:
    with that.gallery.database.read() as connection:
        return _known_types(that, rows.candidates(connection, that.subject))


def _known_types(that: Pass, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return those of types this version knows; a newer one may have written others."""
    return [one for one in candidates if (that.subject.kind, one.offer.type) in TYPES]
