"""JSON of strangers → values of the type wanted, or None: models that survive nulls, wrong types, missing keys.

And the fields documents hold, of what is known.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from processor.metadata.documents import only_known
from processor.metadata.fields import LONGEST_TEXT, clean, mbid

LONGEST: Final = 1000  # characters of a text
MOST: Final = 1000  # entries of a list

_BREAKS = re.compile(r"\r\n?")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class Lenient(BaseModel):
    """A part of an answer; every field has a default, and none of them ever fails."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)  # most commands read no answer

    @classmethod
    def of(cls, answer: Any) -> Self:
        """Return what an answer says: nothing, if it is no object."""
        return cls.model_validate(_some(answer))


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    plain = "".join(c if c.isprintable() else " " for c in value[: 4 * LONGEST].encode("utf-8", "replace").decode())
    return " ".join(plain.split())[:LONGEST] or None


def _join(value: Any) -> str:
    return "".join(c if c.isprintable() else " " for c in value[:LONGEST]) if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    found = _decimal(value)
    return None if found is None or not 0 <= int(found) < 1 << 31 else int(found)


def _decimal(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def paragraphs(value: Any) -> str | None:
    """Return a text of any number of lines."""
    if not isinstance(value, str):
        return None
    return clean(_BREAKS.sub("\n", value))[:LONGEST_TEXT].strip() or None


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _date(value: Any) -> str | None:
    found = _DATE.match(value) if isinstance(value, str) else None
    if found is None or found[1] == "0000":
        return None
    year, month, day = found.groups()
    if month is None or not 1 <= int(month) <= 12:
        return str(year)
    return f"{year}-{month}" if day is None or not 1 <= int(day) <= 31 else f"{year}-{month}-{day}"


def _id(value: Any) -> str | None:
    text = _text(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    return text and text[:100]


def _some(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Any]:
    return [one for one in value[:MOST] if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [text for text in map(_text, value[:MOST]) if text] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(_text)]
Join = Annotated[str, BeforeValidator(_join)]
LongText = Annotated[str | None, BeforeValidator(paragraphs)]
Number = Annotated[int | None, BeforeValidator(_number)]
Decimal = Annotated[float | None, BeforeValidator(_decimal)]
Share = Annotated[float | None, BeforeValidator(_share)]  # from 0 to 1
Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]
Date = Annotated[str | None, BeforeValidator(_date)]
Id = Annotated[str | None, BeforeValidator(_id)]  # a number or a text, as providers please
Mbid = Annotated[str | None, BeforeValidator(mbid)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]

_T = TypeVar("_T", bound=Lenient)
One = Annotated[_T, BeforeValidator(_some)]
Many = Annotated[tuple[_T, ...], BeforeValidator(_dicts)]


def underscored(value: Any, depth: int = 0) -> Any:
    """Return JSON with "_" for "-" in its keys; what is nested deeper than any answer is dropped."""
    if depth > 30:
        return None
    if isinstance(value, dict):
        return {str(name).replace("-", "_"): underscored(one, depth + 1) for name, one in value.items()}
    return [underscored(one, depth + 1) for one in value] if isinstance(value, list) else value


def named(**fields: Any) -> dict[str, Any]:
    """Return the fields that are known; of lists, the entries that are, each once."""
    return only_known({name: _each_once(value) if isinstance(value, list) else value for name, value in fields.items()})


def _each_once(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value))
