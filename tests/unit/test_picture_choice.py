"""Scores, likeness and selection of pictures: hand-ranked sets, and what holds for any."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.artwork.likeness import ALGORITHM, Likeness, are_same, distance
from processor.artwork.local import pictures_of, type_of
from processor.artwork.offer import EMBEDDED, FOLDER, PERSON
from processor.artwork.scoring import Claim, Parts, score
from processor.artwork.selecting import Choice, Pictured, choose
from processor.artwork.types import TYPES, PictureType
from processor.artwork.wanted import Wanted

PROVIDERS = ("coverartarchive", "fanarttv", "theaudiodb", "discogs")
KINDS = sorted(TYPES)
FIRST, SECOND, THIRD, FOURTH = PROVIDERS


def total(
    size: tuple[int | None, int | None] = (1000, 1000),
    *,
    kind: tuple[Literal["album", "artist"], str] = ("album", "front"),
    language: str | None = None,
    votes: int | None = None,
    provider: str = FIRST,
) -> float:
    return score(Claim(*size, language, votes, provider), TYPES[kind], "en", PROVIDERS).total


# Each has the best first, as a person would put them who looks for what a player shows well.
HAND_RANKED = {
    "covers": [
        total((3000, 3000)),
        total((1200, 1200)),
        total((1000, 1000), provider=SECOND),
        total((600, 600)),
        total((1000, 700)),
        total((300, 300), provider=FOURTH),
        total((400, 200)),
    ],
    "covers that people voted on": [
        total((1000, 1000), provider=SECOND, votes=30),
        total((1000, 1000), provider=SECOND, votes=3),
        total((1000, 1000), provider=SECOND),
        total((1000, 1000), provider=SECOND, language="de", votes=3),
    ],
    "backgrounds": [
        total((3840, 2160), kind=("artist", "fanart"), votes=5),
        total((1920, 1080), kind=("artist", "fanart"), votes=5),
        total((1920, 1080), kind=("artist", "fanart"), votes=5, language="en"),
        total((1280, 720), kind=("artist", "fanart"), language="en"),
        total((1280, 720), kind=("artist", "fanart"), language="ja"),
        total((720, 1280), kind=("artist", "fanart"), language="ja"),
    ],
    "logos": [
        total((800, 310), kind=("artist", "logo"), language="en", votes=10),
        total((800, 310), kind=("artist", "logo"), language="en"),
        total((800, 310), kind=("artist", "logo"), language=None),
        total((400, 155), kind=("artist", "logo"), language=None),
        total((400, 155), kind=("artist", "logo"), language="ru"),
        total((400, 400), kind=("artist", "logo"), language="ru"),
    ],
}


@pytest.mark.parametrize("name", HAND_RANKED)
def test_the_formula_ranks_as_a_person_would(name: str) -> None:
    scores = HAND_RANKED[name]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_the_parts_of_a_score_are_what_the_formula_says() -> None:
    claim = Claim(1000, 1000, None, 5, SECOND)
    assert score(claim, TYPES["album", "front"], "en", PROVIDERS) == Parts(30.0, 20.0, 15.0, 8.75, 8.0)
    assert total((3000, 3000), provider=EMBEDDED, votes=10**9) == 100.0
    assert total((1, 1000), language="xx", provider="unheard of") < 6


def test_who_else_is_asked_changes_no_score() -> None:
    claim, kind = Claim(1000, 1000, None, None, SECOND), TYPES["album", "front"]
    usual = score(claim, kind, "en", PROVIDERS)
    assert score(claim, kind, "en", (FOLDER, EMBEDDED, *PROVIDERS, "more", "and more")) == usual


claims = st.builds(
    Claim,
    st.integers(1, 10_000),
    st.integers(1, 10_000),
    st.sampled_from([None, "en", "de"]),
    st.none() | st.integers(0, 10_000),
    st.sampled_from([*PROVIDERS, PERSON, EMBEDDED, "other"]),
)
kinds = st.sampled_from(KINDS).map(lambda name: TYPES[name])


@given(claims, kinds)
def test_a_score_is_from_0_to_100_and_the_sum_of_its_parts(claim: Claim, kind: PictureType) -> None:
    parts = score(claim, kind, "en", PROVIDERS)
    assert 0 <= parts.total <= 100
    assert min(parts) >= 0
    assert parts.total == pytest.approx(sum(parts))


@given(claims, kinds, st.integers(2, 9))
def test_larger_never_scores_lower(claim: Claim, kind: PictureType, times: int) -> None:
    assert claim.width
    assert claim.height
    larger = claim._replace(width=claim.width * times, height=claim.height * times)
    assert score(larger, kind, "en", PROVIDERS).total >= score(claim, kind, "en", PROVIDERS).total


@given(claims, kinds, st.integers(1, 1000))
def test_more_votes_never_score_lower(claim: Claim, kind: PictureType, more: int) -> None:
    loved = claim._replace(votes=(claim.votes or 0) + more)
    assert score(loved, kind, "en", PROVIDERS).total > score(claim, kind, "en", PROVIDERS).total - 0.01


@given(claims, kinds)
def test_the_wanted_language_or_none_never_scores_lower_than_another(claim: Claim, kind: PictureType) -> None:
    other = score(claim._replace(language="de"), kind, "en", PROVIDERS).total
    assert all(score(claim._replace(language=one), kind, "en", PROVIDERS).total >= other for one in ("en", None))


def pictured(id: int, *, hash: int | None = None, size: int = 1000, **known: Any) -> Pictured:
    """Return a picture; those of another `hash` show something else."""
    pattern = f"{_HASHES[id % len(_HASHES) if hash is None else hash]:016x}"
    values: dict[str, Any] = {"provider": FIRST, "content": f"c{id}", "score": 50.0}
    return Pictured(id=id, likeness=Likeness(pattern, ALGORITHM, size, size), **(values | known))


_STRIPES = (0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0, 0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000)
_HASHES = (*_STRIPES, *((1 << 64) - 1 - one for one in _STRIPES))


def test_a_persons_choice_comes_before_the_users_own_and_that_before_all_others() -> None:
    found = [
        pictured(0, score=99),
        pictured(1, score=10, provider=EMBEDDED),
        pictured(2, score=20, provider=FOLDER),
        pictured(3, score=5, decision="chosen", order=1),
        pictured(4, score=1, decision="chosen", order=2),
        pictured(5, score=1, provider=PERSON),
    ]
    assert choose(found, 6, 6).selected == (4, 3, 5, 2, 1, 0)
    assert choose(found, 1, 6).selected == (4,)
    assert choose(found, 6, 6, by_rule=False).selected == (4, 3)


def test_of_one_picture_the_largest_counts_but_never_instead_of_the_users_own() -> None:
    small, large, other = pictured(1, hash=0, size=500), pictured(2, hash=0, size=1500), pictured(3, score=40)
    assert choose([small, large, other], 3, 6) == Choice((2, 3), {1: 2})
    own = small._replace(provider=EMBEDDED)
    assert choose([own, large, other], 3, 6) == Choice((1, 3), {2: 1})
    assert choose([own, large, other], 3, 6, upgrade=True).selected == (2, 3)
    given = own._replace(provider=PERSON)
    assert choose([given, large, other], 3, 6, upgrade=True).selected == (1, 3)


def test_what_was_rejected_counts_in_no_size_unless_a_person_chose_that_one() -> None:
    rejected = pictured(1, hash=0, decision="rejected")
    same = pictured(2, hash=0, size=2000)
    assert choose([rejected, same], 3, 6) == Choice((), {2: 1})
    assert choose([rejected, same._replace(decision="chosen")], 3, 6).selected == (2,)


@given(st.permutations(range(8)), st.integers(0, 8))
def test_the_order_of_the_offers_decides_nothing(order: Sequence[int], most: int) -> None:
    found = [pictured(n, hash=n // 2, size=500 + 100 * n, score=float(n % 3)) for n in range(8)]
    assert choose([found[n] for n in order], most, 6) == choose(found, most, 6)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(300, 2000), st.integers(0, 100)), max_size=12), st.integers(0, 5)
)
def test_what_is_selected_is_never_too_many_nor_one_picture_twice(
    given_pictures: list[tuple[int, int, int]], most: int
) -> None:
    found = {
        n: pictured(n, hash=h, size=size, score=float(points)) for n, (h, size, points) in enumerate(given_pictures)
    }
    choice = choose(found.values(), most, 6)
    assert len(choice.selected) == min(most, len({h for h, _, _ in given_pictures}))
    for one, other in itertools.combinations(choice.selected, 2):
        assert not are_same(found[one].likeness, found[other].likeness, 6)
    for left_out, leader in choice.same_as.items():
        assert found[left_out].area <= found[leader].area


def test_hashes_are_compared_only_where_that_means_something() -> None:
    one = Likeness(f"{_HASHES[0]:016x}", ALGORITHM, 1000, 1000)
    assert distance("0000000000000000", "8000000000000001") == 2
    assert are_same(one, one._replace(width=500, height=500), 0)
    assert not are_same(one, one._replace(algorithm="another"), 6)
    assert not are_same(one, one._replace(width=1300), 6), "another shape"
    flat = one._replace(phash="8000000000000000")
    assert not are_same(flat, flat, 6), "plain surfaces all look alike"


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "cover.jpg": "front", "Folder.JPG": "front", "AlbumArt_{GUID}_Large.jpg": "front", "front.png": "front",
        "artwork.webp": "front", "AlbumArtSmall.jpg": "front", "cover (1).jpeg": "front",
        "Artist - Album (front).jpg": "front",
        "back.jpg": "back", "back cover.jpg": "back", "Album-back.png": "back", "disc.png": "disc", "cd1.jpg": "disc",
        "CD 2.jpg": "disc", "cdart.png": "disc", "fanart.jpg": "fanart", "fanart-2.jpg": "fanart",
        "backdrop1.jpg": "fanart", "coverback.jpg": "back", "cover_back_large.jpg": "back", "BackCover.png": "back",
        "Cover art back.jpg": "back", "Album [Back].jpg": "back", "Album [Front].jpg": "front",
        "Rückseite.jpg": "back", "contraportada 2.jpg": "back", "裏.jpg": "back", "cover-inside.jpg": "booklet",
        "cover_booklet_01.jpg": "booklet", "Back to Black.jpg": "back", "covers.jpg": "front",
        "Back to Black - Front.jpg": "front", "Ada - Low (back cover).jpg": "back",
        "pochette.jpg": "front", "カバー.jpg": "front", "Обложка 1.jpg": "front", "hoest.jpg": None,
        "booklet 03.jpg": "booklet", "CD1/cover.jpg": "front", "holiday.jpg": None, "IMG_1234.jpg": None,
        "cover.tiff": None, "cover": None, "frontier.jpg": None, "backyard.jpg": None, "discography.png": None,
    }.items(),
)  # fmt: skip
def test_a_files_name_says_what_its_picture_is_of(name: str, kind: str | None) -> None:
    assert type_of(name.encode()) == kind


def test_the_only_picture_of_an_album_is_its_cover_whatever_it_is_called() -> None:
    scene, back, music = (b"00-ada-low_tide-2001.jpg", "picture"), (b"back.jpg", "picture"), (b"1.mp3", "audio")
    assert pictures_of([scene, music]) == [(scene[0], "front")]
    assert pictures_of([back, music]) == [(back[0], "back")]
    assert pictures_of([scene, back]) == [(back[0], "back")], "which of the two it would be, nothing tells"
    assert pictures_of([(b"booklet.tiff", "picture"), scene]) == [(scene[0], "front")]
    of_artist = (b"Artist.jpg", "picture")
    assert pictures_of([of_artist, music]) == [], "it says whose it is"
    assert pictures_of([of_artist, scene]) == [(scene[0], "front")]
    assert pictures_of([of_artist, back, scene]) == [(back[0], "back")]


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "Back to Black.jpg": "front", "inside_out.png": "front", "Back in 1984.jpg": "front",
        "back 2.jpg": "back", "Back Cover.jpg": "back", "inside left.jpg": "booklet", "x - back.jpg": "back",
    }.items(),
)  # fmt: skip
def test_the_only_picture_may_be_called_as_its_album_is(name: str, kind: str) -> None:
    assert pictures_of([(name.encode(), "picture")]) == [(name.encode(), kind)]


@pytest.mark.parametrize(
    ("name", "folder", "kind"),
    [
        ("Get Back.jpg", "Ada/Get Back (1969)", "front"),
        ("Ada - Get Back.jpg", "Ada/Get Back (1969)", "front"),
        ("back.jpg", "Ada/Get Back (1969)", "back"),
        ("Low Tide Back.jpg", "Ada/Low Tide", "back"),
    ],
)
def test_the_only_picture_may_be_called_as_the_folder_of_its_album_is(name: str, folder: str, kind: str) -> None:
    assert pictures_of([(name.encode(), "picture")], folder.encode()) == [(name.encode(), kind)]


def test_every_limit_of_a_type_is_a_setting() -> None:
    assert {one.limit for one in TYPES.values()} <= set(Wanted.model_fields)
