"""The first bytes and the extension of a file → the containers it may be, the likeliest first. Pure."""

from __future__ import annotations

_EXTENSIONS = {
    "mp3": "mp3",
    "flac": "flac",
    "m4a": "mp4",
    "mp4": "mp4",
    "m4b": "mp4",
    "alac": "mp4",
    "aac": "adts",
    "ogg": "vorbis",
    "oga": "vorbis",
    "opus": "opus",
    "wav": "wav",
    "aiff": "aiff",
    "aif": "aiff",
    "aifc": "aiff",
    "wma": "asf",
    "ape": "ape",
    "wv": "wavpack",
    "mpc": "musepack",
    "dsf": "dsf",
    "dff": "dsdiff",
    "mp2": "mp3",
    "mp+": "musepack",
    "spx": "speex",
    "tta": "tta",
    "tak": "tak",
}
_STARTS = (
    (b"fLaC", "flac"),
    (b"RIFF", "wav"),
    (b"RF64", "wav"),
    (b"BW64", "wav"),
    (b"FORM", "aiff"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"MPCK", "musepack"),
    (b"MP+", "musepack"),
    (b"DSD ", "dsf"),
    (b"FRM8", "dsdiff"),
    (b"TTA1", "tta"),
    (b"tBaK", "tak"),
)
_LAYERS = (0xE2, 0xE4)  # the second byte of MPEG audio of layer III and II
_OGG_CODECS = ((b"\x01vorbis", "vorbis"), (b"OpusHead", "opus"), (b"\x7fFLAC", "oggflac"), (b"Speex   ", "speex"))


def container_of(head: bytes) -> str | None:
    """Return what the content says it is; None when the first bytes are no known signature."""
    for start, container in _STARTS:
        if head.startswith(start):
            return container
    if head[4:8] == b"ftyp":
        return "mp4"
    if head.startswith(b"OggS"):
        return _ogg_codec(head) or "vorbis"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # ADTS: the layer is 0
        return "adts"
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in _LAYERS):
        return "mp3"
    return None


def _ogg_codec(head: bytes) -> str | None:
    return next((container for mark, container in _OGG_CODECS if mark in head[28:80]), None)


def candidates(head: bytes, extension: str) -> list[str]:
    """Return the containers to try; behind an ID3 tag anything may follow, so there the extension counts first."""
    by_content, by_name = container_of(head), _EXTENSIONS.get(extension)
    order = [by_name, by_content] if head.startswith(b"ID3") else [by_content, by_name]
    if head.startswith(b"OggS") and not _ogg_codec(head):  # a film or Skeleton stands in front of the sound
        order += [container for _, container in _OGG_CODECS]
    return list(dict.fromkeys(container for container in order if container))
