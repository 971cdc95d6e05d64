"""What two files say of their sound, and an order of criteria → which of them is better, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

Verdict = Literal[-1, 0, 1] | None
"""1 better, 0 no difference, -1 worse, None it cannot be told."""

LOSSLESS: Final = frozenset({"flac", "alac", "pcm", "aiff", "wavpack", "ape", "tta", "tak", "dsd"})
NOTICEABLE: Final = 1.1  # bit rates of one codec that lie closer together are those of one encoder's mood


class Sound(NamedTuple):
    """The stream of one file, as scanner.facts.Facts has it; unknown is None."""

    codec: str | None = None
    bits: int | None = None  # per sample
    sample_rate: int | None = None  # Hz
    bitrate: int | None = None  # bits per second
    channels: int | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Sound:
        """Take it out of facts by name, as a row keeps them."""
        return cls(*(facts.get(name) for name in cls._fields))

    @property
    def lossless(self) -> bool | None:
        """Whether nothing of the recording was thrown away; None if the codec is not known."""
        return None if self.codec is None else self.codec in LOSSLESS

    def __str__(self) -> str:
        """Return what a person calls it: `flac 24/96`, `mp3 128 kbit/s`."""
        if self.codec is None:
            return "an unknown codec"
        if self.lossless and self.bits and self.sample_rate:
            return f"{self.codec} {self.bits}/{self.sample_rate / 1000:g}"
        if not self.lossless and self.bitrate:
            return f"{self.codec} {round(self.bitrate / 1000)} kbit/s"
        return self.codec


def better(new: Sound, old: Sound, order: Sequence[str]) -> Verdict:
    """Compare by the first criterion of `order` that tells the two apart; an unknown value before it tells nothing."""
    for name in order:
        if (verdict := CRITERIA[name](new, old)) != 0:
            return verdict
    return 0


def _lossless(new: Sound, old: Sound) -> Verdict:
    return _sign(new.lossless, old.lossless)


def _bits(new: Sound, old: Sound) -> Verdict:
    return _sign(new.bits, old.bits) if new.lossless and old.lossless else 0  # a lossy file has none


def _sample_rate(new: Sound, old: Sound) -> Verdict:
    # Opus always plays at 48 kHz, whatever went in: of lossy files the rate says nothing.
    return _sign(new.sample_rate, old.sample_rate) if new.lossless and old.lossless else 0


def _bitrate(new: Sound, old: Sound) -> Verdict:
    """Compare lossy files of one codec; of lossless ones the bit rate only says how well they were packed."""
    if new.lossless or old.lossless:
        return 0
    if new.codec != old.codec or not new.bitrate or not old.bitrate:
        return None  # 128 kbit/s of Opus are not 128 kbit/s of mp3
    if max(new.bitrate, old.bitrate) < NOTICEABLE * min(new.bitrate, old.bitrate):
        return 0
    return _sign(new.bitrate, old.bitrate)


def _sign(new: int | None, old: int | None) -> Verdict:
    if new is None or old is None:
        return None
    return 0 if new == old else 1 if new > old else -1


CRITERIA: Final[Mapping[str, Callable[[Sound, Sound], Verdict]]] = {
    "lossless": _lossless,
    "bits": _bits,
    "sample_rate": _sample_rate,
    "bitrate": _bitrate,
}
