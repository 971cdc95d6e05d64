"""A picture → the same as a plain one: upright, sRGB, without metadata; small for a page, or whole for players."""

from __future__ import annotations

import io
from typing import Any, Final

from PIL import Image, ImageCms, ImageOps

from processor.artwork.look import opened, orientation_of

KEPT: Final = ("JPEG", "PNG")  # the formats every player knows
QUALITY: Final = 95  # of JPEG, where a picture has to be encoded anew for players
_PREVIEW_QUALITY: Final = 85
_BACKDROP: Final = (128, 128, 128)  # both white and black logos are seen on it
_SRGB: Final = ImageCms.createProfile("sRGB")


def preview(data: bytes, side: int) -> bytes:
    """Return a JPEG that fits into a square of `side` pixels. Raises Refused."""
    with opened(data) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side), reducing_gap=3.0)
        plain = _without_alpha(_upright(image))
        return _encoded(plain, "JPEG", quality=_PREVIEW_QUALITY, optimize=True)


def plain(data: bytes) -> tuple[bytes, str]:
    """Return what players are given, and its extension: the very bytes, if they are an upright JPEG or PNG.

    Others are encoded anew: JPEG, or PNG if something of them is transparent. Raises Refused.
    """
    with opened(data) as image:
        extension = "png" if image.format == "PNG" else "jpg"
        if image.format in KEPT and orientation_of(image) == 1:
            return data, extension
        shown = _upright(image)
        if shown.has_transparency_data:
            return _encoded(shown.convert("RGBA"), "PNG", optimize=True), "png"
        return _encoded(shown.convert("RGB"), "JPEG", quality=QUALITY, subsampling=0), "jpg"


def _upright(image: Image.Image) -> Image.Image:
    """Return it turned as EXIF says and in sRGB; a profile that cannot be used is ignored, as players do."""
    profile = image.info.get("icc_profile")
    turned: Any = _shallow(ImageOps.exif_transpose(image))
    if not profile or turned.mode not in ("RGB", "L"):
        return turned  # type: ignore[no-any-return]
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(turned, source, _SRGB, outputMode="RGB") or turned
    except (ImageCms.PyCMSError, OSError, ValueError):
        return turned  # type: ignore[no-any-return]


def _shallow(image: Image.Image) -> Image.Image:
    """Return 16 bits of grey as 8, of which a conversion would cut off all that is brighter than 255."""
    if image.mode != "I;16":
        return image
    image.info.pop("transparency", None)  # a shade of the 16 bits
    return image.point(lambda shade: shade * (1 / 256)).convert("L")


def _without_alpha(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    whole = image.convert("RGBA")
    backdrop = Image.new("RGBA", whole.size, (*_BACKDROP, 255))
    return Image.alpha_composite(backdrop, whole).convert("RGB")


def _encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Encode pixels only: a new image carries nothing of what the old one had beside them."""
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    out = io.BytesIO()
    bare.save(out, format, **options)
    return out.getvalue()
