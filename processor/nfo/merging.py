"""What we wrote last, what is there now, what we would write → an NFO that keeps every field a person changed. Pure.

A field is all elements of one name below the root, such as all <genre>. Three are compared, as git does with lines:
a field that is still what we wrote becomes what we would write; one that somebody changed, added or removed stays so.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from copy import deepcopy
from typing import NamedTuple


class Merged(NamedTuple):
    """The file as it shall be, and the fields in it that are a person's."""

    root: ET.Element
    kept: tuple[str, ...]


def merge(written: ET.Element | None, there: ET.Element, wanted: ET.Element) -> Merged:
    """Merge. `written` is None where nobody knows any more what we wrote: then whatever is there is a person's."""
    before, now, then = (_fields(root) for root in (written, there, wanted))
    kept = [tag for tag in now.keys() | before.keys() if _is_changed(tag, before, now, then, written is None)]
    root = ET.Element(wanted.tag, wanted.attrib)
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
    """Return what elements say, without the white space between them."""
    return [
        (one.tag, sorted(one.attrib.items()), " ".join((one.text or "").split()), _said([*one]))
        for one in elements or ()
    ]


def differing(there: ET.Element, wanted: ET.Element) -> tuple[str, ...]:
    """Return the fields that would be written and say something else, or nothing, in the file that is there."""
    now, then = _fields(there), _fields(wanted)
    return tuple(sorted(tag for tag in then if _said(now.get(tag)) != _said(then[tag])))
