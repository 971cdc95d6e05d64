"""What a form or a query says of items → filters and decisions, and where to go on afterwards."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlencode

from fastapi import Depends, Form, HTTPException, Query
from sqlalchemy import Connection

from processor.items.listing import Filter, Sort, order_of, page
from workflow.operations.deciding import Seen
from workflow.states import MOVES

STATUSES: Final = tuple(MOVES)
MOST_AT_ONCE: Final = 500  # items decided with one button: some seconds
WHY: Final = {
    "approved": "approved by a person",
    "rejected": "rejected by a person",
    "quarantined": "put into quarantine by a person",
}
Warned = Literal["", "yes", "no"]
ByAge = Literal["added", "-added"]  # of lists that have one order: the newest first, or turned around
ANY: Final = "any"
SORTS: Final[dict[Sort, str]] = {
    "added": "newest first",
    "-added": "oldest first",
    "changed": "changed lately",
    "-changed": "unchanged the longest",
    "artist": "by artist, A to Z",
    "-artist": "by artist, Z to A",
    "album": "by album, A to Z",
    "-album": "by album, Z to A",
    "year": "by year, newest first",
    "-year": "by year, oldest first",
}
_UNSAID: Final = {"status": "pending_review", "sort": "added"}


class Wanted:
    """The filter of a list and its order, as its address says them. A dependency."""

    def __init__(
        self,
        status: Annotated[str, Query(max_length=30)] = "pending_review",
        below: Annotated[str, Query(max_length=10)] = "",
        warned: Warned = "",
        q: Annotated[str, Query(max_length=200)] = "",
        sort: Annotated[str, Query(max_length=10)] = "added",
    ) -> None:
        self.sort: Sort = next((known for known in get_args(Sort) if known == sort), "added")
        self.status = status if status in STATUSES else ANY
        self.below, self.warned, self.words = below, warned, q
        self.filter = Filter(
            status=None if self.status == ANY else self.status,
            below=_share(below),
            warned=None if not warned else warned == "yes",
            words=q,
        )

    def address(self, base: str, **more: object) -> str:
        """Return an address that keeps the filter and the order."""
        kept = {"status": self.status, "below": self.below, "warned": self.warned, "q": self.words, "sort": self.sort}
        query = {name: value for name, value in (kept | more).items() if value not in ("", None, _UNSAID.get(name))}
        return f"{base}?{urlencode(query, errors='replace')}" if query else base

    def by(self, name: str) -> str:
        """Return the address of the list in an order, or in its reverse if the list has that order already."""
        return self.address("/review", sort=f"-{name}" if self.sort == name else name)

    def direction(self, *names: str) -> str | None:
        """Return how the list is sorted by a column that one of some orders stands for, as aria-sort says it."""
        if self.sort.removeprefix("-") not in names:
            return None
        return "ascending" if order_of(self.sort).ascending else "descending"


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
        back: Annotated[str, Form(max_length=5000)] = "/review",  # words and a place, at three letters a byte
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


class Marked:
    """What a person marked in a list: some of it, or all that its filter finds, also on further pages. A dependency."""

    def __init__(
        self,
        wanted: Annotated[Wanted, Depends()],
        chosen: Annotated[list[str] | None, Form(max_length=MOST_AT_ONCE)] = None,
        every: Annotated[bool, Form()] = False,
    ) -> None:
        self.wanted, self.every, self._chosen = wanted, every, chosen or []

    def seen(self, connection: Connection) -> tuple[dict[int, Seen], bool]:
        """Return which items, and what was seen of each; and whether the filter finds more, that wait for next time."""
        if not self.every:
            return chosen_of(self._chosen), False
        found = page(connection, self.wanted.filter, self.wanted.sort, limit=MOST_AT_ONCE)
        return {item["id"]: Seen(item["revision"], item["status"]) for item in found.items}, found.next is not None


def seen_of(text: str) -> Seen:
    """Read which revision and status of the item a person saw, as the form says it: `3 pending_review`.

    Behind them stands the decision to take back, if one was offered: `3 rejected 17`.
    """
    revision, status, decision = (*text.split(" ", 2), "", "")[:3]
    if not (_is_id(revision) and len(revision) < 10 and status in STATUSES and (not decision or _is_id(decision))):
        raise HTTPException(422, "This form does not say which revision it is about; load the page again.")
    return Seen(int(revision), status, int(decision) if decision else None)


def chosen_of(marked: list[str]) -> dict[int, Seen]:
    """Read which items were marked in a list, and what was seen of each: `17 3 pending_review`."""
    parts = (one.partition(" ") for one in marked)
    return {int(number): seen_of(text) for number, _, text in parts if _is_id(number)}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _share(percent: str) -> float | None:
    """Return percent, as lists show a confidence, as a part of 1; None if it is none."""
    try:
        found = float(percent) if percent else None
    except ValueError:
        return None
    return found / 100 if found is not None and 0 <= found <= 100 else None
