"""What is known of an album or a track ↔ the fields of a form: each as text, with who said it, and its lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from config.reasons import show_text
from processor.metadata.documents import Known
from processor.metadata.fields import FIELDS, Subject, checked
from processor.metadata.known import Credit

NUMBERS: Final = {"count": int, "rating": float}
FLAGS: Final = {"yes": True, "no": False}
BESIDE: Final = "|"  # between an artist's name and what joins it to the next: `Air| feat. `


class Line(NamedTuple):
    """One field of a form."""

    name: str
    label: str
    kind: str  # a key of processor.metadata.fields.KINDS
    text: str
    source: str | None  # None: nobody said anything
    locked: bool
    error: str | None = None


def lines(subject: Subject, known: Mapping[str, Known]) -> list[Line]:
    """Return every field there may be, with what counts."""
    return [
        Line(f.name, f.label, f.kind, "", None, False)
        if (one := known.get(f.name)) is None
        else Line(f.name, f.label, f.kind, as_text(one.value), one.source, one.locked)
        for f in FIELDS[subject].values()
    ]


def said(
    subject: Subject, known: Mapping[str, Known], texts: Mapping[str, str], locks: Sequence[str]
) -> tuple[dict[str, Any], list[Line]]:
    """Return what a form changes, by field (None: no longer locked), and the lines as they were sent.

    A changed text is said and so locked; an emptied one is left to the sources again; for an unchanged one its box
    decides. A line with an error changes nothing.
    """
    news: dict[str, Any] = {}
    sent = []
    for line in lines(subject, known):
        text = texts.get(line.name, line.text).replace("\r\n", "\n").strip("\n")
        lock, error = line.name in locks, None
        try:
            if text != line.text and text.strip():
                news[line.name] = _checked(subject, line, text, known)
            elif (text != line.text and line.locked) or (line.locked and not lock):
                news[line.name] = None
            elif lock and not line.locked and text:
                news[line.name] = known[line.name].value
        except Rejected as refused:
            error = refused.message
        sent.append(line._replace(text=text, locked=lock, error=error))
    return news, sent


def as_text(value: Any) -> str:
    """Return a value as a person edits it: lists one entry a line, and nothing that turns what stands beside it."""
    return "\n".join(map(show_text, _text(value).split("\n")))


def _text(value: Any) -> str:
    if isinstance(value, Credit):
        return value.name + (BESIDE + value.join if value.join else "")
    if isinstance(value, bool):
        return next(word for word, flag in FLAGS.items() if flag is value)
    if isinstance(value, tuple):
        return "\n".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _checked(subject: Subject, line: Line, text: str, known: Mapping[str, Known]) -> Any:
    """Return what a text says. An artist whose name is still there keeps its ids. Raises Rejected."""
    before = known.get(line.name)
    same = {credit.name: credit for credit in before.value} if before and line.kind == "credits" else {}
    read: dict[str, Any] = {
        "credits": lambda: [_credit(row, same) for row in text.split("\n") if row.strip()],
        "lines": lambda: [row for row in text.split("\n") if row.strip()],
        "flag": lambda: FLAGS.get(text, text),
        **{kind: lambda number=number: _number(number, text) for kind, number in NUMBERS.items()},
    }
    return checked(subject, line.name, read[line.kind]() if line.kind in read else text)


def _credit(row: str, same: Mapping[str, Credit]) -> list[Any]:
    name, _, join = row.partition(BESIDE)
    known = same.get(name.strip(), Credit(name.strip()))
    return [name, known.artist_id, join, known.sort_name]


def _number(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text  # its reader says what it must be
