"""AcoustID: which recordings files sound like, and on which releases those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from config.batches import batched
from processor.client.service import Answer
from processor.providers.fingerprint import Print
from processor.providers.lenient import Lenient, Many, Mbid, Number, Share
from processor.providers.provider import KeyedSettings, Provider, base_url, key, order, per_second

TOGETHER: Final = 10  # fingerprints of one request
SURE: Final = 0.8  # score, 0…1, from which a recording is taken for the file's


class AcoustIdSettings(KeyedSettings):
    """AcoustID: recordings by their sound; needs Chromaprint's fpcalc beside a key."""

    base_url: str = base_url("https://api.acoustid.org/v2")
    per_second: float = per_second(3)
    order: int = order(60)
    key: str = key(what="Key of an application, of acoustid.org; without one it is not asked.")


class Recognised(NamedTuple):
    """What a file sounds like; nothing where nobody knows the sound. One performance may be several recordings."""

    recording_ids: frozenset[str] = frozenset()
    release_ids: frozenset[str] = frozenset()


class _Release(Lenient):
    id: Mbid = None


class _Group(Lenient):
    releases: Many[_Release] = ()


class _Recording(Lenient):
    id: Mbid = None
    releases: Many[_Release] = ()
    releasegroups: Many[_Group] = ()


class _Result(Lenient):
    score: Share = None
    recordings: Many[_Recording] = ()


class _Fingerprint(Lenient):
    index: Number = None
    results: Many[_Result] = ()


class _Answer(Lenient):
    fingerprints: Many[_Fingerprint] = ()


class AcoustId(Provider):
    """Asks about several files at once."""

    name = "acoustid"
    description = "AcoustID: which release an album is by its sound, where tags do not tell."
    settings = AcoustIdSettings
    probe = ("lookup", {"trackid": "9ff43b6a-4f16-427c-93c2-92307ca505e0"})

    def recognised(self, prints: Sequence[Print]) -> list[Recognised]:
        """Return what each sound is, in their order."""
        found = []
        for some in batched(prints, TOGETHER):
            said = dict(_read(self._look_up(some)))
            found += [said.get(n, Recognised()) for n in range(len(some))]
        return found

    def _look_up(self, prints: Sequence[Print]) -> Any:
        form = {"client": self.line.key, "format": "json", "batch": 1, "meta": "recordings releases"}
        for n, one in enumerate(prints):
            form |= {f"duration.{n}": one.seconds, f"fingerprint.{n}": one.fingerprint}
        line = self.line
        return line.client.post(self.path("lookup"), service=line.service, form=form, fresh=line.fresh).json()

    def test(self) -> Answer:
        """Ask about a sound it knows, anew."""
        path, known = self.probe
        form = {"client": self.line.key, "format": "json", **known}
        return self.line.client.post(self.path(path), service=self.line.service, form=form, fresh=True)


def _read(answer: Any) -> Iterator[tuple[int, Recognised]]:
    """Yield the places of sounds and what they are, of those that somebody knows for sure."""
    for one in _Answer.of(answer).fingerprints:
        sure = [result for result in one.results if (result.score or 0) >= SURE]
        recordings = [recording for result in sure for recording in result.recordings if recording.id]
        if one.index is None or not recordings:
            continue
        known = frozenset(recording.id for recording in recordings if recording.id)
        on = {release.id for recording in recordings for release in _releases(recording) if release.id}
        yield one.index, Recognised(known, frozenset(on))


def _releases(recording: _Recording) -> list[_Release]:
    return [*recording.releases, *(release for group in recording.releasegroups for release in group.releases)]


PROVIDER = AcoustId
