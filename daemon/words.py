"""Codes of the program → what people are told of them."""

from __future__ import annotations

from typing import Final

# What a page says of what was just done; addresses name the key, so nobody can put words into our mouth.
SAID: Final = {
    "saved": "Saved.",
    "same": "Nothing was changed.",
    "defaults": "The defaults are back.",
    "undone": "Undone.",
    "added": "Added.",
    "removed": "Removed.",
    "forgotten": "Forgotten. Its files stay where they are; added again, all goes on as before.",
    "resumed": "Work goes on there.",
    "looked": "Its own pictures were looked at.",
    "told": "It is told now.",
    "revoked": "The key opens nothing any more.",
    "password": "The password is another one now, and every other session has ended.",
    "paused": "No more jobs of this phase begin.",
    "retried": "All of them are tried again.",
    "not_all_retried": "They are tried again, but for some that changed meanwhile or that this version does not know.",
    "goes_on": "Jobs of this phase begin again.",
}
# How far a cycle or an act is, by the names of its stages.
STAGES: Final = {
    "begin": "Beginning",
    "walk": "Looking at folders",
    "read": "Reading tags",
    "settle": "Waiting until what is new has been still for long enough",
    "look": "Looking at files",
    "move": "Moving albums",
    "verify": "Comparing files",
    "compare": "Comparing albums",
}


def stage_said(name: str) -> str:
    """Return what a stage is called."""
    return STAGES.get(name, name.replace("_", " "))
