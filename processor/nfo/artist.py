"""What is known of an artist → artist.nfo, its elements in the order Kodi writes them. Pure.

Source of names and order: CArtist::Save of Kodi (xbmc/music/Artist.cpp).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from processor.metadata.known import ArtistMetadata
from processor.nfo.xml import add, add_all

ROOT: Final = "artist"


def element(artist: ArtistMetadata) -> ET.Element:
    """Return the elements of the file."""
    root = ET.Element(ROOT)
    add(root, "name", artist.name)
    add(root, "musicBrainzArtistID", artist.artist_id)
    add(root, "sortname", artist.sort_name)
    add(root, "type", artist.type and artist.type.capitalize())
    add(root, "gender", artist.gender and artist.gender.capitalize())
    add(root, "disambiguation", artist.disambiguation)
    add_all(root, "genre", artist.genres)
    add_all(root, "style", artist.styles)
    add_all(root, "mood", artist.moods)
    add_all(root, "yearsactive", artist.years_active)
    add_all(root, "instruments", artist.instruments)
    for tag in ("born", "formed", "biography", "died", "disbanded"):
        add(root, tag, getattr(artist, tag))
    return root
