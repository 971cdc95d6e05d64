"""This machine's decoders → whether pictures are known by the same hashes here as anywhere else.

Run as a script, with the pid of its parent: writes how many bits differ.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from config.reasons import show_text
from daemon.finding import Finding
from scanner.tags.worker import limit_yourself

SIDE = 512  # pixels
FAR = 2  # bits in which a hash may differ from imagehash's
WALL_LIMIT = 60.0  # seconds; importing scipy from a slow disk takes most of them


def examine() -> Finding:
    """Compare hashes in a process of its own: where memory is short, OpenBLAS ends the one that imports imagehash."""
    command = [sys.executable, "-I", "-m", "daemon.doctor.pictures", str(os.getpid())]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    try:
        told = subprocess.run(command, env=one_thread, capture_output=True, timeout=WALL_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return _unknown(f"it took more than {WALL_LIMIT:.0f} s")
    except OSError as error:
        return _unknown(f"no process could be started: {error.strerror}")
    if told.returncode:
        return _unknown(_last_words(told.returncode, told.stderr))
    return judge(int(told.stdout))


def judge(bits: int) -> Finding:
    """Say what it means that so many bits of 64 differ."""
    if bits > FAR:
        message = (
            f"pictures get other hashes here than elsewhere ({bits} bits of 64); install the Pillow that is locked"
        )
        return Finding("problem", "hashes", message)
    return Finding("ok", "hashes", "pictures get the hashes they get everywhere")


def differing() -> int:
    """Hash a picture as Greenroom does, decoding little of it, and as imagehash does; return how many bits differ.

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
        return distance(phash(one, data.getvalue(), 1), str(imagehash.phash(other)))


def _unknown(why: str) -> Finding:
    message = (
        f"it cannot be seen whether pictures get the right hashes here ({why}); if memory is short or limited "
        "(ulimit -v, the container), give it 300 MB more, else install the packages that are locked"
    )
    return Finding("problem", "hashes", message)


def _last_words(status: int, told: bytes) -> str:
    if status < 0:
        return f"the process that looks was ended by {signal.Signals(-status).name}"
    lines = told.decode("utf-8", "replace").strip().splitlines()
    return show_text(lines[-1][:200]) if lines else f"the process that looks ended with {status}"


if __name__ == "__main__":
    with suppress(OSError):  # where a container has no memory left it is this one that goes, and not the daemon
        Path("/proc/self/oom_score_adj").write_text("1000")
    limit_yourself(int(sys.argv[1]))
    sys.stdout.write(str(differing()))
