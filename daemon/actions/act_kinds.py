"""A kind of act → what people are told of it, before it is done and after, and what follows."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["inbound", "split", "merge", "rules", "unpublish", "trash", "restore", "empty", "undo"]


class Told(NamedTuple):
    """What is told of acts of one kind; `would` and `done` are HTML, of `{days}` in the trash and the `{run}`."""

    title: str
    go: str  # the button
    would: str = ""  # when all of it can be done
    done: str = ""  # when all of it was
    stays: tuple[str, str] = ("It cannot be taken back.", "It was not taken back.")  # of an album: would, did
    columns: tuple[str, str] = ("File", "Back to")
    leave: str | None = None  # where to go instead; None: to the first of its items
    follows: bool = False  # a cycle, which stages the files again
    partly: bool = False  # what can be done is done, though the rest cannot
    keeps_items: bool = False  # else they are gone when it is done
    forever: bool = False  # nobody can take it back


_BACK: Final = "Every file goes back to where it came from, under its old name."
_HELD: Final = "Cycles leave it alone until one of its files changes."
_STAGED: Final = (
    "Every file goes back to inbound, and a cycle that begins at once stages them {}. What was decided, edited and "
    "noted of {} is not carried over."
)
_FOLLOWED: Final = (
    'The files are back in inbound, and the next cycle stages them {}: <a href="/runs/{{run}}">follow it</a>.'
)
_STAYS: Final = ("It cannot go there.", "It did not go there.")

TOLD: Final[dict[Kind, Told]] = {
    "inbound": Told("Back to inbound", "Take it back", _BACK, f"It is back where it came from. {_HELD}"),
    "split": Told(
        "Make it two albums",
        "Do it",
        _STAGED.format("as shown below", "it"),
        _FOLLOWED.format("as you said"),
        follows=True,
    ),
    "merge": Told(
        "Make them one album",
        "Do it",
        _STAGED.format("as shown below", "them"),
        _FOLLOWED.format("as you said"),
        follows=True,
    ),
    "rules": Told(
        "Group it anew",
        "Do it",
        _STAGED.format("by the rules again", "it"),
        _FOLLOWED.format("by the rules again"),
        follows=True,
    ),
    "unpublish": Told(
        "Out of the library",
        "Do it",
        "Every file goes back to staging, under its old name, before the album leaves the library.",
        'It is out of the library, and <a href="/review">waits for review</a> in staging.',
        keeps_items=True,
    ),
    "trash": Told(
        "Into the trash",
        "Put into the trash",
        "Each album leaves staging as a whole, and can be restored from the trash for {days} days.",
        'In the trash. <a href="/trash">Restore it from there</a> as long as it is kept.',
        stays=_STAYS,
        columns=("In the trash", "Was at"),
    ),
    "restore": Told(
        "Out of the trash",
        "Restore it",
        "It goes back to its place in staging, and waits for review again.",
        'It is back in its place, and <a href="/review">waits for review</a>.',
        stays=_STAYS,
        leave="/trash",
    ),
    "empty": Told("Out of the trash for good", "Remove for good", leave="/trash", forever=True),
    "undo": Told(
        "Take back what a run moved",
        "Take it back",
        _BACK,
        f"All of it is back where it came from. {_HELD}",
        leave="/runs",
        partly=True,
    ),
}
