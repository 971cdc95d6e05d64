"""What is known of an album or a track ↔ the fields of a form: each as text, with who said it, and its lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from config.reasons import show_text
from processor.metadata.documents import USER, Known
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
    was: str  # the text, and the lock, before a person touched the form
    was_locked: bool
    error: str | None = None


def lines(subject: Subject, known: Mapping[str, Known]) -> list[Line]:
    """Return every field there may be, with what counts."""
    return [
        Line(f.name, f.label, f.kind, "", None, False, "", False)
        if (one := known.get(f.name)) is None
        else Line(f.name, f.label, f.kind, text := as_text(one.value), one.source, one.locked, text, one.locked)
        for f in FIELDS[subject].values()
    ]


def said(
    subject: Subject,
    known: Mapping[str, Known],
    texts: Mapping[str, str],
    locks: Collection[str],
    were_locked: Collection[str],
) -> tuple[dict[str, Any], list[Line]]:
    """Return what a form changes, by field (None: no longer locked), and the lines as they were sent.

    A changed text is said and so locked; an emptied one is left to the sources again; for an unchanged one its box
    decides. A line with an error changes nothing. Changed is what is other than the form showed, in `was …`: what
    counts by now may be another, for albums are enriched, and edited by others, meanwhile. Where two people changed one
    field, the second one is told what the first one said, and sends theirs again.
    """
    news: dict[str, Any] = {}
    sent = []
    for now in lines(subject, known):
        text, shown, error = _sent(texts.get(now.name, now.text)), texts.get(f"was {now.name}"), None
        was, was_locked = (now.was, now.locked) if shown is None else (_sent(shown), now.name in were_locked)
        line = now._replace(text=text, locked=now.name in locks, was=was, was_locked=was_locked)
        is_changed = text != was
        if is_changed and now.source == USER and now.text not in (was, text):
            told = f"somebody said “{now.text[:120]}” meanwhile; send yours again if it is to count"
            sent.append(line._replace(was=now.text, was_locked=now.locked, error=told))
            continue
        try:
            if is_changed and text.strip():
                news[line.name] = _checked(subject, line, text, known)
            elif was_locked and (is_changed or not line.locked):
                news[line.name] = None
            elif line.locked and not was_locked and text:
                is_known = text == now.text
                news[line.name] = known[line.name].value if is_known else _checked(subject, line, text, known)
        except Rejected as refused:
            error = refused.message
        sent.append(line._replace(error=error))
    return news, sent


def _sent(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n")


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


def _meant(text: str, known: Known | None) -> str:
    """Return a text with the characters of what is known that a form can only show as escapes."""
    for char in set(_text(known.value) if known else "") - {"\n"}:
        text = text.replace(show_text(char), char)
    return text


def _checked(subject: Subject, line: Line, text: str, known: Mapping[str, Known]) -> Any:
    """Return what a text says. An artist whose name is still there keeps its ids. Raises Rejected."""
    before = known.get(line.name)
    text = _meant(text, before)
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
