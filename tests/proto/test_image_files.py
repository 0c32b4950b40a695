"""Opening image files: the picture as it is, or a refusal that says why; never anything else."""

import struct
import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL
from tests.proto.image_samples import (
    FRAMES,
    HEIGHT,
    LOSSY,
    SCENE,
    WIDTH,
    file,
    opened,
    pixels,
    png,
    refusal,
    refused,
    scene,
)

from mmjudge.contract import EncodedImage, ItemError, PixelImage
from mmjudge.contract.image_files import open_image

# Whole files

LOSSLESS = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_lossless_files_open_exactly(kind: str, options: dict[str, Any]) -> None:
    picture, notes = opened(file(scene(), kind, **options))
    assert (picture.mode, notes) == ("RGB", [])
    np.testing.assert_array_equal(pixels(picture), SCENE)


@pytest.mark.parametrize(("kind", "options"), LOSSY)
def test_lossy_files_open_nearly(kind: str, options: dict[str, Any]) -> None:
    picture, notes = opened(file(scene(), kind, **options))
    assert (picture.mode, notes) == ("RGB", [])
    assert np.abs(pixels(picture).astype(int) - SCENE).mean() < 8


def test_a_gif_of_one_frame_opens() -> None:
    picture, notes = opened(file(scene("P"), "GIF"))
    assert notes == []
    np.testing.assert_array_equal(pixels(picture.convert("RGB")), pixels(scene("P").convert("RGB")))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_the_mode_stays_the_files_own(mode: str) -> None:
    picture, _ = opened(file(scene(mode), "PNG"))
    assert picture.mode == mode
    np.testing.assert_array_equal(
        pixels(picture.convert("RGBA")), pixels(scene(mode).convert("RGBA"))
    )


def test_a_cmyk_jpeg_stays_cmyk_and_converts() -> None:
    picture, notes = opened(file(scene("CMYK"), "JPEG", quality=95))
    assert (picture.mode, notes) == ("CMYK", [])
    assert np.abs(pixels(picture.convert("RGB")).astype(int) - SCENE).mean() < 16


def test_an_mpo_opens_as_its_first_frame() -> None:
    photo, preview = scene(), PIL.new("RGB", (8, 8), "red")
    data = file(photo, "MPO", save_all=True, append_images=[preview])
    with PIL.open(BytesIO(data)) as check:
        assert (check.format, getattr(check, "n_frames", 1)) == ("MPO", 2)
    picture, notes = opened(data)
    assert (picture.size, notes) == (photo.size, [])
    np.testing.assert_array_equal(pixels(picture), pixels(PIL.open(BytesIO(data))))


# Files that hold no one picture


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\x04\0\0\0WEBP",
        b"II*\0",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        bytes(1000),
    ],
)
def test_bytes_that_are_no_picture_are_undecodable(data: bytes) -> None:
    assert refused(data) == "IMAGE_UNDECODABLE"


def test_no_bytes_are_empty() -> None:
    assert refused(b"") == "IMAGE_EMPTY"


def icon(picture: bytes) -> bytes:
    """An ICO that says 16 x 16, whatever picture is in it."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(picture), 22) + picture


@pytest.mark.parametrize(
    "data",
    [
        icon(png(16, 16, 8, 0, bytes(17 * 16))),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n",
        b"P3 1 1 255 0 0 0",
        file(scene(), "TGA"),
    ],
    ids=["ICO", "EPS", "PPM", "TGA"],
)
@pytest.mark.usefixtures("decoding_forbidden")
def test_formats_that_are_not_safe_to_open_are_undecodable(data: bytes) -> None:
    with pytest.raises(ItemError, match="unknown format, expected one of AVIF, BMP") as caught:
        open_image(EncodedImage(data))
    assert caught.value.error.reason == "IMAGE_UNDECODABLE"


@pytest.mark.parametrize(("kind", "options"), [*LOSSLESS, *LOSSY, ("GIF", {})])
def test_a_truncated_file_is_undecodable_unless_no_pixel_is_lost(
    kind: str, options: dict[str, Any]
) -> None:
    data = file(scene("P" if kind == "GIF" else "RGB"), kind, **options)
    whole = pixels(opened(data)[0])
    for size in {*range(1, len(data), 7), *range(len(data) - 24, len(data))}:
        try:
            picture, _ = opened(data[:size])
        except ItemError as error:
            assert error.error.reason == "IMAGE_UNDECODABLE"
        else:
            assert size > len(data) - 24
            np.testing.assert_array_equal(pixels(picture), whole)


def test_a_png_with_a_wrong_checksum_is_undecodable() -> None:
    data = bytearray(file(scene(), "PNG"))
    data[data.index(b"IDAT") + 10] ^= 1
    assert refused(bytes(data)) == "IMAGE_UNDECODABLE"


@pytest.mark.parametrize(
    ("kind", "mode"), [("GIF", "P"), ("PNG", "RGB"), ("WEBP", "RGB"), ("TIFF", "RGB")]
)
@pytest.mark.usefixtures("decoding_forbidden")
def test_several_frames_are_refused_before_decoding(kind: str, mode: str) -> None:
    with pytest.raises(ItemError, match=f"^{kind} of several frames") as caught:
        open_image(EncodedImage(FRAMES[kind, mode]))
    assert caught.value.error.reason == "IMAGE_ANIMATED"


def tiff_pages(count: int) -> bytes:
    """A TIFF of `count` grey pages of one pixel."""
    tags = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 1, 277: 1, 278: 1, 279: 1}
    size = 2 + 12 * len(tags) + 4
    pages = []
    for page in range(1, count + 1):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags)
        following = 8 + page * size if page < count else 0
        pages.append(struct.pack("<H", len(tags)) + entries + struct.pack("<I", following))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(pages)


def test_a_file_of_very_many_frames_is_refused_at_once() -> None:
    assert opened(tiff_pages(1))[0].size == (1, 1)
    data = tiff_pages(20_000)
    start = time.perf_counter()
    assert refused(data) == "IMAGE_ANIMATED"
    assert time.perf_counter() - start < 1


# Sizes


@pytest.mark.usefixtures("decoding_forbidden")
def test_a_header_that_claims_too_many_pixels_is_refused_before_decoding() -> None:
    for side in (9_000, 10_000, 50_000, 2**31 - 1):  # below, above, far above PIL's own limits
        assert refused(png(side, side, 8, 2, b"")) == "IMAGE_TOO_LARGE"


def test_a_real_bomb_is_refused_before_decoding(decoding_forbidden: None) -> None:
    row = b"\0" + bytes(9_000 // 8)
    bomb = png(9_000, 9_000, 1, 0, row * 9_000)
    assert len(bomb) < 20_000
    assert refused(bomb) == "IMAGE_TOO_LARGE"


def test_the_callers_limit_counts_pixels() -> None:
    data = file(scene(), "PNG")
    assert open_image(EncodedImage(data), WIDTH * HEIGHT).picture.size == (WIDTH, HEIGHT)
    assert refused(data, WIDTH * HEIGHT - 1) == "IMAGE_TOO_LARGE"
    raw = PixelImage(SCENE)
    assert open_image(raw, WIDTH * HEIGHT).picture.size == (WIDTH, HEIGHT)
    assert refusal(lambda: open_image(raw, WIDTH * HEIGHT - 1)) == "IMAGE_TOO_LARGE"


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (2, 400)])
def test_small_and_long_pictures_open(size: tuple[int, int]) -> None:
    assert opened(file(PIL.new("RGB", size), "PNG"))[0].size == size
    shape = (size[1], size[0], 3)
    assert open_image(PixelImage(np.zeros(shape, np.uint8))).picture.size == size


@pytest.mark.parametrize("size", [(1, 201), (201, 1), (1, 20_000), (20_000, 1)])
def test_too_elongated_pictures_are_refused(size: tuple[int, int]) -> None:
    assert refused(file(PIL.new("RGB", size), "PNG")) == "IMAGE_TOO_ELONGATED"
    raw = PixelImage(np.zeros((size[1], size[0], 3), np.uint8))
    assert refusal(lambda: open_image(raw)) == "IMAGE_TOO_ELONGATED"


def test_a_png_without_pixels_is_undecodable() -> None:
    for size in ((0, 5), (5, 0), (0, 0)):
        assert refused(png(*size, 8, 0, b"")) == "IMAGE_UNDECODABLE"
