"""A container's name for a tag → the field of Facts it fills. Source: Picard's tag mapping."""

from __future__ import annotations

# Vorbis comments (FLAC, Ogg), and the free names of ID3 (TXXX), MP4 (----), APEv2 and ASF, in capitals.
NAMED = {
    "TITLE": "title",
    "ARTIST": "artist",
    "ARTISTS": "artists",
    "ALBUM": "album",
    "ALBUMARTIST": "album_artist",
    "ALBUM ARTIST": "album_artist",
    "ALBUM_ARTIST": "album_artist",
    "QUODLIBET::ALBUMARTIST": "album_artist",  # ID3
    "ALBUMARTISTS": "album_artists",
    "ALBUM_ARTISTS": "album_artists",
    "TRACKNUMBER": "track",
    "TRACK": "track",
    "TRACKTOTAL": "track_total",
    "TOTALTRACKS": "track_total",
    "DISCNUMBER": "disc",
    "DISC": "disc",
    "DISCTOTAL": "disc_total",
    "TOTALDISCS": "disc_total",
    "DISCSUBTITLE": "disc_subtitle",
    "SETSUBTITLE": "disc_subtitle",
    "DATE": "date",
    "YEAR": "date",
    "ORIGINALDATE": "original_date",
    "ORIGINALYEAR": "original_date",
    "ORIGINAL YEAR": "original_date",  # beets in MP4
    "GENRE": "genre",
    "LABEL": "label",
    "ORGANIZATION": "label",
    "PUBLISHER": "label",
    "CATALOGNUMBER": "catalog_number",
    "BARCODE": "barcode",
    "RELEASECOUNTRY": "country",
    "MUSICBRAINZ ALBUM RELEASE COUNTRY": "country",  # ID3 and MP4
    "MEDIA": "media",
    "COMPILATION": "compilation",
    "TCMP": "compilation",  # FFmpeg, which knows no such frame and makes a TXXX of it
    "MUSICBRAINZ_TRACKID": "mb_recording_id",
    "MUSICBRAINZ_RELEASETRACKID": "mb_track_id",
    "MUSICBRAINZ_ALBUMID": "mb_release_id",
    "MUSICBRAINZ_RELEASEGROUPID": "mb_release_group_id",
    "MUSICBRAINZ_ARTISTID": "mb_artist_ids",
    "MUSICBRAINZ_ALBUMARTISTID": "mb_album_artist_ids",
    "MUSICBRAINZ TRACK ID": "mb_recording_id",  # MP4 and ASF; names the recording there too
    "MUSICBRAINZ RELEASE TRACK ID": "mb_track_id",
    "MUSICBRAINZ ALBUM ID": "mb_release_id",
    "MUSICBRAINZ RELEASE GROUP ID": "mb_release_group_id",
    "MUSICBRAINZ ARTIST ID": "mb_artist_ids",
    "MUSICBRAINZ ALBUM ARTIST ID": "mb_album_artist_ids",
    "REPLAYGAIN_TRACK_GAIN": "rg_track_gain",
    "REPLAYGAIN_TRACK_PEAK": "rg_track_peak",
    "REPLAYGAIN_ALBUM_GAIN": "rg_album_gain",
    "REPLAYGAIN_ALBUM_PEAK": "rg_album_peak",
    "R128_TRACK_GAIN": "r128_track",
    "R128_ALBUM_GAIN": "r128_album",
}

# Frames that say it in a text of their own; TXXX goes through NAMED.
ID3 = {
    "TIT2": "title",
    "TPE1": "artist",
    "TALB": "album",
    "TPE2": "album_artist",
    "TRCK": "track",
    "TPOS": "disc",
    "TSST": "disc_subtitle",
    "TDRC": "date",
    "TDOR": "original_date",
    "TCON": "genre",
    "TPUB": "label",
    "TMED": "media",
    "TCMP": "compilation",
}

MP4 = {
    "\xa9nam": "title",
    "\xa9ART": "artist",
    "\xa9alb": "album",
    "aART": "album_artist",
    "\xa9day": "date",
    "\xa9gen": "genre",
}

ASF = {
    "TITLE": "title",
    "AUTHOR": "artist",
    "WM/ARTISTS": "artists",
    "WM/ALBUMTITLE": "album",
    "WM/ALBUMARTIST": "album_artist",
    "WM/ALBUMARTISTS": "album_artists",  # beets
    "WM/TRACKNUMBER": "track",
    "WM/PARTOFSET": "disc",
    "WM/SETSUBTITLE": "disc_subtitle",
    "WM/YEAR": "date",
    "WM/ORIGINALRELEASETIME": "original_date",
    "WM/ORIGINALRELEASEYEAR": "original_date",
    "WM/GENRE": "genre",
    "WM/PUBLISHER": "label",
    "WM/CATALOGNO": "catalog_number",
    "WM/BARCODE": "barcode",
    "MUSICBRAINZ/ALBUM RELEASE COUNTRY": "country",
    "WM/MEDIA": "media",
    "WM/ISCOMPILATION": "compilation",
    "MUSICBRAINZ/TRACK ID": "mb_recording_id",
    "MUSICBRAINZ/RELEASE TRACK ID": "mb_track_id",
    "MUSICBRAINZ/ALBUM ID": "mb_release_id",
    "MUSICBRAINZ/RELEASE GROUP ID": "mb_release_group_id",
    "MUSICBRAINZ/ARTIST ID": "mb_artist_ids",
    "MUSICBRAINZ/ALBUM ARTIST ID": "mb_album_artist_ids",
}
