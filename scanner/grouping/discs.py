"""Folder and album names → the disc that people write into them, in the words of many languages."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from scanner.grouping.patterns import pattern

MOST_DISCS = 50  # "CD86" and "Disc 1984" are titles, not discs
MOST_IN_A_BOX = 999  # … unless "CD1" lies beside, or brackets say so
NO_DISCS = frozenset((128, 160, 180, 192, 224, 256, 320))  # without "CD1": bit rates, "LP 180 g"

LONGEST_NAME = 255  # a longer tag is no name that somebody wrote a disc into

WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_ROMAN = "i|ii|iii|iv|v|vi|vii|viii|ix|x"
_COUNT = {w: n for words in (WORDS, _ROMAN) for n, w in enumerate(words.split("|"), 1)}
_OF = r"[\W_]*(?:of|von|van|de|di|sur|из)[\W_]*"
_OF_HOW_MANY = rf"(?:(?:{_OF}|\s?/\s?)\d{{1,3}})?"
_NUMBER = rf"(?:(?:[\W_]+n[or]\b)?[\W_]*(?P<number>\d{{1,3}})(?!\d)|[\W_]+(?P<word>{WORDS})\b){_OF_HOW_MANY}"
_CD = r"(?:cd|dis[ck])"
_DISC = r"(?:cd|dis[ck]|диск|ディスク|디스크|δίσκος|דיסק|光?碟)"
_OF_CD = r"(?:(?:copy[\W_]*control|data|dts|enhanced|mixed[\W_]*mode|8cm|blu-?spec|minimax|shm|hybrid)[\W_]*)?"
SIZED = r"[\W_]*(?:inch|vinyl|shellac|laserdisc)"  # behind inches: "12 Vinyl 02", "7 inch"
_MEDIUM = (  # as people call them, and MusicBrainz, after which Lidarr calls folders: "Hybrid SACD 01", "12 Vinyl 02"
    rf"(?:{_OF_CD}(?:{_DISC}|sacd)(?:[-+][rg]\b)?|h[dq]cd|disque|scheibe|platte|schijf|p[łl]yta|dvd(?:[\W_]?(?:audio|video|[arv])\b)?"
    r"|blu-?ray|(?:\d\d?[\W_]*(?:inch[\W_]*)?)?(?:vinyl|shellac|laserdisc)|lp|record|пластинка|tape|[ck]assette|кассета"
    r"|(?:mini|dual)[\W_]?dis[ck]|hd[\W_]?dvd|usb[\W_]*flash[\W_]*drive|(?:digital[\W_]*)?media)"
    r"(?:[\W_]*[(\[][^()\[\]]*(?:layer|channels?|multichannel|side)\b[^()\[\]]*[)\]])?"  # "SACD (2 channels) 01"
)
_SIDE = r"(?:side|seite|face|lado|cara|strana|сторона)"
_DISC_FOLDERS = (
    pattern(
        rf"[\W_]*{_MEDIUM}{_NUMBER}(?:[\W_]+{_SIDE}[\W_]*(?P<side>[a-h])[\W_]*|[\W_].*)?", re.IGNORECASE | re.DOTALL
    ),
    pattern(rf"[\W_]*(?:cd|dis[ck])[\W_]+(?P<roman>{_ROMAN})(?:[\W_].*)?", re.IGNORECASE | re.DOTALL),
    pattern(rf"[\W_]*(?P<number>\d{{1,3}}){_OF}\d{{1,3}}[\W_]*", re.IGNORECASE),
    pattern(rf"{_SIDE}[\W_]*(?:(?P<number>\d)|(?P<side>[a-hа-г]))", re.IGNORECASE),
    pattern(r"第?\s*(?P<number>\d{1,2})\s*(?:碟|枚目).*", re.DOTALL),
    pattern(
        rf"(?:[\W_]*(?:{_DISC}|lp|vinyl|tape|[ck]assette)[\s_-]+(?P<side>[a-h])|(?P<men>[a-h])面)[\W_]*", re.IGNORECASE
    ),
)
_BONUS = r"bonus(?:(?:[\W_]+[^\W_]+)?[\W_]*(?:cd|dis[ck]|dvd|lp)|[\W_]*tracks?)?"
_BONUS_FOLDER = pattern(
    rf"[\W_]*(?:{_BONUS}|(?:cd|dis[ck]|disque|dvd)[\W_]*(?:bonus|0+)|(?:extra|drama|ドラマ|特典)[\W_]*(?:cd|dis[ck]|dvd)|特典)"
    r"[\W_]*",
    re.IGNORECASE,
)
_BONUS_AT_END = pattern(rf"\s*(?:[(\[{{]\s*{_BONUS}\s*[)\]}}]|[-–:,]\s*{_BONUS})\Z", re.IGNORECASE)
_BONUS_DISC = pattern(r"\s*(?:([(\[{])|[-–:,]\s)\s*bonus[\W_]*(?:cd|dis[ck]|dvd|lp)\s*(?(1)[)\]}]|\Z)", re.IGNORECASE)
_DISC_ALONE = pattern(r"(?:cd|dis[ck])[\W_]*\d{1,3}", re.IGNORECASE)
_MEDIUM_ALONE = pattern(rf"[\W_]*{_MEDIUM}[\W_]*", re.IGNORECASE)
_MAY_BE_DISC = pattern(  # most folders begin otherwise; asked of ASCII only
    rf"[\W_]*(?:\d{{1,3}}(?:{_OF}|{SIZED})|cd|copy|d[aituv]|8cm|blu|enh|h[dqy]|med|mini|mixed|s[achi]|usb|vinyl|l[ap]|record|tape"
    r"|[ck]assette|p(?:latte|lyta)|face|cara|seite|strana|bonus|extra|drama)",
    re.IGNORECASE | re.ASCII,
)


def _in_titles(disc: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    # "[SHM-CD] 24-96" tells bits and a rate, and "CD-I" was a machine
    number = rf"(?![\W_]*[)\]}}])(?:{_NUMBER}|[\s_]+(?P<roman>{_ROMAN})\b)"
    return pattern(
        rf"[\s_]*[(\[{{（［【][\W_]*(?:{disc}{number}|(?P<nth>\d{{1,3}}){_OF}\d{{1,3}})"
        r"(?:[\W_][^()\[\]{}]*)?[)\]}）］】]",
        re.IGNORECASE,
    ), pattern(
        rf"[\s_,.:;–-]{disc}{number}"
        r"(?:\s*[-–:]\s.*|(?P<tail>[\s_]*(?:[(\[{]|-(?!\d\d\d?\b)).*|[\s_.]+(?:19|20)\d\d\b.*))?\Z",
        re.IGNORECASE | re.DOTALL,
    )


_IN_TITLES = _in_titles(_DISC), _in_titles(_CD)  # of any text, of ASCII
_DISC_OF_A_SHOW = pattern(r"(?<=\d-\d\d)[\s_.-]?d(?:is[ck])?(?P<number>\d)(?![^\W_])", re.IGNORECASE)


def disc_folder(text: str, most: int = MOST_DISCS) -> int | None:
    """Return the number of a folder that is nothing but one disc of its parent: "CD1", "Disk_2 - Live", "Side B".

    "Volume 2" and "Part 2" are none: they are mostly albums of their own, and their tags say when they are not.
    """
    text = narrow(text).strip()
    if not _may_be_disc(text):
        return None
    for form in _DISC_FOLDERS:
        found = form.fullmatch(text)
        if found:
            groups = found.groupdict()
            side = (groups.get("side") or groups.get("men") or "").lower()
            number = _disc_number(found, most)
            return _side_number(side, number) if side else number
    return None


def _side_number(side: str, medium: int | None) -> int:
    """Count sides, two of each record or tape, unless their letters run on: side B of tape 2 is the fourth, so is D."""
    number = ord(side) - ord("a" if side.isascii() else "а") + 1
    return number + 2 * (medium - 1) if medium and number <= 2 else number


def _may_be_disc(text: str) -> bool:
    return not text.isascii() or _MAY_BE_DISC.match(text) is not None


def is_bonus_folder(text: str) -> bool:
    """Tell whether a folder is a disc that has no number of its own, or comes before the first: "Bonus CD", "CD0"."""
    text = narrow(text).strip()
    return _may_be_disc(text) and _BONUS_FOLDER.fullmatch(text) is not None


def is_medium(text: str) -> bool:
    """Tell whether a folder is called after a medium and nothing else: "CD", "DVD"."""
    text = narrow(text).strip()
    return _may_be_disc(text) and _MEDIUM_ALONE.fullmatch(text) is not None


def is_disc_alone(text: str) -> bool:
    """Tell whether an album's name is none but "CD1" or "Disc 2"; "LP1" may be the title of a first album."""
    return _DISC_ALONE.fullmatch(text) is not None


def narrow(text: str) -> str:
    """Give letters and digits the width they have in English: "ＣＤ１" is "CD1"."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def without_bonus_disc(text: str) -> str:
    """Take out of a folder's name that it is the bonus disc: `"Album [Bonus Disc] (1999)"` → `"Album (1999)"`."""
    return _BONUS_DISC.sub("", text, count=1) or text


def without_bonus(text: str) -> str:
    """Take out of an album's name that it is a bonus: `"Album (Bonus Disc)"` → `"Album"`."""
    return _BONUS_AT_END.sub("", text) or text


@lru_cache(maxsize=1024)
def split_disc(text: str, most: int = MOST_DISCS) -> tuple[str, int | None]:
    """Take the disc out of an album's name: `"Album (Disc 2) [Remastered]"` → `("Album [Remastered]", 2)`."""
    found = None
    if len(text) <= LONGEST_NAME:
        in_brackets, at_end = _IN_TITLES[text.isascii()]
        if found := in_brackets.search(text):
            most = most if _disc_number(found, MOST_IN_A_BOX) in NO_DISCS else MOST_IN_A_BOX
        else:
            found = at_end.search(text) or ("-" in text and _DISC_OF_A_SHOW.search(text)) or None
    if found is None:
        return text, None
    tail = text[found.end() :] or found.groupdict().get("tail") or ""
    before = text[: found.start()].rstrip(" _,.:;–-")
    number = _disc_number(found, most)
    return (f"{before}{tail}".strip(), number) if number and any(map(str.isalnum, before)) else (text, None)


def _disc_number(found: re.Match[str], most: int) -> int | None:
    groups = found.groupdict()
    word = groups.get("word") or groups.get("roman")
    number = _COUNT[word.lower()] if word else int(groups.get("number") or groups.get("nth") or 0)
    return number if 0 < number <= most else None
