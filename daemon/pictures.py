"""This machine's decoders → whether pictures are known by the same hashes here as anywhere else."""

from __future__ import annotations

import io

from daemon.finding import Finding

SIDE = 512  # pixels
FAR = 2  # bits in which a hash may differ from imagehash's


def examine() -> Finding:
    """Hash a picture as Greenroom does, decoding little of it, and as imagehash does.

    Hashes are kept, and compared with those of other machines: a decoder that reduces otherwise would make strangers of
    the same pictures.
    """
    import imagehash
    from PIL import Image

    from processor.artwork.likeness import distance
    from processor.artwork.phash import phash

    slope, ring = Image.linear_gradient("L").resize((SIDE, SIDE)), Image.radial_gradient("L").resize((SIDE, SIDE))
    data = io.BytesIO()
    Image.merge("RGB", (slope, ring, slope.rotate(90))).save(data, "JPEG", quality=90)
    with Image.open(data) as one, Image.open(data) as other:
        bits = distance(phash(one, data.getvalue(), 1), str(imagehash.phash(other)))
    if bits > FAR:
        message = (
            f"pictures get other hashes here than elsewhere ({bits} bits of 64); install the Pillow that is locked"
        )
        return Finding("problem", "hashes", message)
    return Finding("ok", "hashes", "pictures get the hashes they get everywhere")
