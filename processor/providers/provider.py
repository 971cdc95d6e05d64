"""What a file of this folder declares: a provider, its settings, and the questions it answers by having a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

from pydantic import Field, field_validator

from config.errors import Rejected
from config.sections import Section
from processor.client.addresses import origin_of
from processor.client.service import Answer, Service

if TYPE_CHECKING:
    from processor.client.client import Client  # its libraries are not wanted where only settings are read

# What may be asked; a provider answers those it has a method for.
Question = Literal[
    "release", "releases", "recognised", "album_fields", "artist_fields", "track_fields", "album_pictures",
    "artist_pictures",
]  # fmt: skip
DAY: Final = 86_400.0


def base_url(default: str) -> Any:
    """Return the field of a provider's address."""
    return Field(default, max_length=500, description="Where it is asked; a mirror may be in the local network.")


def per_second(default: float, why: str = "its own rule") -> Any:
    """Return the field of a provider's rate."""
    return Field(
        default, title="Rate limit", ge=0, le=100, json_schema_extra={"unit": "requests/s"},
        description=f"Requests of all workers of all hosts together; 0 is unlimited. The default is {why}.",
    )  # fmt: skip


def order(default: int) -> Any:
    """Return the field of a provider's place among the others."""
    return Field(default, ge=0, le=1000, description="Its place among providers: the lowest is asked first.")


def key(default: str = "", what: str = "Key of its API; without one it is not asked.") -> Any:
    """Return the field of a provider's key."""
    return Field(default, max_length=200, description=what, json_schema_extra={"secret": True})


class ProviderSettings(Section):
    """What an admin may decide about any provider."""

    enabled: bool = Field(True, description="Whether it is asked at all.")
    base_url: str
    per_second: float
    order: int

    @field_validator("base_url")
    @classmethod
    def _address_is_one(cls, value: str) -> str:
        try:
            origin_of(value)
        except Rejected as error:
            raise ValueError(error.message.removeprefix("a URL is refused: ")) from None
        return value.rstrip("/")


class KeyedSettings(ProviderSettings):
    """The same, of a provider that is asked only with a key."""

    key: str

    @field_validator("key")
    @classmethod
    def _key_fits_a_header(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or " " in value.strip():
            raise ValueError("must be plain ASCII without spaces")
        return value.strip()


class AlbumAsked(NamedTuple):
    """Which album it is about; what is not known is None. Ids are MusicBrainz's."""

    title: str | None = None
    release_id: str | None = None
    group_id: str | None = None
    barcode: str | None = None
    catalog_number: str | None = None


class TrackAsked(NamedTuple):
    """Which track it is about."""

    title: str
    artist: str | None = None
    album: str | None = None
    duration_ms: int | None = None


class Search(NamedTuple):
    """What releases are searched by; a loose search also finds misspelt words. A number is enough by itself."""

    title: str | None = None
    artist: str | None = None
    tracks: int | None = None
    barcode: str | None = None
    catalog_number: str | None = None
    group_id: str | None = None
    is_loose: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """How one provider is reached, with its settings in force."""

    client: Client
    service: Service
    base_url: str
    key: str = field(default="", repr=False)
    language: str = "en"  # of texts, ISO 639-1
    fresh: bool = False  # ask anew what is remembered


class Provider:
    """What a file declares as its PROVIDER: a class whose methods are the questions it answers, given its line.

        release(release_id) -> Release | None                    with its tracks
        releases(wanted: Search) -> list[Release]                what a search finds, the likeliest first
        recognised(prints: Sequence[Print]) -> list[Recognised]  of each sound, in their order
        album_fields(asked: AlbumAsked) -> Mapping[str, Any]     by the names of processor.metadata.fields; as JSON
        artist_fields(name, artist_id) -> Mapping[str, Any]
        track_fields(asked: TrackAsked) -> Mapping[str, Any]
        album_pictures(asked: AlbumAsked) -> list[Offer]
        artist_pictures(name, artist_id) -> list[Offer]

    Each raises what the client raises, and nothing else whatever is answered.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    settings: ClassVar[type[ProviderSettings]]
    ttl: ClassVar[float] = 7 * DAY
    remaining: ClassVar[str | None] = None  # a header that says how many requests are left, in lower case
    probe: ClassVar[tuple[str, Mapping[str, Any]]]  # path and parameters of a question that proves that it works

    def __init__(self, line: Line) -> None:
        self.line = line

    def credentials(self) -> Mapping[str, str]:
        """Return the headers that carry the key."""
        return {}

    def path(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{self.line.base_url}/{path}"

    def ask(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return what is answered, as JSON; None when there is nothing of the kind. Raises what the client raises."""
        answer = self._get(path, params, self.line.fresh)
        try:
            return answer.json() if answer.found else None
        except Rejected:
            if not answer.from_cache:
                raise
            return self._get(path, params, True).json()  # nonsense was remembered

    def test(self) -> Answer:
        """Ask something simple, anew."""
        path, params = self.probe
        return self._get(path, params, True)

    def _get(self, path: str, params: Mapping[str, Any] | None, fresh: bool) -> Answer:
        line = self.line
        headers = self.credentials()
        return line.client.get(self.path(path), service=line.service, params=params, headers=headers, fresh=fresh)
