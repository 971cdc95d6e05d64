"""An empty folder → the demo's inbound tree: a few albums as people really drop them, in real audio."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from tests.music import write_track

VARIOUS = [
    ("Ada Fern", "Harbour Lights"),
    ("The Nine Lamps", "Tin Roof"),
    ("Os Pombos", "Maré Baixa"),
    ("雨宮", "夜の庭"),
]


def cover(colour: str, side: int = 300) -> bytes:
    """Return a square JPEG of the sun over a sea of that colour, its side in pixels."""
    picture = ImageOps.colorize(Image.linear_gradient("L").resize((side, side)), "ivory", colour)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((side * 0.35, side * 0.35, side * 0.65, side * 0.65), fill="lemonchiffon")
    draw.rectangle((0, side * 0.55, side, side), fill=colour)
    data = io.BytesIO()
    picture.save(data, "JPEG")
    return data.getvalue()


def make_inbound(root: Path) -> None:
    """Make every album of the demo below `root`."""
    _album(root)
    _two_discs(root)
    _compilation(root)
    _without_tags(root)
    _broken(root)
    _still_growing(root)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _album(root: Path) -> None:
    folder = _made(root / "Nora Vale - Low Tide (2014) [FLAC]")
    for n, title in enumerate(["Salt", "The Long Jetty", "Low Tide", "Gulls: Reprise?"], 1):
        tags: dict[str, Any] = {"title": title, "artist": "Nora Vale", "album": "Low Tide", "album_artist": "Nora Vale"}
        write_track(folder / f"{n:02} {title.replace('?', '')}.flac", **tags, track=f"{n}/4", date="2014", genre="Folk")
    (folder / "cover.jpg").write_bytes(cover("steelblue"))
    (folder / "rip.log").write_text("Exact Audio Copy, all tracks accurately ripped\n", encoding="utf-8")


def _two_discs(root: Path) -> None:
    for disc, titles in enumerate([["Overture", "First Light", "Engines"], ["Night Shift", "Homeward"]], 1):
        folder = _made(root / "The Paper Kites of Ålesund" / "Live at the Cannery" / f"CD{disc}")
        for n, title in enumerate(titles, 1):
            artist = "The Paper Kites of Ålesund"
            tags: dict[str, Any] = {"title": title, "artist": artist, "album": "Live at the Cannery"}
            write_track(folder / f"{n:02} - {title}.mp3", **tags, track=str(n), disc=f"{disc}/2", date="2019-05-04")
        (folder / "folder.jpg").write_bytes(cover("indigo"))


def _compilation(root: Path) -> None:
    folder = _made(root / "VA-Harbour_Radio_2")
    extensions = ("opus", "m4a", "ogg", "mp3")
    for n, (artist, title) in enumerate(VARIOUS, 1):
        tags: dict[str, Any] = {"title": title, "artist": artist, "album": "Harbour Radio, Vol. 2", "compilation": True}
        write_track(folder / f"{n:02}.{extensions[n - 1]}", **tags, track=str(n), date="2021")
    (folder / "front.jpg").write_bytes(cover("firebrick"))


def _without_tags(root: Path) -> None:
    folder = _made(root / "Old Tapes" / "Gran's Kitchen - Sunday Songs (1987)")
    for n, title in enumerate(["Kettle", "Rain on the Pane"], 1):
        write_track(folder / f"{n:02} - {title}.wav")


def _broken(root: Path) -> None:
    folder = _made(root / "Damaged - Scratched (2003)")
    (folder / "01 - Nothing in here.mp3").write_bytes(b"this is no music, whatever its name says\n" * 200)


def _still_growing(root: Path) -> None:
    folder = _made(root / "Still Arriving - Half a Song (2026)")
    write_track(folder / "01 - Half.wav", title="Half", artist="Still Arriving", album="Half a Song", track="1")


if __name__ == "__main__":
    make_inbound(Path(sys.argv[1]))
