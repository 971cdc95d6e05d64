"""A folder of music → a real player that shows it: headless, below a folder of its own, stopped by its pid."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from tests.waiting import until

USER, SECRET = "greenroom", "s3cret pass"
KODI = "/usr/lib/x86_64-linux-gnu/kodi/kodi.bin"
_DIDL = {"dc": "http://purl.org/dc/elements/1.1/", "upnp": "urn:schemas-upnp-org:metadata-1-0/upnp/"}


class Upnp(NamedTuple):
    """One track as a UPnP server shows it."""

    title: str
    artist: str
    album: str
    date: str
    number: str
    picture: str | None


def absent(program: str) -> NoReturn:
    """Skip the test, and say what to install."""
    pytest.skip(f"{program} is not installed: this player was NOT asked; `scripts/players` installs it on Debian")


def free_port(least: int = 0) -> int:
    """Return a port nobody uses just now."""
    for port in range(least, least + 100) if least else [0]:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("no port is free")


@contextmanager
def running(command: Sequence[str], folder: Path, **environment: str) -> Iterator[None]:
    """Run a program with its children until the end of the block."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": str(folder), **environment},
        )  # fmt: skip
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def kodi(music: Path, folder: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that calls Kodi's methods; its URL is its attribute `url`."""
    for program in (KODI, "/usr/bin/xvfb-run"):
        if not Path(program).exists():
            absent(Path(program).name)
    port, settings = free_port(), folder / ".kodi" / "userdata"
    settings.mkdir(parents=True)
    values = {
        "services.webserver": "true", "services.webserverport": port, "services.webserverauthentication": "true",
        "services.webserverusername": USER, "services.webserverpassword": SECRET, "musiclibrary.downloadinfo": "true",
    }  # fmt: skip
    lines = "".join(f'<setting id="{name}">{value}</setting>' for name, value in values.items())
    (settings / "guisettings.xml").write_text(f'<settings version="2">{lines}</settings>')
    (settings / "sources.xml").write_text(
        '<sources><music><default pathversion="1"></default><source><name>music</name>'
        f'<path pathversion="1">{escape(str(music))}/</path><allowsharing>true</allowsharing></source></music>'
        "</sources>"
    )

    def ask(method: str, **params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        proof = "Basic " + b64encode(f"{USER}:{SECRET}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": proof}
        answer = json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/jsonrpc", body, headers), timeout=30))
        assert "error" not in answer, answer
        return answer["result"]

    def is_up() -> bool:
        try:
            return bool(ask("JSONRPC.Ping") == "pong")
        except OSError:
            return False

    url = f"http://127.0.0.1:{port}"
    command = ["xvfb-run", "-a", "-s", "-screen 0 320x240x24 -nolisten tcp", KODI, "--windowing=x11"]
    with running(command, folder, LIBGL_ALWAYS_SOFTWARE="1"):
        until(is_up)
        ask.url = url  # type: ignore[attr-defined]
        yield ask


@contextmanager
def mpd(music: Path, folder: Path) -> Iterator[list[dict[str, str]]]:
    """Give the songs as the Music Player Daemon lists them."""
    if shutil.which("mpd") is None:
        absent("mpd")
    port = free_port()
    (folder / "mpd.conf").write_text(
        f'music_directory "{music}"\ndb_file "{folder}/db"\nbind_to_address "127.0.0.1"\nport "{port}"\n'
        'filesystem_charset "UTF-8"\naudio_output {\n type "null"\n name "null"\n}\nmetadata_to_use "+comment"\n'
        f'auto_update "no"\nlog_file "{folder}/log"\n'
    )

    def ask(command: str) -> list[str]:
        address = ("127.0.0.1", port)
        with socket.create_connection(address, timeout=30) as line, line.makefile("rw", encoding="utf-8") as at:
            assert at.readline().startswith("OK MPD")
            at.write(command + "\n")
            at.flush()
            lines = []
            while not (said := at.readline()).startswith(("OK", "ACK")):
                lines.append(said.rstrip("\n"))
            assert said.startswith("OK"), said
            return lines

    def is_up() -> bool:
        try:
            return bool(ask("update"))
        except OSError:
            return False

    with running(["mpd", "--no-daemon", "mpd.conf"], folder):
        until(is_up)
        until(lambda: not any(line.startswith("updating_db") for line in ask("status")))
        songs: list[dict[str, str]] = []
        for name, _, value in (line.partition(": ") for line in ask("listallinfo")):
            if name == "file":
                songs.append({})
            if songs and name not in ("directory", "playlist"):
                songs[-1][name] = value
        yield songs


@contextmanager
def minidlna(music: Path, folder: Path) -> Iterator[Callable[[], list[Upnp]]]:
    """Give a function that returns the tracks as minidlna shows them."""
    if shutil.which("minidlnad") is None:
        absent("minidlna")
    port = free_port()
    (folder / "minidlna.conf").write_text(
        f"port={port}\nnetwork_interface=lo\nmedia_dir=A,{music}\ndb_dir={folder}/db\nlog_dir={folder}\ninotify=no\n"
        f"minissdpdsocket={folder}/ssdp\nalbum_art_names=Cover.jpg/cover.jpg/Folder.jpg/folder.jpg\n"
    )
    (folder / "db").mkdir()
    with running(["minidlnad", "-f", "minidlna.conf", "-P", f"{folder}/pid", "-S", "-R"], folder):
        yield lambda: _tracks(f"http://127.0.0.1:{port}/ctl/ContentDir")


@contextmanager
def gerbera(music: Path, folder: Path) -> Iterator[Callable[[], list[Upnp]]]:
    """Give a function that returns the tracks as Gerbera shows them."""
    if shutil.which("gerbera") is None:
        absent("gerbera")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address of ours would be used
        except OSError:
            absent("a network for gerbera, which takes no loopback,")
        address = probe.getsockname()[0]
    config = Path("/etc/gerbera/config.xml").read_text()
    config = re.sub(r"<home>.*?</home>", f"<home>{escape(str(folder))}</home>", config)
    config = config.replace(
        '<map from="mp3"', '<map from="flac" to="audio/x-flac"/><map from="mp3"'
    )  # as Debian has it not
    config = config.replace("<udn/>", "<udn>uuid:00000000-0000-4000-8000-000000000000</udn>")
    (folder / "config.xml").write_text(config)
    port = free_port(49152)
    command = ["gerbera", "-c", "config.xml", "--ip", address, "--port", str(port), "--add", str(music)]
    with running(command, folder):
        bound = until(lambda: re.search("link: (http://.*)/", (folder / "output").read_text()))
        yield lambda: _tracks(f"{bound[1]}/upnp/control/cds")


def _tracks(url: str) -> list[Upnp]:
    """Return all tracks there are now, each once; none as long as the server does not answer."""
    try:
        return sorted(set(_browse(url, "0", 0)), key=str)
    except OSError:
        return []


def _browse(url: str, at: str, depth: int) -> Iterator[Upnp]:
    """Yield all tracks below a container."""
    service = "urn:schemas-upnp-org:service:ContentDirectory:1"
    body = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:Browse xmlns:u="{service}"><ObjectID>{at}</ObjectID><BrowseFlag>BrowseDirectChildren</BrowseFlag>'
        "<Filter>*</Filter><StartingIndex>0</StartingIndex><RequestedCount>100</RequestedCount>"
        "<SortCriteria></SortCriteria>"
        "</u:Browse></s:Body></s:Envelope>"
    )
    headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": f'"{service}#Browse"'}
    answer = urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=30).read().decode()
    found = re.search("<Result[^>]*>(.*?)</Result>", answer, re.DOTALL)
    for one in ElementTree.fromstring(html.unescape(found[1])) if found else ():
        if one.tag.endswith("container") and depth < 5:
            yield from _browse(url, one.attrib["id"], depth + 1)
        elif one.tag.endswith("item"):
            names = ("dc:title", "upnp:artist", "upnp:album", "dc:date", "upnp:originalTrackNumber", "upnp:albumArtURI")
            *texts, picture = (one.findtext(name, None, _DIDL) for name in names)
            title, artist, album, date, number = (text or "" for text in texts)
            yield Upnp(title, artist, album, date, number, picture)


@contextmanager
def supysonic(music: Path, folder: Path) -> Iterator[str]:
    """Give the URL of a Subsonic server that knows the user."""
    programs = Path(os.environ.get("GREENROOM_SUPYSONIC", sys.prefix)) / "bin"
    if not (programs / "supysonic-cli").exists():
        absent("supysonic")
    port = free_port()
    (folder / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{folder}/supysonic.db\n"
        f"[webapp]\ncache_dir = {folder}/cache\nlog_file = {folder}/web.log\nmount_webui = off\n"
        f"[daemon]\nsocket = {folder}/socket\nrun_watcher = off\njukebox_command =\n"
    )
    user = ["user", "add", USER, "-p", SECRET]
    for words in (user, ["user", "setroles", "-A", USER], ["folder", "add", "music", str(music)]):
        subprocess.run([programs / "supysonic-cli", *words], check=True, cwd=folder, capture_output=True,
                       env={**os.environ, "HOME": str(folder)})  # fmt: skip
    serve = f"from supysonic.web import create_application; create_application().run(host='127.0.0.1', port={port})"
    daemon, web = folder / "daemon", folder / "web"
    for place in (daemon, web):
        place.mkdir()
        shutil.copy(folder / "supysonic.conf", place)
    scanning, serving = [str(programs / "supysonic-daemon")], [str(programs / "python"), "-c", serve]
    with running(scanning, daemon), running(serving, web):
        until(lambda: (folder / "socket").exists() and _answers(port))
        yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
