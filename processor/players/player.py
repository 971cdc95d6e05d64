"""What Greenroom needs of a kind of player: one file of this folder each, with one PLAYER."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from config.errors import Rejected
from processor.client.service import Accept, Answer, Refused, Service
from processor.metadata.known import AlbumMetadata, ArtistMetadata, credited
from processor.players.paths import Pair

if TYPE_CHECKING:
    from processor.client.client import Client  # whose import costs more than most commands

Step = Literal["folder", "parent", "root", "all"]
SignIn = Literal["password", "token"]
_STRANGERS: Final = (401, 403)
STRANGE: Final = "not_in_player"  # code of the error of a folder that is in none of a player's own


@dataclass(frozen=True, slots=True)
class Player:
    """One player an admin told us of."""

    id: int
    name: str
    kind: str
    url: str  # as people open it, without a slash at its end
    user: str | None = None
    secret: str | None = field(default=None, repr=False)  # a password or a token
    path_map: tuple[Pair, ...] = ()
    enabled: bool = True
    lost: str | None = None  # why its secret, which is kept, cannot be read

    @property
    def mark(self) -> str:
        """What changes with anything people see of it, its secret apart: tells who changes it what they saw."""
        seen = (self.name, self.kind, self.url, self.user, self.path_map, self.enabled)
        return sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def service(self) -> Service:
        """How the client treats it: its own circuit, its own host and port, its secret in no log."""
        secrets = (self.secret, self.secret.encode().hex()) if self.secret else ()
        return Service(f"player {self.name}", local=(self.url,), secrets=secrets, attempts=2, read=30)

    @property
    def basic(self) -> Mapping[str, str]:
        """Its user and password, where it has them, as HTTP's basic authentication."""
        if self.user is None:
            return {}
        return {"Authorization": "Basic " + b64encode(f"{self.user}:{self.secret or ''}".encode()).decode()}


class Health(NamedTuple):
    """What a player says of itself; `notes` is what an admin should change there."""

    version: str
    notes: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """An album a player should show."""

    folder: str | None  # as the player calls it; None: no path can be told, it goes by its names
    album: AlbumMetadata
    artists: tuple[ArtistMetadata, ...] = ()
    tracks: int = 0
    pictures: tuple[str, ...] = ()  # files in the album's folder; of a disc's folder with its name
    tagged: AlbumMetadata = AlbumMetadata()  # as the tags have it, which are all that most players read
    artist_folder: str | None = None  # the folder above, if it is the artist's own
    artist_pictures: tuple[str, ...] = ()  # names of files there

    @property
    def titles(self) -> tuple[str, ...]:
        """What it may be called there."""
        return tuple(dict.fromkeys(filter(None, (self.album.title, self.tagged.title))))

    @property
    def artist_names(self) -> tuple[str, ...]:
        """What its artist may be called: whole, as on the cover and without what joins them, or any of them."""
        found: list[str | None] = []
        for credits in (self.album.credits, self.tagged.credits):
            each = [credit.name for credit in credits]
            found += [credited(credits), " ".join(each), *each]
        return tuple(dict.fromkeys(filter(None, found)))

    def is_called(self, name: str | None) -> bool:
        """Whether it may be called so there."""
        return any(same_name(name, title) for title in self.titles)

    def is_by(self, name: str | None) -> bool:
        """Whether its artist may be called so there."""
        return any(same_name(name, artist) for artist in self.artist_names)


class Sight(NamedTuple):
    """An album as a player shows it."""

    id: str
    tracks: int | None
    title: str | None = None


class Line:
    """One player at the other end of the guarded client."""

    def __init__(self, client: Client, player: Player, headers: Mapping[str, str], params: Mapping[str, str]) -> None:
        self.player = player
        self._client, self._headers, self._params = client, dict(headers), dict(params)

    def get(self, path: str, params: Mapping[str, Any] | None = None, accept: Accept = "json") -> Answer:
        """Ask at a path below the player's URL; see Client.get for what it raises."""
        given = {**self._params, **(params or {})}
        url = self.player.url + path
        with self._explained():
            return self._client.get(
                url, service=self.player.service, params=given, headers=self._headers, accept=accept
            )

    def post(self, path: str, body: Any = None, accept: Accept = "json") -> Answer:
        """Post JSON to a path below the player's URL; see Client.post for what it raises."""
        url = self.player.url + path
        with self._explained():
            return self._client.post(url, service=self.player.service, json=body, headers=self._headers, accept=accept)

    def put(self, path: str) -> Answer:
        """Put nothing to a path below the player's URL, which is enough; see Client.put for what it raises."""
        with self._explained():
            url = self.player.url + path
            return self._client.put(url, service=self.player.service, headers=self._headers)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say of a player that refuses, or is none, what an admin can do about it."""
        try:
            yield
        except Refused as error:
            if error.status not in _STRANGERS:
                raise
            raise self.refused(f"it does not take our credentials ({error.status})", "unauthorized") from None
        except Rejected as error:
            if error.reason_code != "wrong_type":
                raise
            raise self.refused("what answers there is no such player; is the URL right?", "not_a_player") from None

    def refused(self, why: str, code: str = "player_refused") -> Rejected:
        """Return the error of a player that answered, and did not do it."""
        return Rejected(f"{self.player.name} ({self.player.kind} at {self.player.url}): {why}", code=code)


class PlayerKind(ABC):
    """What a file of this folder declares. Each method may raise what the client raises, and Rejected."""

    name: ClassVar[str]
    title: ClassVar[str]
    example: ClassVar[str]  # a URL as it usually looks
    hint: ClassVar[str]  # where its credentials come from
    signs_in: ClassVar[SignIn] = "token"
    patience: ClassVar[float] = 20  # seconds it may take, beyond its scan, to show what it was told of

    def headers(self, player: Player) -> Mapping[str, str]:
        """Return what proves who asks, for the header of each request."""
        return {}

    def params(self, player: Player) -> Mapping[str, str]:
        """Return what proves who asks, for the query of each request."""
        return {}

    @abstractmethod
    def check(self, line: Line) -> Health:
        """Ask whether it is there, is what it should be, and takes our word."""

    @abstractmethod
    def roots(self, line: Line) -> Sequence[str]:
        """Return its music folders, as it calls them; none where it does not say."""

    def ladder(self, line: Line, *, is_new: bool) -> Sequence[Step]:
        """Return where it is asked to look for a folder, one step after the other until it shows what is there."""
        return ("folder", "parent", "root", "all")

    @abstractmethod
    def tell(self, line: Line, folder: str | None) -> None:
        """Ask it to look at a folder, or at everything."""

    @abstractmethod
    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return an album as it shows it, or None."""

    def playing(self, line: Line) -> bool:
        """Whether a scan would disturb somebody now; most play on other machines."""
        return False

    def scanning(self, line: Line) -> bool:
        """Whether it looks through its folders now; some do not say."""
        return False

    def prepare(self, line: Line, wanted: Wanted) -> None:
        """Get ready for a look at an album that it may show already."""
        return

    def refresh(self, line: Line, wanted: Wanted, sight: Sight, *, is_new: bool) -> None:
        """Let it take what no scan shows it: a changed NFO, a changed picture, of the album and of its artist."""
        return

    def clean(self, line: Line) -> None:
        """Let it forget what is not there any more; most do so by themselves."""
        return


class Told(BaseModel):
    """Something a player said; what we do not ask for may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


_T = TypeVar("_T", bound=BaseModel)
LONGEST: Final = 200  # characters of a player's own words in a message


def believed(line: Line, model: type[_T], answer: Answer) -> _T:
    """Return an answer as what it should be. Raises Rejected `bad_answer` when it is not, as of another program."""
    if not answer.found:
        raise line.refused("there is nothing at that address; is the URL right?", "not_a_player")
    try:
        return model.model_validate(answer.json())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise line.refused(f"it answers as no {line.player.kind} does: {where}: {first['msg']}", "bad_answer") from None


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two names are one, but for case and spaces."""
    return one is not None and other is not None and one.casefold().split() == other.casefold().split()
