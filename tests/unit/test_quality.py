"""Which of two files sounds better, by a stated order; what cannot be told is not guessed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sections import QUALITY
from processor.planning.quality import CRITERIA, LOSSLESS, Sound, better

CD = Sound("flac", 16, 44_100, 900_000, 2)
STUDIO = Sound("flac", 24, 96_000, 2_800_000, 2)
MP3_128, MP3_320 = (Sound("mp3", None, 44_100, rate, 2) for rate in (128_000, 320_000))
OPUS = Sound("opus", None, 48_000, 128_000, 2)

sounds = st.builds(
    Sound,
    st.sampled_from([None, "mp3", "opus", "flac", "alac"]),
    st.sampled_from([None, 16, 24]),
    st.sampled_from([None, 44_100, 96_000]),
    st.sampled_from([None, 128_000, 135_000, 320_000]),
    st.none(),
)


@pytest.mark.parametrize(
    ("new", "old", "verdict"),
    [
        (CD, MP3_320, 1),
        (STUDIO, CD, 1),
        (CD._replace(bits=24), CD, 1),
        (CD._replace(bits=24), CD._replace(sample_rate=96_000), 1),  # bits come before the rate
        (CD._replace(codec="alac", bitrate=1), CD, 0),  # how well it is packed does not count
        (MP3_320, MP3_128, 1),
        (MP3_128._replace(bitrate=132_000), MP3_128, 0),
        (MP3_128._replace(sample_rate=48_000), MP3_128, 0),
        (OPUS, MP3_128, None),
        (MP3_320, OPUS, None),
        (Sound(), MP3_128, None),
        (CD._replace(bits=None), CD, None),
        (MP3_128._replace(bitrate=None), MP3_128, None),
    ],
)
def test_the_default_order(new: Sound, old: Sound, verdict: int | None) -> None:
    assert better(new, old, QUALITY) == verdict
    assert better(old, new, QUALITY) == (None if verdict is None else -verdict)


def test_the_order_decides_what_comes_first() -> None:
    new, old = CD._replace(bits=24), CD._replace(sample_rate=96_000)
    assert better(new, old, ["sample_rate", "bits"]) == -1
    assert better(new, old, ["lossless"]) == 0


def test_the_settings_name_the_criteria_there_are() -> None:
    assert tuple(CRITERIA) == QUALITY


@given(sounds, sounds, sounds)
def test_the_order_is_one(a: Sound, b: Sound, c: Sound) -> None:
    for one, other in itertools.permutations((a, b, c), 2):
        there, back = better(one, other, QUALITY), better(other, one, QUALITY)
        assert (there is None) == (back is None)
        assert there is None or back is None or there == -back
    if better(a, b, QUALITY) == 1 and better(b, c, QUALITY) == 1:
        assert better(a, c, QUALITY) == 1


@pytest.mark.parametrize(
    ("sound", "shown"),
    [
        (STUDIO, "flac 24/96"),
        (CD, "flac 16/44.1"),
        (MP3_128, "mp3 128 kbit/s"),
        (Sound("dsd"), "dsd"),
        (Sound("flac", bitrate=900_000), "flac"),  # a rate says nothing of what is lossless
        (Sound(), "an unknown codec"),
    ],
)
def test_a_sound_is_shown_as_people_call_it(sound: Sound, shown: str) -> None:
    assert str(sound) == shown


def test_every_lossless_codec_beats_every_lossy_one() -> None:
    for codec in LOSSLESS:
        assert better(Sound(codec), MP3_320, QUALITY) == 1
