"""Looking at pictures in limited processes: what they are, hashes as imagehash makes them, and everything hostile."""

from __future__ import annotations

import io
import os
import resource
import signal
import threading
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from blake3 import blake3
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from config.errors import GreenroomError, Rejected
from processor.artwork.likeness import ALGORITHM, distance
from processor.artwork.pool import PicturePool
from processor.artwork.wire import Listed, Made, Seen, Task
from tests.music import write_track
from tests.pictures import claiming, encoded, jpeg, photo, png_bomb, rotated, servers, workers


def look(pool: PicturePool, folder: Path, data: bytes) -> Seen:
    seen: Seen = ask(pool, Task("look", stored(folder, data)))
    return seen


def ask(pool: PicturePool, task: Task) -> Any:
    return pool.ask(task)


def stored(folder: Path, data: bytes) -> bytes:
    path = folder / "picture"
    path.write_bytes(data)
    return os.fsencode(path)


def why_not(pool: PicturePool, folder: Path, data: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        look(pool, folder, data)
    assert str(refused.value).endswith(".")
    return refused.value.reason_code


def plain_hash(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return str(imagehash.phash(ImageOps.exif_transpose(image)))


PICTURES = {
    **{f"jpeg-{width}": jpeg(width, width) for width in (64, 100, 127, 333, 640, 1001)},
    **{f"progressive-{width}": jpeg(width, width, progressive=True) for width in (129, 511, 512, 777, 1500)},
    **{f"quality-{q}": jpeg(q, 700, 500, quality=q, progressive=q % 2 == 0) for q in (20, 45, 70, 95)},
    "wide": jpeg(1, 1600, 300, progressive=True),
    "tall": jpeg(2, 300, 1700),
    "full-colour": jpeg(3, 900, subsampling=0, progressive=True),
    "grey": encoded(photo(4).convert("L"), progressive=True),
    "restarts": jpeg(5, 900, restart_marker_blocks=3),
    "flat": encoded(Image.new("RGB", (600, 600), (12, 99, 200)), progressive=True),
    "ramp": encoded(Image.linear_gradient("L").resize((800, 800))),
    "faint": encoded(photo(0).point(lambda value: 120 + value * 0.02)),
    "faint-progressive": encoded(photo(0).point(lambda value: 120 + value * 0.02), progressive=True),
    "png": encoded(photo(6), "PNG"),
    "palette": encoded(photo(7).convert("P"), "PNG"),
    "alpha": encoded(photo(8).convert("RGBA"), "PNG"),
    "deep": encoded(photo(9).convert("I;16"), "PNG"),
    "webp": encoded(photo(10), "WEBP"),
    "gif": encoded(photo(11), "GIF"),
    "upside-down": rotated(12, 3),
    "on-its-side": rotated(13, 6),
    "on-its-other-side": rotated(14, 8),
    "one-pixel": encoded(Image.new("RGB", (1, 1))),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_hash_is_within_two_bits_of_plain_imagehash(pool: PicturePool, tmp_path: Path, name: str) -> None:
    data = PICTURES[name]
    seen = look(pool, tmp_path, data)
    with Image.open(io.BytesIO(data)) as image:
        shown = ImageOps.exif_transpose(image)
        assert (seen.width, seen.height) == shown.size
        assert seen.format == str(image.format).lower()
    assert distance(seen.phash, plain_hash(data)) <= 2
    assert (seen.content, seen.size, seen.algorithm) == (blake3(data).hexdigest(), len(data), ALGORITHM)


@pytest.mark.parametrize("width", [100, 800, 1600])
@pytest.mark.parametrize("is_progressive", [False, True])
def test_a_photograph_with_a_second_picture_behind_it_is_the_first_as_players_show_it(
    pool: PicturePool, tmp_path: Path, width: int, is_progressive: bool
) -> None:
    behind = [photo(16, 200)]  # as phones and cameras put one there (MPO), for depth or brighter lights
    data = encoded(photo(15, width), "MPO", save_all=True, append_images=behind, progressive=is_progressive)
    seen = look(pool, tmp_path, data)
    assert (seen.format, seen.width, seen.height) == ("jpeg", width, width)
    assert distance(seen.phash, plain_hash(data)) <= 2
    made = ask(pool, Task("plain", stored(tmp_path, data)))
    assert (made.extension, made.data) == ("jpg", data)


def test_many_photographs_get_the_hash_of_plain_imagehash(pool: PicturePool, tmp_path: Path) -> None:
    files = {tmp_path / str(n): jpeg(n, 300 + 71 * n, progressive=n % 2 == 0, quality=60 + n) for n in range(16)}
    for path, data in files.items():
        path.write_bytes(data)
    found = pool.each(Task("look", os.fsencode(path)) for path in files)
    apart = [distance(seen.phash, plain_hash(data)) for (_, seen), data in zip(found, files.values(), strict=True)]
    assert max(apart) <= 2
    assert sum(bits == 0 for bits in apart) > len(apart) / 2


def test_the_same_picture_in_another_size_and_format_has_nearly_the_same_hash(
    pool: PicturePool, tmp_path: Path
) -> None:
    whole = photo(20, 1200)
    others = [encoded(whole.resize((400, 400))), encoded(whole, "PNG"), encoded(whole, progressive=True, quality=60)]
    hashes = [look(pool, tmp_path, data).phash for data in (encoded(whole), *others)]
    assert all(distance(hashes[0], other) <= 4 for other in hashes[1:])
    assert distance(hashes[0], look(pool, tmp_path, jpeg(21)).phash) > 12


HOSTILE = {
    "no bytes": (b"", "empty_file"),
    "text": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not_a_picture"),
    "bmp": (encoded(photo(1, 100), "BMP"), "not_a_picture"),
    "tiff": (encoded(photo(1, 100), "TIFF"), "not_a_picture"),
    "a cut end": (jpeg(1)[:-2000], "unreadable_picture"),
    "a cut end, progressive": (jpeg(1, progressive=True)[:-2000], "unreadable_picture"),
    "a head alone": (jpeg(1)[:400], "unreadable_picture"),
    "a cut end, png": (encoded(photo(1), "PNG")[:-5000], "unreadable_picture"),
    "printing inks": (encoded(photo(1).convert("CMYK")), "cmyk"),
    "moving": (encoded(photo(1, 60), "GIF", save_all=True, append_images=[photo(2, 60)]), "animated"),
    "moving webp": (encoded(photo(1, 60), "WEBP", save_all=True, append_images=[photo(2, 60)]), "animated"),
    "a bomb": (png_bomb(7_000), "picture_too_large"),
    "a smaller bomb": (png_bomb(5_001), "picture_too_large"),
    "a long side": (encoded(Image.new("L", (10_001, 2))), "picture_too_large"),
    "a claim": (claiming(jpeg(1), 60_000, 60_000), "picture_too_large"),
    "a progressive claim": (claiming(jpeg(1, progressive=True), 5_100, 5_000), "picture_too_large"),
    "many bytes": (jpeg(1) + bytes(20_000_000), "picture_too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_usable_picture_is_refused_with_the_reason(pool: PicturePool, tmp_path: Path, name: str) -> None:
    data, code = HOSTILE[name]
    assert why_not(pool, tmp_path, data) == code


def test_the_largest_that_is_looked_at_fits_into_the_memory_of_the_process(pool: PicturePool, tmp_path: Path) -> None:
    largest = Image.new("RGBA", (5_000, 5_000), (1, 2, 3, 4))
    for data in (encoded(largest, "PNG", compress_level=1), encoded(largest, "WEBP", method=0)):
        assert look(pool, tmp_path, data).width == 5_000
        assert ask(pool, Task("preview", stored(tmp_path, data), side=200)).extension == "jpg"


def test_what_is_no_plain_file_is_not_read(pool: PicturePool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    codes = []
    for name in ("fifo", ".", "link", "nothing"):
        with pytest.raises(Rejected) as refused:
            pool.ask(Task("look", os.fsencode(tmp_path / name)))
        codes.append(refused.value.reason_code)
    assert codes == ["not_a_regular_file", "not_a_regular_file", "io_error", "io_error"]


def test_a_process_that_dies_costs_one_picture_its_turn_and_no_other(tmp_path: Path) -> None:
    others = workers()
    pool = PicturePool(1)
    task = Task("look", stored(tmp_path, jpeg(1)))
    try:
        pool.ask(task)
        (worker,) = workers() - others
        os.kill(worker, signal.SIGSTOP)
        futures = [pool.submit(task) for _ in range(3)]
        while len(pool._waiting) == len(futures):
            pass  # the first is on its way to the process soon
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(Rejected) as died:
            futures[0].result()
        assert died.value.reason_code == "reader_killed"
        assert [future.result().width for future in futures[1:]] == [800, 800]
    finally:
        pool.close()


def test_however_many_processes_die_the_server_of_the_last_is_all_that_is_kept(tmp_path: Path) -> None:
    others, before = workers(), servers()
    pool = PicturePool(1)
    task = Task("look", stored(tmp_path, jpeg(1)))
    try:
        for _ in range(3):
            assert pool.ask(task).width == 800
            (worker,) = workers() - others
            os.kill(worker, signal.SIGKILL)
            pool.submit(task).exception(timeout=30)  # whether it died for this one or before
        assert pool.ask(task).width == 800
        assert len(servers() - before) <= 1
    finally:
        pool.close()


def test_nobody_waits_for_an_answer_when_no_other_process_can_be_started(tmp_path: Path) -> None:
    others, limits = workers(), resource.getrlimit(resource.RLIMIT_NOFILE)
    pool = PicturePool(1)
    task = Task("look", stored(tmp_path, jpeg(1)))
    try:
        pool.ask(task)
        (worker,) = workers() - others
        os.kill(worker, signal.SIGSTOP)
        futures = [pool.submit(task) for _ in range(3)]
        while len(pool._waiting) > 1:
            pass  # two are on their way to the process soon
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        os.kill(worker, signal.SIGKILL)
        died = [future.exception(timeout=30) for future in futures]
        assert [one.reason_code for one in died if isinstance(one, GreenroomError)] == [
            "reader_killed",
            *["picture_reader_unavailable"] * 2,
        ]
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert pool.ask(task).width == 800
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        pool.close()


def test_a_process_that_hangs_is_ended(tmp_path: Path) -> None:
    others = workers()
    pool = PicturePool(1, wall_limit=4)
    task = Task("look", stored(tmp_path, jpeg(1)))
    try:
        pool.ask(task)
        (worker,) = workers() - others
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(Rejected) as hung:
            pool.ask(task)
        assert hung.value.reason_code == "reader_timeout"
        assert worker not in workers()
    finally:
        pool.close()


def test_processes_go_when_idle_and_come_back(tmp_path: Path) -> None:
    pool = PicturePool(2, idle=0.01)
    path = stored(tmp_path, jpeg(1))
    try:
        assert pool.ask(Task("look", path)).width == 800
        thread = next((one for one in threading.enumerate() if one.name == "pictures" and one is pool._thread), None)
        if thread is not None:
            thread.join()
        assert pool._thread is None
        assert pool.ask(Task("look", path)).width == 800
    finally:
        pool.close()


@pytest.mark.parametrize("extension", ["mp3", "flac", "m4a", "ogg", "opus", "wma", "aiff", "ape"])
def test_the_pictures_in_tags_come_out_as_they_went_in(pool: PicturePool, tmp_path: Path, extension: str) -> None:
    data = jpeg(1, 320)
    path = write_track(tmp_path / f"a.{extension}", title="t", picture=(data, "image/jpeg"))
    task = Task("list", os.fsencode(path))
    assert ask(pool, task) == [Listed(3, blake3(data).hexdigest(), len(data))]
    taken: Made = ask(pool, task._replace(op="take", which=blake3(data).hexdigest()))
    assert taken.data == data


@pytest.mark.parametrize("extension", ["mp3", "flac", "ogg", "opus"])
def test_a_link_in_the_place_of_a_picture_is_none(pool: PicturePool, tmp_path: Path, extension: str) -> None:
    link, data = (b"http://example.org/x.jpg", "-->"), jpeg(1, 320)
    path = write_track(tmp_path / f"a.{extension}", title="t", pictures=[link, (data, "image/jpeg", 0)])
    assert [one.type for one in ask(pool, Task("list", os.fsencode(path)))] == [0]


def test_a_picture_that_is_not_in_the_tags_any_more_is_refused(pool: PicturePool, tmp_path: Path) -> None:
    path = write_track(tmp_path / "a.flac", title="t")
    assert ask(pool, Task("list", os.fsencode(path))) == []
    with pytest.raises(Rejected, match="not in the tags"):
        pool.ask(Task("take", os.fsencode(path), which="0" * 64))


def test_a_preview_is_small_upright_and_says_nothing_of_where_it_was_taken(pool: PicturePool, tmp_path: Path) -> None:
    data = rotated(1, 6, 800, 400)
    made: Made = ask(pool, Task("preview", stored(tmp_path, data), side=200))
    with Image.open(io.BytesIO(made.data)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (200, 100), {})
    assert b"where I live" in data
    assert b"where I live" not in made.data
    assert distance(look(pool, tmp_path, made.data).phash, look(pool, tmp_path, data).phash) <= 4


def test_players_are_given_the_very_bytes_of_a_jpeg_or_png_and_others_made_anew(
    pool: PicturePool, tmp_path: Path
) -> None:
    def plain(data: bytes) -> Made:
        made: Made = ask(pool, Task("plain", stored(tmp_path, data)))
        return made

    for data, extension in ((jpeg(1), "jpg"), (encoded(photo(1), "PNG"), "png")):
        assert plain(data) == Made(extension, data)
    assert plain(encoded(photo(1), "WEBP")).extension == "jpg"
    assert plain(encoded(photo(1).convert("RGBA"), "WEBP")).extension in ("jpg", "png")
    turned = plain(rotated(1, 6))
    with Image.open(io.BytesIO(turned.data)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (800, 600), {})


@pytest.mark.parametrize("stored_as", ["RGB", "L", "LA", "P", "1", "I;16"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_whatever_the_depth_of_its_pixels_what_is_shown_is_the_picture(
    pool: PicturePool, tmp_path: Path, stored_as: str, orientation: int
) -> None:
    """Scanners save 16 bits of grey, of which Pillow cuts off what is brighter than the 8 bits it is asked for."""
    whole = photo(3, 200).convert("L")
    shown = whole.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else whole
    deep = Image.fromarray(np.asarray(shown, np.uint16) * 257) if stored_as == "I;16" else shown.convert(stored_as)
    assert deep.mode == stored_as
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = stored(tmp_path, encoded(deep, "PNG", exif=exif))
    for task in (Task("preview", path, side=200), *([Task("plain", path)] if orientation != 1 else [])):
        made: Made = ask(pool, task)
        with Image.open(io.BytesIO(made.data)) as image:
            seen = [one.convert("L").resize((10, 10), Image.Resampling.BOX) for one in (image, whole)]
            assert ImageStat.Stat(ImageChops.difference(*seen)).mean[0] < 5


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"nonsense"])
def test_a_colour_profile_is_used_and_not_passed_on_and_a_broken_one_is_ignored(
    pool: PicturePool, tmp_path: Path, profile: bytes
) -> None:
    whole = photo(1, 400)
    path = stored(tmp_path, encoded(whole, "WEBP", icc_profile=profile, lossless=True))
    for task in (Task("plain", path), Task("preview", path, side=400)):
        made: Made = ask(pool, task)
        with Image.open(io.BytesIO(made.data)) as image:
            assert "icc_profile" not in image.info
            apart = ImageStat.Stat(ImageChops.difference(image.convert("RGB"), whole)).mean
            assert max(apart) < 5
