"""Which pictures an admin wants: the settings of pictures, to be part of the phase's that enriches."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from config.sections import Section


def _most(default: int, title: str, what: str) -> Any:
    told = f"At most so many {what} are selected; 0: none."
    return Field(default, title=f"{title} at most", ge=0, le=50, description=told)


class Wanted(Section):
    """What is looked for among the pictures on offer."""

    fetch_provider_assets: bool = Field(
        True, description="Download pictures of providers, not only look at local ones."
    )
    auto_select_assets: bool = Field(True, description="Select the best pictures by rule; else only a person selects.")
    max_poster: int = _most(3, "Posters", "front covers of an album, or portraits of an artist,")
    max_fanart: int = _most(5, "Fanart", "backgrounds")
    max_logo: int = _most(2, "Logos", "logos")
    max_other: int = _most(1, "Other pictures", "pictures of each other type (back, disc, booklet, banner …)")
    language: str = Field("en", pattern="^[a-z]{2}$", description="Of text in pictures and about artists: two letters.")
    min_resolution: int = Field(
        720, title="Resolution at least", ge=0, le=10_000,
        description="Backgrounds whose height or width is below are refused.",
        json_schema_extra={"unit": "px"},
    )  # fmt: skip
    same_picture: int = Field(
        6, ge=0, le=16, description="Perceptual hashes that differ in at most so many bits are of one picture.",
        json_schema_extra={"unit": "bits"},
    )  # fmt: skip
    look_at: int = Field(
        8, ge=1, le=200, description="How many pictures of a type are downloaded to choose from, the most promising."
    )
    upgrade_local: bool = Field(
        False, description="Whether a provider's larger version of the very picture an album came with is selected."
    )
