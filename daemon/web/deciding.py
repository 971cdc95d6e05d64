"""What a form or a query says of items → filters and decisions, and where to go on afterwards."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import Form, HTTPException, Query

from processor.listing import Filter
from workflow.states import MOVES
from workflow.succession import Seen

STATUSES: Final = tuple(MOVES)
Warned = Literal["", "yes", "no"]
ANY: Final = "any"


class Wanted:
    """The filter of a list, as its address says it. A dependency."""

    def __init__(
        self,
        status: Annotated[str, Query(max_length=30)] = "pending_review",
        below: Annotated[str, Query(max_length=10)] = "",
        warned: Warned = "",
        q: Annotated[str, Query(max_length=200)] = "",
    ) -> None:
        self.status = status if status in STATUSES else ANY
        self.below, self.warned, self.words = below, warned, q
        self.filter = Filter(
            status=None if self.status == ANY else self.status,
            below=_share(below),
            warned=None if not warned else warned == "yes",
            words=q,
        )

    def address(self, base: str, **more: object) -> str:
        """Return an address that keeps the filter."""
        kept = {"status": self.status, "below": self.below, "warned": self.warned, "q": self.words} | more
        query = {name: value for name, value in kept.items() if value not in ("", None, "pending_review")}
        return f"{base}?{urlencode(query, errors='replace')}" if query else base


class Word:
    """What a person decided: the button pressed says which, its value what they saw. A dependency."""

    def __init__(
        self,
        approve: Annotated[str | None, Form(max_length=60)] = None,
        reject: Annotated[str | None, Form(max_length=60)] = None,
        undo: Annotated[str | None, Form(max_length=60)] = None,
        publish: Annotated[str | None, Form(max_length=60)] = None,
        quarantine: Annotated[str | None, Form(max_length=60)] = None,
        why: Annotated[str, Form(max_length=500)] = "",
        back: Annotated[str, Form(max_length=500)] = "/review",
    ) -> None:
        said = {"approved": approve, "rejected": reject, "undo": undo, "publish": publish, "quarantined": quarantine}
        given = [(status, seen) for status, seen in said.items() if seen is not None]
        if len(given) != 1:
            raise HTTPException(422, "Press one button: approve, reject, quarantine or undo.")
        (self.status, seen_text), self.why = given[0], why.strip()
        self.publish = self.status == "publish"
        self.status = "approved" if self.publish else self.status
        self.seen = seen_of(seen_text)
        self.back = back if back == "/review" or back.startswith(("/review?", "/review/")) else "/review"


def seen_of(text: str) -> Seen:
    """Read what a form brings along of the item a person looked at: `3 pending_review`."""
    revision, _, status = text.partition(" ")
    if not (revision.isascii() and revision.isdecimal() and len(revision) < 10 and status in STATUSES):
        raise HTTPException(422, "This form does not say which revision it is about; load the page again.")
    return Seen(int(revision), status)


def chosen_of(marked: list[str]) -> dict[int, Seen]:
    """Read which items were marked in a list, and what was seen of each: `17 3 pending_review`."""
    parts = (one.partition(" ") for one in marked)
    return {int(number): seen_of(text) for number, _, text in parts if _is_id(number)}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _share(text: str) -> float | None:
    try:
        found = float(text) if text else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found <= 1 else None
