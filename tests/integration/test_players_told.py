"""What players are owed: told together, confirmed, kept while one is down, given up with a reason."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from config import activity, libraries
from config.database import Database
from config.errors import GreenroomError, Retryable
from config.reasons import MASK
from daemon.bootstrap import Application
from processor.items import repository, storing
from processor.players import debts, rows
from processor.players.debts import Debt, Owed
from processor.players.paths import Pair
from processor.players.player import Player
from tests.commands import greenroom
from tests.items import album
from tests.playing import SECRET, USER, House, Shelved, kodi
from tests.providers import Provider, Reply
from tests.web import Browser
from workflow import events
from workflow.chores.notify import DEFAULT
from workflow.chores.players import Players, PlayersSettings, Tell, still_coming
from workflow.engine import listing, wanting
from workflow.engine.context import Context
from workflow.engine.job import Job
from workflow.engine.tables import JobRow
from workflow.phase import all_chores

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
LIBRARY = b"/srv/music"
AT_ONCE = PlayersSettings(debounce_seconds=0)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def provider(house: House) -> Iterator[Provider]:
    with kodi(house).serving() as serving:
        yield serving


def add_player(database: Database, provider: Provider, **more: Any) -> Player:
    pairs = (Pair(LIBRARY.decode(), "smb://nas/music"),)
    new = replace(Player(0, "tv", "kodi", provider.url, USER, SECRET, pairs), **more)
    with database.begin() as connection:
        return rows.add(connection, new, NOW)


def stage(database: Database) -> int:
    with database.begin() as connection:
        return storing.upsert(connection, [album()], NOW)["k"].id


def owe(database: Database, player: Player, item: int, folder: bytes = b"Artist/Album", **more: Any) -> None:
    owed = replace(Owed(item, LIBRARY, folder, "new"), **more)
    with database.begin() as connection:
        debts.owe(connection, [player.id], owed, dt.datetime.now(dt.UTC))


def owed_of(database: Database, *, missed: bool = False) -> list[Debt]:
    with database.read() as connection:
        if not missed:
            return debts.debts(connection)
        return [debt for player in rows.players(connection) for debt in debts.missed(connection, player.id, 100)]


def run(database: Database, player: Player, settings: PlayersSettings = AT_ONCE, *, manual: bool = False) -> list[Job]:
    """Carry the job of a player to its end; return the jobs that are wanted then."""
    with database.begin() as connection:
        new = wanting.submit_one(connection, _wanted(player, manual), dt.datetime.now(dt.UTC))[0]
    context = _Quick(database, new)
    ending = Players(lambda: context.now).run(context, Tell(player_id=player.id), settings)
    with database.begin() as connection:
        connection.execute(delete(JobRow))
        if ending is not None:
            ending(connection, new)
        return list(listing.page(connection, statuses=(), phase=None, item_id=None, before=None, limit=9))


def _wanted(player: Player, manual: bool) -> Any:
    from workflow.engine.job import NewJob

    return NewJob("players", f"player {player.id}", None, Tell(player_id=player.id), 30, "test", manual)


class _Quick(Context):
    """A job whose time passes only by waiting, and quickly."""

    now = 0.0

    def __init__(self, database: Database, job: Job) -> None:
        super().__init__(database, Path("/nowhere"), job, threading.Event())

    def wait(self, seconds: float) -> None:
        self.check()
        self.now += 20 * seconds


def test_what_is_owed_is_told_confirmed_and_forgotten(database: Database, provider: Provider, house: House) -> None:
    player, item = add_player(database, provider), stage(database)
    house.disk.append(Shelved("smb://nas/music/Artist/Album", "Album"))
    owe(database, player, item, change="texts")
    owe(database, player, item, change="changed")
    owe(database, player, item, change="texts")
    (debt,) = owed_of(database)
    assert debt.owed.change == "changed"
    assert run(database, player) == []
    assert owed_of(database) == []
    assert house.asked == ["smb://nas/music/Artist/Album"]
    assert "AudioLibrary.Clean" not in [name for name, _ in house.calls], "it forgets what is away, so only if told to"
    with database.read() as connection:
        (standing,) = rows.standings(connection)
        assert not debts.is_owed(connection)
    assert (standing.problem, standing.owed, standing.missed) == (None, 0, 0)
    assert standing.heard_at is not None


def test_what_it_never_shows_is_an_event_and_stays_missed(database: Database, provider: Provider) -> None:
    player, item = add_player(database, provider), stage(database)
    owe(database, player, item)
    heard = Heard()
    events.dispatch(database, [heard], NOW)
    run(database, player, AT_ONCE)
    events.dispatch(database, [heard], NOW)
    ((kind, why),) = [(event.kind, event.why) for event in heard.events]
    assert kind == "player_missed"
    assert "player_missed" in DEFAULT.split()
    assert "smb://nas/music/Artist, then smb://nas/music/Artist/Album, then smb://nas/music, then everything" in why
    assert owed_of(database) == []
    (debt,) = owed_of(database, missed=True)
    assert debt.missed == why
    with database.begin() as connection:
        assert debts.want_again(connection, player.id, NOW) == 1
    assert owed_of(database) == [replace(debt, missed=None, wanted_at=NOW)]


class Heard:
    name = "heard"

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def wants(self, connection: Any) -> Any:
        return events.KINDS

    def waits(self, heard: Any, now: Any) -> bool:
        return False

    def take(self, connection: Any, heard: Any, now: Any) -> None:
        self.events += heard


def test_a_player_that_is_down_keeps_its_debts(database: Database, provider: Provider) -> None:
    player, item = add_player(database, provider), stage(database)
    owe(database, player, item)
    provider.down = Reply(503)
    with pytest.raises(Retryable):
        run(database, player)
    assert len(owed_of(database)) == 1
    with database.read() as connection:
        (standing,) = rows.standings(connection)
        assert debts.is_owed(connection)
        assert all_chores()["players"].has_work(connection, AT_ONCE, NOW)
    assert "player tv did not answer" in str(standing.problem)


def test_while_it_plays_it_is_left_alone_unless_a_person_asks(
    database: Database, provider: Provider, house: House
) -> None:
    player, item = add_player(database, provider), stage(database)
    house.disk.append(Shelved("smb://nas/music/Artist/Album", "Album"))
    house.playing = True
    owe(database, player, item)
    (later,) = run(database, player)
    assert house.asked == []
    assert (later.subject, later.status, later.manual) == (f"player {player.id}", "queued", False)
    assert later.not_before - later.created_at > dt.timedelta(seconds=60)
    assert run(database, player, AT_ONCE, manual=True) == []
    assert owed_of(database) == []
    house.asked.clear()
    owe(database, player, item)
    run(database, player, PlayersSettings(debounce_seconds=0, skip_while_playing=False, clean_first=True))
    assert owed_of(database) == []
    assert [name for name, _ in house.calls if name == "AudioLibrary.Clean"]


def test_more_folders_may_come_for_which_it_is_not_told_yet_unless_a_person_asks(
    database: Database, provider: Provider, house: House
) -> None:
    player, item = add_player(database, provider), stage(database)
    house.disk.append(Shelved("smb://nas/music/Artist/Album", "Album"))
    owe(database, player, item)
    patient = PlayersSettings(debounce_seconds=600)
    (later,) = run(database, player, patient)
    assert (house.asked, later.subject) == ([], f"player {player.id}")
    assert run(database, player, patient, manual=True) == []
    assert owed_of(database) == []


def test_of_a_folder_that_is_gone_it_is_told_also_when_its_album_is_forgotten(
    database: Database, provider: Provider, house: House
) -> None:
    player, item = add_player(database, provider), stage(database)
    house.shown.append(Shelved("smb://nas/music/Artist/Album", "Album"))
    owe(database, player, item, change="gone")
    with database.begin() as connection:
        repository.unlist(connection, "k", album().path)
    assert run(database, player) == []
    assert house.asked[0] == "smb://nas/music/Artist/Album"
    assert (house.shown, owed_of(database)) == ([], [])


def test_what_is_wanted_while_it_is_told_is_told_again(database: Database, provider: Provider, house: House) -> None:
    player, item = add_player(database, provider), stage(database)
    house.disk.append(Shelved("smb://nas/music/Artist/Album", "Album"))
    owe(database, player, item)
    answer = provider.answers["/jsonrpc"]
    assert callable(answer)

    def meanwhile(seen: Any) -> Reply:
        if b"AudioLibrary.Scan" in seen.body and len(house.asked) == 0:
            owe(database, player, item, change="texts")
        return answer(seen)

    provider.answers["/jsonrpc"] = meanwhile
    (again,) = run(database, player)
    assert again.subject == f"player {player.id}"
    assert [debt.owed.change for debt in owed_of(database)] == ["new"]


def test_folders_that_keep_coming_are_told_together_but_not_never() -> None:
    def debt(since: float, wanted: float) -> Debt:
        ago = [NOW - dt.timedelta(seconds=seconds) for seconds in (since, wanted)]
        return Debt(1, 1, Owed(1, LIBRARY, b"A", "new"), ago[0], ago[1], None)

    assert still_coming([debt(3, 3)], 15, NOW) == 12
    assert still_coming([debt(20, 20), debt(5, 5)], 15, NOW) == 10
    assert still_coming([debt(20, 20)], 15, NOW) == 0
    assert still_coming([debt(148, 1), debt(3, 3)], 15, NOW) == 2
    assert still_coming([debt(1000, 1)], 15, NOW) == 0


@pytest.mark.parametrize("ahead", [10, 3600, 400 * 86_400])
def test_a_clock_that_was_ahead_does_not_keep_players_from_being_told(ahead: float) -> None:
    """Whoever waits for as long as it says, and asks again, as the job does, is told soon."""
    later = NOW + dt.timedelta(seconds=ahead)
    owed, waited = [Debt(1, 1, Owed(1, LIBRARY, b"A", "new"), later, later, None)], 0.0
    while (seconds := still_coming(owed, 15, NOW + dt.timedelta(seconds=waited))) and waited < 60:
        waited += seconds
    assert waited <= 30


def test_a_job_for_all_wants_one_for_each_that_is_owed(database: Database, provider: Provider) -> None:
    item, ids = stage(database), []
    for name, enabled in (("one", True), ("two", True), ("off", False)):
        player = add_player(database, provider, name=name, enabled=enabled)
        owe(database, player, item)
        ids.append(player.id)
    add_player(database, provider, name="idle")
    with database.begin() as connection:
        new = wanting.submit_one(connection, _wanted(player, False)._replace(subject="players"), NOW)[0]
    ending = Players().run(_Quick(database, new), Tell(), AT_ONCE)
    assert ending is not None
    with database.begin() as connection:
        ending(connection, new)
        found = listing.page(connection, statuses=(), phase="players", item_id=None, before=None, limit=9)
    assert {job.subject for job in found} - {"players"} == {f"player {id}" for id in ids[:2]}


def test_a_library_that_moves_takes_what_is_owed_of_it_to_where_another_one_was(
    database: Database, provider: Provider
) -> None:
    player, item = add_player(database, provider), stage(database)
    owe(database, player, item, change="gone")
    owe(database, player, item, b"Artist/Other")
    owe(database, player, item, root=b"/srv/old")
    with database.begin() as connection:
        debts.move_root(connection, b"/srv/old", LIBRARY)
    assert [debt.owed for debt in owed_of(database)] == [Owed(item, LIBRARY, b"Artist/Album", "new")]


def test_an_item_that_is_gone_is_owed_nothing(database: Database, provider: Provider, house: House) -> None:
    player = add_player(database, provider)
    owe(database, player, 77)
    run(database, player)
    assert owed_of(database) == []
    assert house.asked == []


@pytest.fixture
def app(bare_app: Application, tmp_path: Path) -> Application:
    """An installation with one library."""
    (tmp_path / "music").mkdir()
    with bare_app.database.begin() as connection:
        libraries.add_library(connection, "library", bytes(tmp_path / "music"), now=NOW)
    return bare_app


API = "/api/v1/players"


@pytest.mark.sqlite
def test_who_changes_a_player_by_what_it_was_before_somebody_else_did_is_refused(browser: Browser) -> None:
    added = {"name": "tv", "kind": "kodi", "url": "http://tv:8080"}
    (seen,) = browser.client.post(API, json=added).json()
    mine, place = {"seen": seen["mark"], "url": seen["url"], "user": "ada"}, f"{API}/{seen['id']}"
    form = {**mine, "csrf": browser.csrf(), "user": "bo"}
    assert f'name="seen" value="{seen["mark"]}"' in browser.client.get("/players").text
    assert browser.client.put(place, json=mine).status_code == 200
    page = browser.client.post(f"/players/{seen['id']}", data=form)
    assert page.status_code == 409
    assert "somebody changed the player tv meanwhile" in page.text
    answer = browser.client.put(place, json=mine | {"user": "eva"})
    assert (answer.status_code, answer.json()["code"]) == (409, "player_changed")
    (kept,) = browser.client.get(API).json()
    assert kept["user"] == "ada"
    assert browser.client.put(place, json=mine | {"seen": kept["mark"], "user": "eva"}).status_code == 200


@pytest.mark.sqlite
def test_a_player_is_added_tested_changed_and_forgotten_on_the_page(
    browser: Browser, provider: Provider, tmp_path: Path
) -> None:
    form = {"csrf": browser.csrf(), "name": "tv <b>", "kind": "kodi", "url": provider.url}
    refused = browser.client.post("/players", data={**form, "path_map": "/srv/<i>"})
    assert refused.status_code == 422
    assert "maps no path" in refused.text
    assert "<i>" not in refused.text
    form |= {"name": "tv", "user": USER, "secret": SECRET}
    page = browser.client.post("/players", data=form).text
    assert provider.url in page
    assert SECRET not in page
    (player,) = browser.client.get(API).json()
    assert (player["name"], player["has_secret"], player["path_map"]) == ("tv", True, [])
    tested = browser.client.post(f"/players/{player['id']}/test", data={"csrf": form["csrf"]}).text
    assert "Kodi 20.1" in tested
    assert "none of its own folders" in tested
    pair = f"{tmp_path / 'music'}=smb://nas/music/"
    assert pair in tested
    changed = {
        "csrf": form["csrf"],
        "seen": player["mark"],
        "url": provider.url,
        "user": USER,
        "path_map": pair,
        "enabled": "true",
    }
    browser.client.post(f"/players/{player['id']}", data=changed)
    answer = browser.client.post(f"{API}/{player['id']}/test").json()
    assert [place["known"] for place in answer["places"]] == [True]
    assert answer["suggested"] == []
    (player,) = browser.client.get(API).json()
    changed["seen"] = player["mark"]
    moved = browser.client.post(f"/players/{player['id']}", data=changed | {"url": "http://elsewhere:8080"})
    assert moved.status_code == 422
    assert "enter its password or token again" in moved.text
    provider.down = Reply(401)
    part = browser.client.post(
        f"/players/{player['id']}/test", data={"csrf": form["csrf"]}, headers={"hx-request": "true"}
    )
    assert "does not take our credentials" in part.text
    assert "<html" not in part.text
    browser.client.post(f"/players/{player['id']}/remove", data={"csrf": form["csrf"]})
    assert browser.client.get(API).json() == []
    with browser.app.database.read() as connection:
        done = [event.what for event in activity.newest(connection)]
    assert done[:3] == ["player_removed", "player_changed", "player_added"]


@pytest.mark.sqlite
def test_the_api_adds_changes_tells_and_forgets(browser: Browser, provider: Provider) -> None:
    new = {"name": "tv", "kind": "kodi", "url": provider.url, "user": USER, "secret": SECRET}
    assert browser.client.post(API, json=new | {"kind": "winamp"}).status_code == 422
    ((player),) = browser.client.post(API, json=new).json()
    assert browser.client.post(API, json=new).status_code == 422
    answer = browser.client.put(f"{API}/{player['id']}", json={"url": provider.url, "user": USER, "enabled": False})
    assert [(one["enabled"], one["has_secret"]) for one in answer.json()] == [(False, True)]
    with browser.app.database.begin() as connection:
        debts.owe(connection, [player["id"]], Owed(1, LIBRARY, b"A", "new"), NOW)
    assert browser.client.post(f"{API}/{player['id']}/tell").json() == {"folders": 1}
    assert [job.manual for job in browser.app.engine.list(phase="players")] == [True]
    assert "yet to show 1 folder." in browser.client.get("/players").text
    assert browser.client.delete(f"{API}/{player['id']}").json() == []
    assert browser.client.post(f"{API}/99/test").status_code == 404


@pytest.mark.sqlite
def test_a_player_that_is_down_is_a_finding_of_its_test(browser: Browser, provider: Provider) -> None:
    new = {"name": "tv", "kind": "kodi", "url": provider.url, "user": USER, "secret": SECRET}
    (player,) = browser.client.post(API, json=new).json()
    provider.down = Reply(503)
    answer = browser.client.post(f"{API}/{player['id']}/test")
    assert answer.status_code == 200
    assert answer.json()["version"] is None
    assert "did not answer" in answer.json()["problems"][0]


@pytest.mark.sqlite
def test_the_command_line_adds_tests_tells_and_forgets(
    browser: Browser, provider: Provider, house: House, tmp_path: Path
) -> None:
    def said(*arguments: str, given: str = "", code: int = 0) -> Any:
        result = greenroom("players", *arguments, given=given)
        assert result.exit_code == code, result.output
        assert SECRET not in result.output
        return json.loads(result.stdout) if "--json" in arguments else result.output

    music = tmp_path / "music"
    said("add", "tv", "kodi", provider.url, "--user", USER, "--map", f"{music}=smb://nas/music", given=f"{SECRET}\n")
    assert "maps no path" in said("add", "x", "kodi", provider.url, "--map", "nonsense", given="\n", code=2)
    (one,) = said("list", "--json")
    assert (one["secret"], one["path_map"], one["missed"]) == (MASK, [f"{music}=smb://nas/music"], [])
    assert "tv" in said()
    found = said("test", "tv", "--json", code=1)  # it reads no NFO
    assert found["places"] == [{"ours": str(music), "theirs": "smb://nas/music", "known": True}]
    assert "smb://nas/music/Air" in said("test", "tv", str(music / "Air"), code=1)
    doctor = greenroom("doctor")
    assert "the player tv: its setting" in doctor.output
    said("tell", "tv", str(music / "Air"))
    assert house.asked == ["smb://nas/music/Air"]
    for of_a_variable_nobody_set in (("tell", "tv", ""), ("test", "tv", "")):
        assert "empty" in said(*of_a_variable_nobody_set, code=2)
    assert "0 folders to be told" in said("tell")
    said("remove", "tv")
    assert "there is no player tv" in said("test", "tv", code=2)


def test_a_secret_is_not_shown_by_any_error() -> None:
    player = Player(1, "tv", "kodi", "http://tv", "eva", SECRET)
    assert SECRET not in repr(player)
    assert SECRET.encode().hex() in player.service.secrets
    assert issubclass(Retryable, GreenroomError)
