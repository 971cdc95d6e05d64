"""What is known of an album or an artist ↔ the NFO file players read, with whatever a person changed in it kept."""

from typing import Final

ALBUM: Final = b"album.nfo"
ARTIST: Final = b"artist.nfo"
