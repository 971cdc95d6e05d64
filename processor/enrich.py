"""A staged album → what providers know of it: which release it is, its fields, its artists; kept, explained, owed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from config.errors import Rejected
from processor.enriching import beside, matched
from processor.enriching.depict import depict_album, depict_artists
from processor.enriching.describe import describe_album, describe_artists, describe_tracks
from processor.enriching.matched import Album
from processor.enriching.owed import Owed
from processor.enriching.shop import Shop
from processor.items import repository
from processor.matching import rows
from processor.matching.comparison import compare
from processor.matching.heard import suggested, with_recordings
from processor.matching.lookup import look_up
from processor.matching.own import own_album
from processor.matching.rows import NOBODY, Choice, Debt
from processor.matching.verdict import Verdict
from processor.metadata import rows as metadata
from processor.metadata.documents import NFO
from processor.providers.acoustid import Recognised
from processor.providers.fingerprint import fingerprint, fpcalc

LISTENED: Final = 100  # tracks of an album that are fingerprinted


class _Overtaken(Exception):
    """A person said which release it is while providers were asked about another."""


class Enriched(NamedTuple):
    """What became of one item."""

    verdict: str
    why: str
    debts: Sequence[Debt]


# What comes after the release, in order.
STEPS: Final[tuple[Callable[[Shop, int, Owed], None], ...]] = (
    beside.note_artist, describe_album, describe_artists, depict_album, depict_artists, describe_tracks,
)  # fmt: skip


def enrich(shop: Shop, item_id: int) -> Enriched:
    """Ask providers about an item, and write down what they say.

    May be repeated at any time: remembered answers are not asked for again, and what did not change is not written. A
    provider that does not answer owes it, and its earlier words stay. What a person says meanwhile of which release it
    is counts: then all begins again with that.
    """
    beside.note_album(shop, item_id)
    album = read_album(shop, item_id)
    while True:
        with suppress(_Overtaken):
            return _enriched(shop, album)


def _enriched(shop: Shop, album: Album) -> Enriched:
    item_id = album.item_id
    owed = Owed(item_id, shop.now())
    with shop.database.read() as connection:
        chosen = rows.choice(connection, album.content)
    _match(shop, album, chosen, owed)
    for step in STEPS:
        shop.check()
        step(shop, item_id, owed)
    with _unless_overtaken(shop, album, chosen) as connection:
        rows.keep_debts(connection, item_id, owed.debts())
        made = rows.enrichment(connection, item_id)
    if made is None:
        return Enriched("unasked", "no provider was asked which release it is", owed.debts())
    why = " ".join(reason["message"] for reason in made.reasons)
    return Enriched(made.verdict, why, owed.debts())


def read_album(shop: Shop, item_id: int) -> Album:
    """Return an item as it is matched. Raises Misconfigured (`unknown_item`)."""
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
        notes = metadata.read(connection, item_id).get(NFO, {})
    return Album(item_id, item["revision"], own_album(item, files, notes), shop.folder_of(item))


def choose(shop: Shop, item_id: int, release_id: str, *, actor: str) -> Choice:
    """Let a person say which release an item is: a candidate, any other of a provider, or NOBODY.

    Raises Rejected (`unknown_release`) for a release nobody knows, and what asking for it raises.
    """
    album = read_album(shop, item_id)
    with shop.database.read() as connection:
        known = {one.release_id: one for one in rows.candidates(connection, item_id)}
    providers = shop.providers.answering("release")
    source, compared = next((one.name for one in providers), NOBODY), None
    document: dict[str, Any] = {}
    if release_id in known:
        source, document = known[release_id].source, known[release_id].document
    elif release_id != NOBODY:
        found = next(((one.name, release) for one in providers if (release := one.release(release_id))), None)
        if found is None:
            raise Rejected(f"no provider that is on knows a release {release_id}", code="unknown_release")
        source, release = found
        compared = compare(album.own, release)
        release_id = release.id
    with shop.database.begin() as connection:
        metadata.lock(connection, item_id)
        chosen = Choice(source, release_id, document, actor, shop.now())
        matched.keep_choice(connection, album, chosen, compared, shop.now())
        said = metadata.read(connection, item_id).get(source, {})
        rows.choose(connection, album.content, chosen._replace(document=dict(said)))
    return chosen


def unchoose(shop: Shop, item_id: int) -> None:
    """Forget what people said about albums of this sound; the next enrichment decides anew."""
    album = read_album(shop, item_id)
    with shop.database.begin() as connection:
        metadata.lock(connection, item_id)
        rows.choose(connection, album.content, None)
        rows.mark_chosen(connection, item_id, None, None)


@contextmanager
def _unless_overtaken(shop: Shop, album: Album, chosen: Choice | None) -> Iterator[Connection]:
    """Begin a transaction for what follows from `chosen`. Raises _Overtaken if a person says something else by now."""
    with shop.database.begin() as connection:
        metadata.lock(connection, album.item_id)  # which who chooses does, too
        if rows.choice(connection, album.content) != chosen:
            raise _Overtaken
        yield connection


def _match(shop: Shop, album: Album, chosen: Choice | None, owed: Owed) -> None:
    """Find out which release it is, from what a person said or by comparing."""
    if chosen is not None and _match_chosen(shop, album, chosen, owed):
        return
    best: tuple[str, Verdict] | None = None
    strangers = []  # who answered, and knows no such album
    for provider in shop.providers.answering("releases"):
        with owed.asking(provider.name, "releases"):
            verdict = look_up(album.own, provider, shop.limits)
            if verdict.best is None or verdict.best.distance > shop.limits.strong:
                verdict = _listened(shop, album, provider, owed) or verdict
            if best is None or verdict.kind != "none":
                best = provider.name, verdict
            if verdict.kind != "none":
                break
            strangers.append(provider.name)
    with _unless_overtaken(shop, album, chosen) as connection:
        if best is None:
            matched.link(connection, album.item_id)
        else:
            matched.keep(connection, album, *best, strangers, shop.now())


def _listened(shop: Shop, album: Album, provider: Any, owed: Owed) -> Verdict | None:
    """Judge an album by its sound; None if no fingerprints can be made, or nobody knows them."""
    asked = next(iter(shop.providers.answering("recognised")), None)
    program = fpcalc()
    if asked is None or program is None or album.folder is None or asked.name in owed:
        return None
    prints = []
    for track in album.own.tracks[:LISTENED]:
        shop.check()
        prints.append(fingerprint(program, os.path.join(album.folder, track.path)))
    heard: list[Recognised] = []
    with owed.asking(asked.name, "sounds"):
        answers = iter(asked.recognised([one for one in prints if one is not None]))
        heard = [Recognised() if one is None else next(answers) for one in prints]
    heard += [Recognised()] * (len(album.own.tracks) - len(heard))
    releases = suggested(heard)
    return look_up(with_recordings(album.own, heard), provider, shop.limits, also=releases) if releases else None


def _match_chosen(shop: Shop, album: Album, chosen: Choice, owed: Owed) -> bool:
    """Apply what a person chose; return False if that was said of another album whose tracks are as long."""
    compared = None
    for provider in shop.providers.answering("release"):
        if provider.name == chosen.source and chosen.release_id != NOBODY:
            with owed.asking(provider.name, "releases"):
                release = provider.release(chosen.release_id)
                compared = None if release is None else compare(album.own, release)
    if not matched.carries(album, compared is not None and compared.distance <= shop.limits.medium):
        return False
    with _unless_overtaken(shop, album, chosen) as connection:
        matched.keep_choice(connection, album, chosen, compared, shop.now())
    return True
