"""Elements → the bytes of an NFO file, and back; the bytes of strangers are read with limits.

Written as Kodi writes: UTF-8, two spaces of indentation, a declaration that says standalone. The same elements always
are the same bytes, so a file that says the same is never written again.
"""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from html import escape
from html.entities import html5
from typing import Final

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from config.errors import Rejected

MAX_BYTES: Final = 1_000_000  # of a file that is read; a review of a thousand pages is smaller
LONGEST: Final = 64_000  # characters of one value that is written; the longest biographies have half of it
MOST: Final = 2_000  # values of one list; no album has so many tracks
DEEPEST: Final = 10  # levels below the root; Kodi's files have two
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SAID: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
# Comments and instructions before the root (XML 1.0, 2.8); document types are refused.
_AHEAD: Final = re.compile(r"\s*((?:\s*(?:<!--.*?-->|<\?.*?\?>))*)", re.DOTALL)
# What XML 1.0 has no character for; ElementTree writes it all the same, and no parser reads it (XML 1.0, 2.2).
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# "&" that begins nothing XML knows: "Simon & Garfunkel", "caf&eacute;", an address with two parameters. In what comes
# first here it is no sign of XML, and stays.
_BARE: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|(?P<sign>&)(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)(?P<name>[A-Za-z][A-Za-z0-9]*;)?",
    re.DOTALL,
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def xml_safe(text: str) -> str:
    r"""Return text that any XML parser reads: no control characters, no half of a surrogate pair, lines end in \n.

    >>> xml_safe("a\x00b\r\nc\ud800")
    'ab\nc'
    """
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))[:LONGEST].strip()


def add(parent: ET.Element, tag: str, value: object, **attributes: str) -> ET.Element | None:
    """Add one element if there is a value: text, a number, or a yes or no. What is unknown is left out."""
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else xml_safe(str(value))
    if not text:
        return None
    child = ET.SubElement(parent, tag, attributes)
    child.text = text
    return child


def add_all(parent: ET.Element, tag: str, values: Iterable[str]) -> None:
    """Add an element for each value, each once."""
    for value in [*dict.fromkeys(values)][:MOST]:
        add(parent, tag, value)


def encode(root: ET.Element, ahead: str = "") -> bytes:
    """Return the file, with what stands ahead of its root."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True, insert_pis=True))  # noqa: S314 - it is our own
    whole = ET.fromstring(ET.tostring(root, encoding="unicode"), parser)  # noqa: S314 - and indenting must not change the caller's
    ET.indent(whole, "  ")
    return (_DECLARATION + ahead + ET.tostring(whole, encoding="unicode") + "\n").encode()


def decode(data: bytes, tag: str, *, notes: bool = False) -> ET.Element:
    """Read a file whose root is `tag`; what follows the root, such as the URLs Kodi allows there, is left out.

    So are comments and processing instructions, unless `notes` are wanted: their `tag` is a function of ElementTree.
    Takes UTF-8, UTF-16 with its mark, and Latin-1 as old programs wrote it; and "&" as people write it, as Kodi
    does. Raises Rejected `nfo_unreadable`.
    """
    if len(data) > MAX_BYTES:
        raise _unreadable(f"it is larger than {MAX_BYTES} bytes")
    text = _SAID.sub("", text_of(data))
    whole = _ILLEGAL.sub("", text[: _end(text, tag)])
    try:
        try:
            root = _parsed(whole, notes=notes)
        except ET.ParseError:
            root = _parsed(_BARE.sub(_escaped, whole), notes=notes)
    except (ET.ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise _unreadable(str(error) or type(error).__name__) from error
    if root.tag != tag:
        raise _unreadable(f"its root is <{root.tag}>, not <{tag}>")
    level, depth = [*root], 0
    while level:
        level, depth = [child for one in level for child in one], depth + 1
        if depth > DEEPEST:
            raise _unreadable(f"its elements are nested more than {DEEPEST} deep")
    return root


def _parsed(text: str, *, notes: bool) -> ET.Element:
    parser = XMLParser(target=ET.TreeBuilder(insert_comments=notes, insert_pis=notes), forbid_dtd=True)
    parser.feed(text)
    root: ET.Element = parser.close()
    return root


def _end(text: str, tag: str) -> int:
    """Return where the root ends: the end of the text if it is not closed apart.

    What a comment, an instruction or a CDATA section says of it closes nothing.
    """
    closing = re.compile(rf"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|(</{tag}>)", re.DOTALL)
    return max((found.end() for found in closing.finditer(text) if found[1]), default=len(text))


def _escaped(bare: re.Match[str]) -> str:
    """Return the character of an HTML name, or the sign itself, as XML has them."""
    return escape(html5.get(bare["name"] or "", bare[0])) if bare["sign"] else bare[0]


def ahead(data: bytes) -> str:
    """Return the comments and instructions ahead of the root of a file, on lines of their own."""
    found = _AHEAD.match(_ILLEGAL.sub("", _SAID.sub("", text_of(data))))
    return f"{found[1]}\n" if found and found[1] else ""


def behind(data: bytes, tag: str) -> bytes:
    """Return what stands behind the root of a file, on lines of its own, such as the URLs Kodi looks up."""
    text = text_of(data)
    rest = text[_end(text, tag) :].strip()
    return f"{rest}\n".encode() if rest else b""


def text_of(data: bytes) -> str:
    """Return the text of a file, in the encoding its first bytes say, else UTF-8, else Latin-1."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unreadable(why: str) -> Rejected:
    return Rejected(f"the NFO file cannot be read: {why}", code="nfo_unreadable")
