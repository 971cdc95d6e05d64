"""What pydantic finds wrong with a value → what it must be, in the words of people."""

from __future__ import annotations

from pydantic_core import ErrorDetails

_MUST: dict[str, str] = {
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "missing": "has to be given",
    "model_attributes_type": "must be a JSON object, sent as application/json",
    "extra_forbidden": "nothing of that name is known",
}


def what_is_wrong(problem: ErrorDetails) -> str:
    """Return what a value must be; validators of our own say it well, pydantic's speak to programmers."""
    said = problem["msg"].removeprefix("Value error, ")
    return _MUST.get(problem["type"]) or said.replace("Input should be", "must be")
