"""What an audio file says about itself, as plain values; unknown is None, never 0 or ""."""

from __future__ import annotations

from typing import NamedTuple


class Picture(NamedTuple):
    """One embedded picture; its bytes stay in the file."""

    size: int  # bytes
    type: int  # APIC picture type of ID3v2.4 section 4.14: 3 is the front cover
    mime: str | None


class Facts(NamedTuple):
    """The tags and the stream of one audio file. Several values of one tag are a tuple, in file order.

    `mb_recording_id` is what `MUSICBRAINZ_TRACKID` and `UFID:http://musicbrainz.org` hold; the id of the track on
    its release is `mb_track_id` (`MUSICBRAINZ_RELEASETRACKID`). Source: Picard's tag mapping. What is one value comes
    first, then what may be several.
    """

    title: str | None = None
    artist: str | None = None  # as displayed; several values joined with "; "
    album: str | None = None
    album_artist: str | None = None
    track: int | None = None
    track_total: int | None = None
    disc: int | None = None
    disc_total: int | None = None
    disc_subtitle: str | None = None
    date: str | None = None  # as tagged: YYYY, YYYY-MM or YYYY-MM-DD
    original_date: str | None = None
    label: str | None = None
    catalog_number: str | None = None
    barcode: str | None = None
    country: str | None = None  # of the release: ISO 3166-1, or XW worldwide, XE Europe
    media: str | None = None  # CD, Vinyl, Digital Media
    compilation: bool | None = None
    mb_recording_id: str | None = None
    mb_track_id: str | None = None
    mb_release_id: str | None = None
    mb_release_group_id: str | None = None
    rg_track_gain: float | None = None  # dB; Opus R128 gains are converted, +5 dB
    rg_track_peak: float | None = None  # 1.0 is full scale
    rg_album_gain: float | None = None
    rg_album_peak: float | None = None
    codec: str | None = None  # mp3, flac, aac, alac, vorbis, opus, pcm, aiff, wma, ape, wavpack, tta, dsd and more
    duration_ms: int | None = None
    bitrate: int | None = None  # bits per second
    sample_rate: int | None = None  # Hz
    bits: int | None = None  # per sample
    channels: int | None = None
    artists: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    mb_artist_ids: tuple[str, ...] = ()
    mb_album_artist_ids: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
