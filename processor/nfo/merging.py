"""What we wrote last, what is there now, what we would write → an NFO that keeps every field a person changed. Pure.

A field is all elements of one name below the root, such as all <genre>. Three are compared, as git does with lines:
a field that is still what we wrote becomes what we would write; one that somebody changed, added or removed stays so.
Words between the elements, which no player reads, are of the field they stand behind.
Comments and processing instructions are never ours: they stay before the element they stand before.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from copy import copy, deepcopy
from typing import NamedTuple


class Merged(NamedTuple):
    """The file as it shall be, and the fields in it that are a person's."""

    root: ET.Element
    kept: tuple[str, ...]


def merge(written: ET.Element | None, there: ET.Element, wanted: ET.Element) -> Merged:
    """Merge. `written` is None where nobody knows any more what we wrote: then whatever is there is a person's."""
    before, now, then = (_fields(root) for root in (written, there, wanted))
    kept = [tag for tag in now.keys() | before.keys() if _is_changed(tag, before, now, then, written is None)]
    root = ET.Element(wanted.tag, there.attrib | wanted.attrib)
    root.text = there.text  # words before the first element
    for tag in then:
        root.extend(deepcopy(now.get(tag, []) if tag in kept else then[tag]))
    for tag in now:  # what only a person has comes last, in the order it is there
        if tag in kept and tag not in then:
            root.extend(deepcopy(now[tag]))
    return Merged(root, tuple(sorted(kept)))


Fields = dict[str, list[ET.Element]]


def _fields(root: ET.Element | None) -> Fields:
    found: Fields = {}
    for child in root if root is not None else ():
        found.setdefault(child.tag, []).append(child)
    return found


def _is_changed(tag: str, before: Fields, now: Fields, then: Fields, unknown: bool) -> bool:
    """Tell whether a person made the field what it is; the same change by both sides is nobody's."""
    there = _said(now.get(tag))
    if there == _said(then.get(tag)):
        return False
    return tag in now if unknown else there != _said(before.get(tag))


def _said(elements: list[ET.Element] | None) -> list[object]:
    """Return what elements say, and what is said between them, without the white space there."""
    return [
        (
            one.tag,
            sorted(one.attrib.items()),
            *(" ".join((text or "").split()) for text in (one.text, one.tail)),
            _said([*one]),
        )
        for one in elements or ()
    ]


def annotate(root: ET.Element, there: ET.Element) -> None:
    """Give `root` the comments and instructions of `there`, which was read with them.

    Each comes before the element of the name and number it stands before, else before the next that is left, else last.
    One inside of text comes before its element: players read that text up to there, or with the white space around it.
    """
    left = dict(_numbered(root))
    before: dict[ET.Element, list[ET.Element]] = {}
    waiting: list[ET.Element] = []
    for key, child in _numbered(there):
        if key is None:
            waiting.append(_alone(child))
        elif key in left and len(left[key]):
            annotate(left[key], child)
        else:
            waiting += [_alone(one) for one in child.iter() if _is_note(one)]
        if key in left:
            before[left[key]], waiting = waiting, []
    root[:] = [one for child in root for one in (*before.get(child, ()), child)] + waiting


def _numbered(parent: ET.Element) -> Iterator[tuple[tuple[str, int] | None, ET.Element]]:
    """Yield what is in an element; elements with their name and how many of it came before."""
    count = Counter[str]()
    for child in parent:
        yield None if _is_note(child) else (child.tag, count[child.tag]), child
        count[child.tag] += 1


def _is_note(one: ET.Element) -> bool:
    return not isinstance(one.tag, str)


def _alone(note: ET.Element) -> ET.Element:
    made = copy(note)
    made.tail = None  # the text behind it is its parent's
    return made


def differing(there: ET.Element, wanted: ET.Element) -> tuple[str, ...]:
    """Return the fields that would be written and say something else, or nothing, in the file that is there."""
    now, then = _fields(there), _fields(wanted)
    return tuple(sorted(tag for tag in then if _said(now.get(tag)) != _said(then[tag])))
