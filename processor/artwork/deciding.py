"""A person's word about a picture → kept with their name in every later pass, and selected or not as they want it."""

from __future__ import annotations

from config.errors import Rejected
from processor.artwork import rows
from processor.artwork.desk import desk
from processor.artwork.offer import PERSON, Offer
from processor.artwork.pictures import Outcome, Pass, reselect
from processor.artwork.selecting import Decision
from processor.artwork.types import TYPES


def decide(that: Pass, candidate: int, decision: Decision | None, *, actor: str) -> Outcome:
    """Choose or reject a picture, or with None leave it to the rule again; select anew.

    What was decided last comes first. The decision is kept even if the picture cannot be had now: it is fetched in a
    later pass. Raises Rejected when there is no such picture of the album or artist, and as `refresh` does.
    """
    with that.gallery.database.begin() as connection:
        subject, _ = rows.candidate(connection, candidate)
        if subject != that.subject:
            raise Rejected(f"picture {candidate} is not on offer here", code="no_candidate")
        rows.decide(connection, candidate, decision, actor, that.now)
    return reselect(that)


def upload(that: Pass, type: str, data: bytes, *, actor: str) -> Outcome:
    """Take a picture a person gives, keep it, and let it be the first of its type.

    Raises Rejected for a type there is none of, and with the reason for a picture that cannot be used; too small is
    what a person may want.
    """
    if (that.subject.kind, type) not in TYPES:
        raise Rejected(f"there are no pictures of type {type!r}", code="no_type")
    with desk(that.gallery, that.fetch, that.now) as at_hand:
        seen, made = at_hand.given(data)
        blob = that.gallery.blobs.put(made.data, made.extension, that.now)
    with that.gallery.database.begin() as connection:
        offer = Offer(PERSON, seen.content, type)
        id = rows.give(connection, that.subject, offer, blob.sha256, that.now)
        rows.decide(connection, id, "chosen", actor, that.now)
    return reselect(that)
