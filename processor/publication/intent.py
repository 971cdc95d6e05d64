"""What one publication does beside moving music ↔ JSON in the row of its transfer, from which recovery performs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from processor.items.item import NewItem
from processor.publication.access import AS_IS, Access
from processor.transfers.transfer import Strategy, Transfer, path_from_json, path_to_json

Mode = Literal["move", "copy", "hardlink", "reflink"]
STRONGEST: Final[dict[Mode, Strategy]] = {"move": "link", "hardlink": "link", "reflink": "clone", "copy": "copy"}
Role = Literal["nfo", "picture", "lyrics"]


class Made(NamedTuple):
    """One file Greenroom makes from a blob of its cache. `path` is relative to the library."""

    path: bytes
    role: Role
    sha256: str  # of the blob, in hex
    ext: str
    size: int
    over: str | None = None  # SHA-256 of what may give way to it; None: only what is the same already
    base: str | None = None  # SHA-256 of what we would have written had nobody changed the file; None: this is it


class Gone(NamedTuple):
    """One file Greenroom made before and does not want any more; it goes if it is still the same."""

    path: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What a transfer into a library means for the item."""

    item_id: int
    revision: int  # of the item
    library: str  # uuid of the root
    mode: Mode
    made: tuple[Made, ...] = ()
    gone: tuple[Gone, ...] = ()
    artist: str | None = None  # whose folder is above the album's; see ledger.artist_key
    located: NewItem | None = None  # what the item says once its files were moved; None where they stay in staging
    actor: str = "chain"
    job_id: int | None = None
    access: Access = AS_IS  # of what is made and moved
    news_at: dt.datetime | None = None  # the last change it takes into account of what is published already

    def to_json(self) -> dict[str, Any]:
        """Return what `intent_of` reads back."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {
            "made": [[path_to_json(one.path), *one[1:]] for one in self.made],
            "gone": [[path_to_json(one.path), one.sha256] for one in self.gone],
            "located": None if self.located is None else self.located.to_json(),
            "access": [*self.access],
            "news_at": None if self.news_at is None else self.news_at.isoformat(),
        }


_PLAIN: Final = ("item_id", "revision", "library", "mode", "artist", "actor", "job_id")


def intent_of(transfer: Transfer) -> Intent:
    """Return what a transfer is to do. Raises KeyError, TypeError or ValueError for one that never said."""
    said: Mapping[str, Any] = transfer.item["intent"]
    located, news_at = said["located"], said.get("news_at")  # not said by older versions
    return Intent(
        **{name: said[name] for name in _PLAIN},
        made=tuple(Made(path_from_json(path), *rest) for path, *rest in said["made"]),
        gone=tuple(Gone(path_from_json(path), sha256) for path, sha256 in said["gone"]),
        located=None if located is None else NewItem.from_json(located),
        access=Access(*said.get("access", ())),  # transfers that began before there was a choice did not say
        news_at=None if news_at is None else dt.datetime.fromisoformat(news_at),
    )


def with_intent(transfer: Transfer, intent: Intent) -> Transfer:
    """Return the transfer with another intent."""
    return replace(transfer, item={**transfer.item, "intent": intent.to_json()})
