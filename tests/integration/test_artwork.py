"""Pictures of an album, from offers to a selection in the cache: what is fetched, what is kept, who decides."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from sqlalchemy import delete

from config.database import Database
from config.errors import Rejected, Retryable, Stopped
from config.reasons import Reason
from processor.artwork import deciding, garbage, judging, previews, rows
from processor.artwork.blobs import BlobMissing
from processor.artwork.desk import Gallery
from processor.artwork.local import AlbumFile, local_offers
from processor.artwork.offer import EMBEDDED, FOLDER, Offer, Subject, of_artist
from processor.artwork.pictures import Outcome, Pass, refresh
from processor.artwork.pool import PicturePool
from processor.artwork.rows import Candidate, Selected
from processor.artwork.tables import CandidateRow
from processor.artwork.wanted import Wanted
from processor.artwork.wire import Task
from processor.items import storing
from processor.metadata.artists import artist_named, link_artists
from processor.publication import ledger
from processor.publication.ledger import Publication
from processor.tables import StagingItem
from tests.items import album
from tests.music import write_track
from tests.pictures import encoded, jpeg, photo, workers

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ALBUM = Subject("album", "k1")
ONE = Wanted(max_poster=1)


class World:
    """A gallery, providers that answer from a table, and a count of what they were asked for."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.answers: dict[str, bytes | Exception] = {}
        self.asked: list[str] = []
        self.now = NOW

    def fetch(self, offer: Offer, preview: bool) -> bytes:
        url = str(offer.preview if preview else offer.url)
        self.asked.append(url)
        answer = self.answers.get(url, Rejected(f"there is nothing at {url}", code="not_found"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def offer(self, name: str, data: bytes | Exception, type: str = "front", **claims: Any) -> Offer:
        """Let a provider have a picture."""
        provider = str(claims.pop("provider", "archive"))
        self.answers[name] = data
        return Offer(provider, name, type, url=name, **claims)

    def about(self, subject: Subject = ALBUM, wanted: Wanted = ONE, check: Callable[[], None] = lambda: None) -> Pass:
        self.now += dt.timedelta(seconds=1)
        return Pass(self.gallery, subject, wanted, self.fetch, self.now, ("archive", "fans"), check)

    def refresh(self, *offers: Offer, wanted: Wanted = ONE, answered: tuple[str, ...] = (), **how: bool) -> Outcome:
        """Take a pass; what is downloaded in it is counted in `asked`."""
        self.asked.clear()
        return refresh(self.about(wanted=wanted), offers, answered, **how)

    def candidates(self) -> dict[str, Candidate]:
        """The candidates by their names."""
        with self.gallery.database.read() as connection:
            return {one.offer.id: one for one in rows.candidates(connection, ALBUM)}

    def problems(self, wanted: Wanted = ONE) -> list[Reason]:
        """Return why candidates are not used."""
        told = (judging.explained(one, ALBUM, wanted) for one in self.candidates().values())
        return [Reason(one.code, one.message or "") for one in told if one.code is not None]

    def names(self, outcome: Outcome) -> list[str]:
        """Return what is selected, by the names of the candidates, and look whether it is whole."""
        names = {one.id: name for name, one in self.candidates().items()}
        for one in outcome.selected:
            self.bytes_of(one)
        return [names[one.candidate] for one in outcome.selected]

    def bytes_of(self, one: Selected) -> bytes:
        return self.gallery.blobs.read(self.gallery.blobs.find(one.sha256))


@pytest.fixture
def world(database: Database, tmp_path: Path, pool: PicturePool) -> World:
    return World(Gallery(database, tmp_path, pool))


def test_the_best_are_selected_and_a_second_pass_downloads_nothing(world: World) -> None:
    offers = [
        world.offer("small", jpeg(1, 400)),
        world.offer("large", jpeg(2, 1200)),
        world.offer("loved", jpeg(3, 1000), votes=40, provider="fans"),
        world.offer("wide", jpeg(4, 1200, 700)),
    ]
    outcome = world.refresh(*offers, wanted=Wanted(max_poster=2))
    assert world.names(outcome) == ["loved", "large"]
    assert [(one.rank, one.width, one.extension, one.chosen_by) for one in outcome.selected] == [
        (1, 1000, "jpg", None),
        (2, 1200, "jpg", None),
    ]
    assert outcome.is_changed
    assert world.bytes_of(outcome.selected[0]) == world.answers["loved"]
    again = world.refresh(*offers, wanted=Wanted(max_poster=2))
    assert (again.selected, again.is_changed, world.asked) == (outcome.selected, False, [])
    seen = world.candidates()["large"]
    assert seen.score == seen.parts.total if seen.parts else False


@pytest.mark.sqlite
@pytest.mark.parametrize(("code", "whole"), [("io_error", False), ("reader_killed", False), ("unreadable_audio", True)])
def test_tags_that_nobody_could_look_into_just_now_are_not_taken_for_empty(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, whole: bool
) -> None:
    def each(tasks: list[Task]) -> Iterator[tuple[Task, Rejected]]:
        yield from ((task, Rejected("not now", code=code)) for task in tasks)

    monkeypatch.setattr(world.gallery.pool, "each", each)
    found = local_offers(os.fsencode(tmp_path), [AlbumFile(b"01.flac", "audio")], world.gallery.pool)
    assert (found.offers, EMBEDDED in found.whole, FOLDER in found.whole) == ((), whole, True)


def test_what_many_tracks_carry_is_one_candidate_and_comes_before_providers(world: World, tmp_path: Path) -> None:
    cover, back, larger = jpeg(1, 500), jpeg(2, 600), jpeg(1, 1500)
    album = tmp_path / "album"
    album.mkdir()
    for number in range(4):
        write_track(album / f"{number}.flac", title="t", pictures=[(cover, "image/jpeg", 3), (back, "image/jpeg", 4)])
    (album / "Folder.jpg").write_bytes(jpeg(3, 700))
    (album / "holiday.jpg").write_bytes(jpeg(4, 700))
    files = [
        AlbumFile(os.fsencode(path.name), "audio" if path.suffix == ".flac" else "picture") for path in album.iterdir()
    ]
    found = local_offers(os.fsencode(album), files, world.gallery.pool)
    assert found.whole == {EMBEDDED, FOLDER}
    assert sorted((one.provider, one.type) for one in found.offers) == [
        (EMBEDDED, "back"), (EMBEDDED, "front"), (FOLDER, "front"),
    ]  # fmt: skip
    archive = world.offer("larger", larger)
    outcome = world.refresh(*found.offers, archive, wanted=Wanted(max_poster=3, same_picture=6))
    assert [(one.type, one.provider) for one in outcome.selected] == [
        ("back", EMBEDDED), ("front", FOLDER), ("front", EMBEDDED),
    ]  # fmt: skip
    assert world.candidates()["larger"].same_as == outcome.selected[2].candidate
    upgraded = world.refresh(*found.offers, archive, wanted=Wanted(max_poster=3, upgrade_local=True))
    assert [one.provider for one in upgraded.selected] == [EMBEDDED, FOLDER, "archive"]
    assert world.asked == ["larger"], "it was looked at, but not kept"


def test_a_larger_version_of_the_selected_picture_takes_its_place_in_a_later_pass(world: World) -> None:
    small = world.offer("small", jpeg(1, 500), votes=9)
    assert world.names(world.refresh(small)) == ["small"]
    outcome = world.refresh(small, world.offer("large", jpeg(1, 1400), provider="fans"))
    assert world.names(outcome) == ["large"]
    assert world.asked == ["large"]
    assert world.candidates()["small"].same_as == world.candidates()["large"].id


def test_an_outage_leaves_the_selection_and_is_owed_until_it_is_over(world: World) -> None:
    first = world.offer("first", jpeg(1, 600))
    world.refresh(first)
    better = world.offer("better", Retryable("the archive does not answer"))
    outcome = world.refresh(first, better)
    assert world.names(outcome) == ["first"]
    assert (outcome.is_changed, outcome.owed) == (False, frozenset({"archive"}))
    assert [problem.message for problem in world.problems()] == ["The archive does not answer."]
    world.answers["better"] = jpeg(2, 1500)
    outcome = world.refresh(first, better)
    assert world.names(outcome) == ["better"]
    assert outcome.owed == frozenset()


def test_what_is_no_picture_is_not_fetched_twice_and_makes_room_for_the_next(world: World) -> None:
    bad = [world.offer(f"bad{n}", data, votes=50) for n, data in enumerate((b"<html>", jpeg(1)[:900], b""))]
    good = world.offer("good", jpeg(2))
    spare = world.offer("spare", jpeg(3))
    wanted = Wanted(max_poster=1, look_at=1)
    outcome = world.refresh(*bad, good, spare, wanted=wanted)
    assert world.names(outcome) == ["good"]
    assert len(world.asked) == 4
    assert sorted(problem.code for problem in world.problems()) == ["empty_file", "not_a_picture", "unreadable_picture"]
    world.refresh(*bad, good, spare, wanted=wanted)
    assert world.asked == []


@pytest.mark.parametrize("data", [b"x" * 20_000_001, jpeg(1, 10_001, 60), Rejected("too much", code="too_large")])
def test_of_what_is_too_large_the_small_version_is_had(world: World, data: bytes | Exception) -> None:
    """Scans of record sleeves are; without it the album would have no cover, or that of another edition."""
    huge = world.offer("scan", data, preview="scan-1200")
    world.answers["scan-1200"] = jpeg(1, 1200)
    outcome = world.refresh(huge)
    assert (world.names(outcome), world.asked) == (["scan"], ["scan", "scan-1200"])
    assert world.names(world.refresh(huge)) == ["scan"]
    assert world.asked == []
    small = world.refresh(world.offer("other", data))
    assert "other" not in world.names(small), "there is no small version of this one"


def test_force_asks_again_and_a_failure_then_takes_nothing_away(world: World) -> None:
    offer = world.offer("a", jpeg(1))
    before = world.refresh(offer)
    world.answers["a"] = Retryable("no answer")
    failed = world.refresh(offer, force=True)
    assert (failed.selected, len(world.asked)) == (before.selected, 1)
    world.answers["a"] = jpeg(2, 900)
    outcome = world.refresh(offer, force=True)
    assert outcome.selected[0].width == 900
    assert world.bytes_of(outcome.selected[0]) == world.answers["a"]


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"rot")])
def test_a_lost_or_rotten_blob_is_fetched_again(world: World, harm: Callable[[Path], None]) -> None:
    offer = world.offer("a", jpeg(1))
    before = world.refresh(offer)
    cache = world.gallery.blobs
    harm(cache.path(cache.find(before.selected[0].sha256)))
    after = world.refresh(offer)
    assert world.names(after) == ["a"]
    assert (after.selected, len(world.asked)) == (before.selected, 1)


def test_a_lost_blob_is_owed_while_nobody_answers_and_gives_way_once_it_can_never_be_had(world: World) -> None:
    offers = [world.offer("best", jpeg(1, 1000)), world.offer("next", jpeg(2, 900))]
    before = world.refresh(*offers)
    cache = world.gallery.blobs
    cache.path(cache.find(before.selected[0].sha256)).unlink()
    world.answers["best"] = Retryable("no answer")
    owing = world.refresh(*offers)
    assert (owing.selected, owing.owed) == (before.selected, frozenset({"archive"}))
    world.answers["best"] = Rejected("it is gone", code="gone")
    assert world.names(world.refresh(*offers)) == ["next"]


def test_a_persons_choice_stays_whatever_comes_later(world: World) -> None:
    offers = [world.offer("ugly", jpeg(1, 350)), world.offer("best", jpeg(2, 1500))]
    assert world.names(world.refresh(*offers)) == ["best"]
    ugly = world.candidates()["ugly"].id
    outcome = deciding.decide(world.about(), ugly, "chosen", actor="eva")
    assert (world.names(outcome), outcome.selected[0].chosen_by) == (["ugly"], "eva")
    better = world.offer("better", jpeg(3, 1600), votes=99)
    assert world.names(world.refresh(*offers, better)) == ["ugly"]
    assert world.names(world.refresh(better, answered=("archive",), force=True)) == ["ugly"]
    assert world.names(deciding.decide(world.about(), ugly, None, actor="eva")) == ["better"]


def test_what_a_person_rejected_stays_away_in_every_size(world: World) -> None:
    offers = [world.offer("best", jpeg(1, 1000)), world.offer("other", jpeg(2, 700))]
    world.refresh(*offers)
    outcome = deciding.decide(world.about(), world.candidates()["best"].id, "rejected", actor="eva")
    assert world.names(outcome) == ["other"]
    larger = world.offer("larger", jpeg(1, 1500), provider="fans")
    assert world.names(world.refresh(*offers, larger)) == ["other"]


def test_an_uploaded_picture_comes_first_and_is_kept_even_when_it_is_not_selected(world: World) -> None:
    world.refresh(world.offer("best", jpeg(1, 1500)))
    data = encoded(photo(5, 200), "WEBP")
    outcome = deciding.upload(world.about(), "front", data, actor="eva")
    (mine,) = outcome.selected
    assert (mine.provider, mine.chosen_by, mine.width, mine.extension) == ("person", "eva", 200, "jpg")
    deciding.decide(world.about(), world.candidates()["best"].id, "chosen", actor="eva")
    world.gallery.blobs.collect(NOW + dt.timedelta(days=99))
    assert world.names(deciding.decide(world.about(), mine.candidate, "chosen", actor="eva")) != ["best"]


def test_an_upload_that_is_no_picture_changes_nothing(world: World) -> None:
    before = world.refresh(world.offer("a", jpeg(1)))
    for type, data in (("front", b"MZ"), ("front", b""), ("nonsense", jpeg(2))):
        with pytest.raises(Rejected):
            deciding.upload(world.about(), type, data, actor="eva")
    with pytest.raises(Rejected):
        deciding.decide(world.about(), 10**9, "chosen", actor="eva")
    assert world.refresh().selected == before.selected


def test_a_choice_that_cannot_be_had_now_is_kept_and_had_later(world: World) -> None:
    best, other = world.offer("best", jpeg(1)), world.offer("other", Retryable("no answer"))
    world.refresh(best, other)
    other_id = world.candidates()["other"].id
    assert world.names(deciding.decide(world.about(), other_id, "chosen", actor="eva")) == ["best"]
    world.answers["other"] = jpeg(2, 400)
    assert world.names(world.refresh(best, other)) == ["other"]


def test_a_small_version_tells_that_a_picture_is_known(world: World) -> None:
    known = world.offer("known", jpeg(1, 1200))
    world.refresh(known)
    world.answers["preview"] = jpeg(1, 200)
    same = world.offer("same", jpeg(1, 1000), width=1000, height=1000, preview="preview")
    outcome = world.refresh(known, same)
    assert world.asked == ["preview"]
    assert world.names(outcome) == ["known"]
    world.refresh(known, same)
    assert world.asked == []
    larger = world.offer("larger", jpeg(1, 1500), width=1500, height=1500, preview="preview")
    assert world.names(world.refresh(known, same, larger)) == ["larger"]


def test_what_a_provider_does_not_offer_any_more_goes_unless_it_is_selected(world: World) -> None:
    offers = [world.offer("best", jpeg(1, 1000)), world.offer("other", jpeg(2, 500))]
    world.refresh(*offers)
    world.refresh(answered=())
    assert set(world.candidates()) == {"best", "other"}
    outcome = world.refresh(answered=("archive",))
    assert set(world.candidates()) == {"best"}
    assert world.names(outcome) == ["best"]


def test_a_type_of_which_none_is_wanted_is_not_fetched(world: World) -> None:
    fan = world.offer("fan", jpeg(1, 1920, 1080), type="fanart")
    world.refresh(fan, wanted=Wanted(max_fanart=0))
    assert world.asked == []
    world.refresh(fan, wanted=Wanted(fetch_provider_assets=False))
    assert world.asked == []
    low = world.offer("low", jpeg(2, 900, 500), type="fanart")
    outcome = world.refresh(fan, low)
    assert world.names(outcome) == ["fan"]
    assert [problem.code for problem in world.problems()] == ["too_small"]


def test_without_a_rule_only_a_persons_choices_are_selected(world: World) -> None:
    wanted = Wanted(auto_select_assets=False)
    assert world.refresh(world.offer("a", jpeg(1)), wanted=wanted).selected == ()
    outcome = deciding.decide(world.about(wanted=wanted), world.candidates()["a"].id, "chosen", actor="eva")
    assert world.names(outcome) == ["a"]


def test_a_job_that_is_stopped_in_between_goes_on_with_what_it_had(world: World) -> None:
    offers = [world.offer(name, jpeg(n, 600)) for n, name in enumerate("abcd")]
    calls = iter([None, None, Stopped("the worker is asked to stop")])

    def check() -> None:
        if (error := next(calls, None)) is not None:
            raise error

    with pytest.raises(Stopped):
        refresh(world.about(check=check), offers)
    assert len(world.refresh(*offers).selected) == 1
    assert list(world.gallery.blobs.folder.glob(".work-*")) == []


def test_what_a_person_decides_while_a_pass_is_on_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = [world.offer("ugly", jpeg(1, 350)), world.offer("best", jpeg(2, 1000))]
    world.refresh(*offers)
    ugly = world.candidates()["ugly"].id
    moments: list[Any] = []

    def judge(*given: Any) -> Any:
        """Judge as ever; then, when only writing is left, a person decides."""
        judged = judging.judge(*given)
        if len(moments) == 1:
            with world.gallery.database.begin() as connection:
                rows.decide(connection, ugly, "chosen", "eva", world.now)
        moments.append(judged)
        return judged

    monkeypatch.setattr("processor.artwork.pictures.judge", judge)
    assert world.names(world.refresh(*offers)) == ["ugly"]
    assert len(moments) > 2


@pytest.mark.sqlite
def test_a_picture_that_ends_processes_is_given_up_after_three_strikes(database: Database, tmp_path: Path) -> None:
    pool = PicturePool(1, wall_limit=3)
    world = World(Gallery(database, tmp_path, pool))
    deadly, good = world.offer("deadly", jpeg(1, 64)), world.offer("good", jpeg(2))
    others = workers()

    def fetch(offer: Offer, preview: bool) -> bytes:
        pool.ask(Task("look", os.fsencode(tmp_path / "any")))
        for worker in workers() - others:
            os.kill(worker, signal.SIGSTOP)
        return jpeg(1, 64)

    (tmp_path / "any").write_bytes(jpeg(3, 64))
    wanted = Wanted(max_poster=1, max_fanart=0)
    try:
        for strikes in range(1, 4):
            outcome = refresh(world.about(wanted=wanted)._replace(fetch=fetch), [deadly])
            assert [problem.code for problem in world.problems()] == ["reader_timeout"], strikes
        outcome = world.refresh(deadly, good)
        assert [problem.code for problem in world.problems()] == ["reader_gave_up"]
        assert world.names(outcome) == ["good"]
        world.refresh(deadly, good)
        assert world.asked == []
    finally:
        pool.close()


def test_a_picture_that_was_given_up_is_looked_at_again_when_there_is_reason_to(world: World) -> None:
    deadly, last = world.offer("deadly", jpeg(1)), blake3(jpeg(1)).hexdigest()

    def give_up() -> None:
        with world.gallery.database.begin() as connection:
            connection.execute(delete(CandidateRow))
            rows.remember(connection, last, rows.Known(None, "reader_killed", "no memory", 3, world.now))
        world.refresh(deadly)
        assert [problem.code for problem in world.problems()] == ["reader_gave_up"]
        world.refresh(deadly)
        assert world.asked == []

    give_up()
    world.now += rows.REST
    assert world.names(world.refresh(deadly)) == ["deadly"]  # a machine with more memory, or a newer program

    give_up()
    assert world.names(world.refresh(deadly, force=True)) == ["deadly"]

    give_up()
    with world.gallery.database.begin() as connection:
        rows.decide(connection, world.candidates()["deadly"].id, "chosen", "eva", world.now)
    world.answers["deadly"] = jpeg(2)  # replaced where it is
    assert world.names(world.refresh(deadly)) == ["deadly"]


def test_a_picture_that_ends_one_more_process_after_its_rest_is_owed_by_nobody(
    database: Database, tmp_path: Path
) -> None:
    pool = PicturePool(1, wall_limit=0)
    world = World(Gallery(database, tmp_path, pool))
    deadly, content = world.offer("deadly", jpeg(1)), blake3(jpeg(1)).hexdigest()
    with database.begin() as connection:
        rows.remember(connection, content, rows.Known(None, "reader_killed", "no memory", 3, NOW - rows.REST))
    try:
        outcome = world.refresh(deadly)
    finally:
        pool.close()
    assert [problem.code for problem in world.problems()] == ["reader_gave_up"]
    assert not outcome.owed
    with database.read() as connection:
        assert rows.known(connection, [content])[content].strikes == 4


def test_each_picture_that_was_looked_at_has_a_preview_without_anything_else_in_it(world: World) -> None:
    world.refresh(world.offer("a", jpeg(1, 900, comment=b"secret")))
    content = world.candidates()["a"].content
    assert content
    preview = previews.read(world.gallery.data_dir, content)
    assert preview
    assert preview.startswith(b"\xff\xd8")
    assert b"secret" not in preview
    assert previews.read(world.gallery.data_dir, "../../greenroom.db") is None


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte of a file system."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast


def test_what_a_full_disk_has_no_room_for_is_owed_and_had_once_there_is(
    database: Database, pool: PicturePool, disk: Path
) -> None:
    world = World(Gallery(database, disk, pool))
    ballast = fill(disk)
    full = world.refresh(world.offer("a", jpeg(1, 900)))
    assert (full.selected, full.owed) == ((), frozenset({"archive"}))
    assert [reason.code for reason in world.problems()] == ["disk_full"]
    ballast.unlink()
    assert world.names(world.refresh(world.offer("a", jpeg(1, 900)))) == ["a"]


def test_a_preview_there_is_no_room_for_is_done_without_and_leaves_nothing(world: World, disk: Path) -> None:
    fill(disk)
    previews.keep(disk, "a" * 64, jpeg(1, 900))
    assert previews.read(disk, "a" * 64) is None
    assert [path for path in (disk / "previews").rglob("*") if path.is_file()] == []
    (world.gallery.data_dir / "previews").write_text("in the way")
    assert world.names(world.refresh(world.offer("a", jpeg(1, 900)))) == ["a"]


def test_pictures_of_an_artist_go_as_late_once_no_album_is_by_them_and_none_of_them_is_published(world: World) -> None:
    database, later = world.gallery.database, NOW + dt.timedelta(days=31)
    names = ("Ada", "Bo", "Cy")
    for n, name in enumerate(names):
        about = world.about(of_artist(name, None))
        assert refresh(about, [world.offer(name, jpeg(n), "thumb")]).selected

    def left() -> list[str]:
        garbage.collect(world.gallery, later)
        with database.read() as connection:
            return [name for name in names if rows.candidates(connection, of_artist(name, None))]

    with database.begin() as connection:
        item = storing.upsert(connection, [album("k1")], NOW)["k1"].id
        link_artists(connection, item, [artist_named(connection, "Ada", None)])
        key = ledger.artist_key("Bo", None)
        ledger.publish(connection, Publication(item, "r", b"Bo/One", "move", key, 1, "t", NOW, NOW), brought=True)
    assert left() == ["Ada", "Bo"]
    with database.begin() as connection:
        connection.execute(delete(StagingItem))
        ledger.forget_item(connection, item)
    assert left() == []
    assert garbage.collect(world.gallery, later + dt.timedelta(days=31)) == 3


def test_pictures_of_an_album_that_is_gone_go_after_their_grace(world: World) -> None:
    outcome = world.refresh(world.offer("a", jpeg(1)))
    content = world.candidates()["a"].content
    assert content
    soon, later = NOW + dt.timedelta(days=29), NOW + dt.timedelta(days=31)
    assert garbage.collect(world.gallery, soon) == 0
    assert world.names(outcome) == ["a"]
    with world.gallery.database.read() as connection:
        assert not garbage.has_garbage(connection, soon)
        assert garbage.has_garbage(connection, later)
    with world.gallery.database.begin() as connection:
        storing.upsert(connection, [album("k1")], NOW)
    garbage.collect(world.gallery, later)
    assert world.candidates(), "the album is there again"
    with world.gallery.database.begin() as connection:
        connection.execute(delete(StagingItem))
    garbage.collect(world.gallery, later)
    assert world.candidates() == {}
    assert previews.read(world.gallery.data_dir, content) is None
    assert garbage.collect(world.gallery, later + dt.timedelta(days=31)) == 1
    with pytest.raises(BlobMissing):
        world.gallery.blobs.find(outcome.selected[0].sha256)
