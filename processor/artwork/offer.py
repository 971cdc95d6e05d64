"""What a provider, a tag, a file or a person says of a picture → an Offer, the same for all of them."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from scanner.grouping.folding import fold

EMBEDDED: Final = "embedded"
FOLDER: Final = "folder"
PERSON: Final = "person"
LOCAL: Final = (PERSON, FOLDER, EMBEDDED)  # what is the user's own; no provider's picture takes its place


class Subject(NamedTuple):
    """Whose pictures they are. `key` is a staging item's key, or what `of_artist` makes; it outlives rows."""

    kind: Literal["album", "artist"]
    key: str

    @property
    def holder(self) -> str:
        """The name under which it holds blobs."""
        return f"{self.kind} {self.key}"

    @property
    def published_as(self) -> tuple[str, ...]:
        """What its publications may call it: the item's key, or what processor.publication.ledger.artist_key makes."""
        return (self.key,) if self.kind == "album" else (f"mbid:{self.key}", f"name:{self.key}")


def of_artist(name: str, artist_id: str | None) -> Subject:
    """Return the subject of an artist's pictures; `artist_id` is MusicBrainz's."""
    return Subject("artist", artist_id or fold(name) or name)


class Local(NamedTuple):
    """Where a picture of the album itself is: a file, or the picture with this BLAKE3 in the tags of one."""

    path: bytes  # absolute
    embedded: str | None = None  # BLAKE3 in hex of the picture's bytes; None: the file is the picture


class Offer(NamedTuple):
    """One candidate picture as it is told of; nothing of it has been looked at yet, so every number is a claim.

    `provider` and `id` together name it for good; `type` is a name of processor.artwork.types. Exactly one of `url`
    and `local` is there. What is not known is None; so is the `language` of a picture without any text.
    """

    provider: str
    id: str
    type: str
    url: str | None = None  # of the largest version
    local: Local | None = None
    preview: str | None = None  # URL of a small version of the same picture
    width: int | None = None  # pixels
    height: int | None = None
    language: str | None = None  # ISO 639-1, lower case: of the text in the picture
    votes: int | None = None  # likes, or how many people voted for it
