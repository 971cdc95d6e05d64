"""What stands for no name, or for many → that it is none; in the languages Windows and its players speak."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from scanner.grouping.folding import fold

_UNKNOWN: Final = (
    r"(?:unknown|untitled|unbekannte[rs]?|inconnue?|desconocid[oa]|desconhecid[oa]|sconosciut[oa]|onbekende?|nieznany"
    r"|neznám[ýé]|ismeretlen|okän[dt]|ukendt|ukjent|tuntematon|bilinmeyen|неизвестный|невідомий|άγνωστοσ?"
    r"|不明な|未知|알 수 없는)"
)
_WHAT: Final = (
    r"(?:artist(?:\(s\))?|artiste|artista|artiest|interpret|kunstner|wykonawca|előadó|esittäjä|sanatçı|исполнитель"
    r"|виконавець|καλλιτέχνησ|アーティスト|艺术家|藝術家|演出者|음악가|아티스트|album|álbum|albümü?|albumi|альбом|άλμπουμ"
    r"|アルバム|专辑|專輯|앨범|title|titel|titre|título|titolo|track)"
)
# Patterns are compiled by whoever asks first: most scans do without, and these take longer than others.
_NO_NAME: Final = (  # casefolded, hence the last letter of the Greek
    rf"[\W_]*(?:unknown|(?:{_UNKNOWN}|no[\W_])[\W_]*{_WHAT}|{_WHAT}[\W_]+{_UNKNOWN})(?:[\W_]*\d[\W\d_]*(?:[ap]\.?m)?)?[\W_]*"
)
# Nearly no text has any of these in it, and need not be matched.
_HINTS: Final = (
    *("unknown", "untitled", "no artist", "no album", "no title", "unbekannte", "inconnu", "desconocid", "desconhecid"),
    *("sconosciut", "onbekend", "nieznany", "neznám", "ismeretlen", "okän", "ukendt", "ukjent", "tuntematon"),
    *("bilinmeyen", "неизвестный", "невідомий", "άγνωστο", "不明な", "未知", "알 수 없는"),
)
_TRACK: Final = (
    r"(?:(?:audio|cd)?[\W_]*track|audio|spur|titel|title|titre|piste|pista|traccia|faixa|spor|spår|raita|stopa|ścieżka"
    r"|utwór|трек|дорожка|トラック|트랙|音轨|第)"
)
_BEFORE_NUMBER: Final = rf"(?i:[\W_]*{_TRACK}?[\W_]*)"
_NUMBER: Final = rf"(?i:(?:{_TRACK}[\W_]*)?#?\d{{1,3}})"
_VARIOUS: Final = frozenset(  # folded
    (
        *("various", "various artists", "various artist", "va", "v a", "aa vv", "aavv", "vv aa", "vvaa"),
        "compilations",
        *("vari", "vari artisti", "artisti vari", "varios", "varios artistas", "varios artistes", "varios interpretes"),
        *("divers", "divers artistes", "artistes divers", "artistes varies", "diversen", "diverse", "diverse artister"),
        *("diverse artiesten", "diverse interpreten", "diverse kunstler", "diverse kunstnere", "verschiedene"),
        *("verschiedene interpreten", "verschiedene kunstler", "blandade artister", "eri esittajia", "rozni wykonawcy"),
        *("ruzni interpreti", "kulonbozo eloadok", "cesitli sanatcilar", "разные исполнители", "різні виконавці"),
        *("различные исполнители", "сборник", "сборники", "razni izvodaci", "diversi artisti", "artisti diversi"),
        *("verschillende artiesten", "ivairus atlikejai", "διαφοροι καλλιτεχνεσ"),
        *("ヴァリアス アーティスト", "オムニバス", "群星", "여러 아티스트"),
    )
)

# Kinds of music that hardly anybody is called; "Jungle", "The Cult" and "Space" are somebody.
_KINDS: Final = frozenset(
    (
        *("rock", "pop", "jazz", "blues", "metal", "punk", "folk", "country", "soul", "funk", "disco", "reggae", "ska"),
        *(
            "rap",
            "hiphop",
            "rnb",
            "electronic",
            "electronica",
            "elektronik",
            "techno",
            "trance",
            "house",
            "edm",
            "dance",
        ),
        *("dnb", "dub", "dubstep", "ambient", "classical", "classics", "klassik", "classique", "classica", "clasica"),
        *("opera", "oper", "chanson", "schlager", "volksmusik", "weltmusik", "world", "latin", "gospel", "indie"),
        *("alternative", "instrumental", "oldies", "karaoke", "comedy", "christmas", "weihnachten", "kinder"),
        *("kinderlieder", "kids", "children", "рок", "поп", "джаз", "классика", "шансон"),
    )
)
_SUCH: Final = frozenset(  # what stands before them
    (
        *(
            "and",
            "alt",
            "classic",
            "hard",
            "heavy",
            "soft",
            "prog",
            "progressive",
            "post",
            "glam",
            "psychedelic",
            "synth",
        ),
        *("black", "death", "thrash", "doom", "power", "acid", "modern", "free", "smooth", "deep", "euro", "french"),
        *("german", "deutsch", "deutscher", "deutsche"),
    )
)
_KINDS_OF_WORDS: Final = (
    *("hip hop", "r and b", "drum and bass", "rock and roll", "rock n roll", "new age", "easy listening"),
)
_LETTERS: Final = r"#|0\s?[-–]\s?9|[a-zа-я]\s?[-–]\s?[a-zа-я]"  # "M" and "X" are somebody


def is_kind_of_music(text: str) -> bool:
    """Tell "Jazz", "Classic Rock" and "Hip-Hop & Rap"; an album may be called so, but nobody who made one."""
    heard = fold(text).removesuffix(" music").removesuffix(" musik")
    for kind in _KINDS_OF_WORDS:
        heard = heard.replace(kind, "rock")
    words = heard.split()
    return bool(words) and words[-1] in _KINDS and all(word in _KINDS or word in _SUCH for word in words)


def sorts_music(text: str) -> bool:
    """Tell a folder that the music of many is sorted into, by its kind or by the alphabet: "Jazz", "A-C", "0-9"."""
    return is_kind_of_music(text) or re.fullmatch(_LETTERS, text.casefold()) is not None


def says_unknown(text: str) -> bool:
    """Tell "Unknown Artist" and "Unbekanntes Album (3.11.2020 13:23:45)" from a name."""
    return may_say_unknown(text) and re.fullmatch(_NO_NAME, _heard(text)) is not None


def may_say_unknown(text: str) -> bool:
    """Tell quickly of a text, or of many joined to one, whether `says_unknown` has to be asked."""
    heard = _heard(text)
    for hint in _HINTS:  # noqa: SIM110 - twice as quick as any() is, and asked of all that is read
        if hint in heard:
            return True
    return False


def is_number_of_track(text: str) -> bool:
    """Tell "Track 7", "07" and "#4" from a title."""
    return re.fullmatch(_NUMBER, text) is not None


def is_no_title(text: str) -> bool:
    """Tell "Track 7", as rippers call what they do not know, from a title; "505" is one."""
    return text[-1:].isdecimal() and not text.isdecimal() and is_number_of_track(text)


def is_word_for_track(text: str) -> bool:
    """Tell whether what stands before a number is no part of a title: "Track ", "(", "第"."""
    return re.fullmatch(_BEFORE_NUMBER, text) is not None


def is_various(artist: str | None) -> bool:
    """Tell whether a name stands for many artists: "Various Artists", "VA", "AA.VV.", "群星"; None is nobody."""
    return artist is not None and fold(artist) in _VARIOUS


def _heard(text: str) -> str:
    heard = text.casefold().replace("_", " ")
    return heard if heard.isascii() else unicodedata.normalize("NFC", heard)
