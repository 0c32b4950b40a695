"""Opening image files: the picture as it is, or a refusal that says why; never anything else."""

import struct
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import ImageFile, features

from mmjudge.contract import EncodedImage, ErrorCode, ItemError, PixelImage
from mmjudge.contract.image_files import MAX_PIXELS, open_image

ORIENTATION = 0x0112
HEIGHT, WIDTH = 12, 20
# Smooth, so that JPEG and WebP keep it nearly; no two of its eight orientations are alike.
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
SCENE = np.stack([COLUMNS * 12, ROWS * 20, (ROWS + COLUMNS) * 4], axis=-1).astype(np.uint8)


def refusal(call: Callable[[], object]) -> str:
    """Reason of the `ItemError` that `call` raises."""
    with pytest.raises(ItemError) as caught:
        call()
    error = caught.value.error
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert error.message
    return error.reason


def file(picture: PIL.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> tuple[PIL.Image, list[str]]:
    """Picture and codes of the notes."""
    picture, notes = open_image(EncodedImage(data))
    assert all(note.message and not note.field for note in notes)
    return picture, [note.code for note in notes]


def refused(data: bytes, max_pixels: int = MAX_PIXELS) -> str:
    return refusal(lambda: open_image(EncodedImage(data), max_pixels))


def scene(mode: str = "RGB") -> PIL.Image:
    return PIL.fromarray(SCENE).convert(mode)


def pixels(picture: PIL.Image) -> NDArray[Any]:
    return np.asarray(picture)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, *extra: bytes) -> bytes:
    """A PNG made by hand; `data` holds the filter byte and the pixels of each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *extra, packed, chunk(b"IEND", b"")]
    )


def exif(orientation: int) -> PIL.Exif:
    made = PIL.Exif()
    made[ORIENTATION] = orientation
    return made


@pytest.fixture
def decoding_forbidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forbidden(*args: object, **kwargs: object) -> None:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    monkeypatch.setattr(PIL, "_getdecoder", forbidden)
    yield


# Whole files

LOSSLESS = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
]
LOSSY: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95}),
    ("JPEG", {"quality": 95, "progressive": True}),
    ("WEBP", {"quality": 95}),
]
PIL.init()
if "AVIF" in PIL.OPEN and features.check("avif"):
    LOSSY.append(("AVIF", {}))


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


def _frames(kind: str, mode: str) -> bytes:
    later = scene().rotate(180).convert(mode)
    return file(scene(mode), kind, save_all=True, append_images=[later])


FRAMES = {
    (kind, mode): _frames(kind, mode)
    for kind, mode in [("GIF", "P"), ("PNG", "RGB"), ("WEBP", "RGB"), ("TIFF", "RGB")]
}


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


# Depths and modes


@pytest.mark.parametrize(
    ("kind", "order"), [("PNG", "<"), ("TIFF", "<"), ("TIFF", ">")], ids=["png", "tiff", "tiff-be"]
)
def test_16_bit_greys_are_scaled_not_clipped(kind: str, order: str) -> None:
    values = np.concatenate([np.arange(256) * 257, [32896, 128, 129, 65406, 65407]])
    picture = PIL.fromarray(values.astype(f"{order}u2").reshape(9, 29))
    result, notes = opened(file(picture, kind))
    assert (result.mode, notes) == ("L", [])
    expected = [*range(256), 128, 0, 1, 254, 255]
    assert pixels(result).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("colour", "mode"), [(2, "RGB"), (4, "RGBA"), (6, "RGBA")], ids=["RGB", "LA", "RGBA"]
)
def test_16_bit_colours_are_scaled_not_clipped(colour: int, mode: str) -> None:
    samples = {2: 3, 4: 2, 6: 4}[colour]
    values = np.repeat([0, 257, 32896, 65535], samples).astype(">u2")
    picture, _ = opened(png(4, 1, 16, colour, b"\0" + values.tobytes()))
    assert picture.mode == mode
    assert pixels(picture)[0].tolist() == [[k] * len(mode) for k in (0, 1, 128, 255)]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_modes_are_refused(mode: str) -> None:
    assert refused(file(PIL.new(mode, (3, 2)), "TIFF")) == "IMAGE_MODE"


# Alpha


def test_alpha_that_is_not_opaque_is_noted() -> None:
    for mode in ("LA", "RGBA"):
        picture = scene(mode)
        assert opened(file(picture, "PNG"))[1] == []
        picture.putpixel((3, 3), (0,) * (len(mode) - 1) + (254,))
        assert opened(file(picture, "PNG"))[1] == ["ALPHA_IGNORED"]


def test_the_colours_under_alpha_stay() -> None:
    picture = scene("RGBA")
    picture.putalpha(0)
    result, notes = opened(file(picture, "PNG"))
    assert notes == ["ALPHA_IGNORED"]
    np.testing.assert_array_equal(pixels(result.convert("RGB")), SCENE)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_noted_if_used(kind: str) -> None:
    palette = PIL.new("P", (4, 3), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60])
    palette.putpixel((0, 0), 2)
    plain = palette.convert("RGB")
    for entry, codes in ((None, []), (0, []), (2, ["ALPHA_IGNORED"])):
        options = {} if entry is None else {"transparency": entry}
        picture, notes = opened(file(palette, kind, optimize=False, **options))
        assert (picture.mode, notes) == ("P", codes)
        if kind == "PNG":
            np.testing.assert_array_equal(pixels(picture.convert("RGBA"))[..., :3], pixels(plain))


def test_a_palette_with_alpha_by_entry_is_noted() -> None:
    palette = scene("P")
    assert opened(file(palette, "PNG", transparency=b"\xff" * 256))[1] == []
    assert opened(file(palette, "PNG", transparency=b"\x80" * 256))[1] == ["ALPHA_IGNORED"]


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (12, 0, 4)), ("I;16", 7 * 257)])
def test_a_transparent_colour_is_noted(mode: str, key: Any) -> None:
    if mode == "I;16":
        picture = PIL.fromarray(SCENE[..., 0].astype(np.uint16) * 257)
        key = 0
    else:
        picture = scene(mode)
        picture.putpixel((0, 0), key)
    assert opened(file(picture, "PNG"))[1] == []
    assert opened(file(picture, "PNG", transparency=key))[1] == ["ALPHA_IGNORED"]


# EXIF

# What a camera stores for each orientation, so that turning it upright gives the scene.
STORED = {
    1: SCENE,
    2: SCENE[:, ::-1],
    3: SCENE[::-1, ::-1],
    4: SCENE[::-1],
    5: SCENE.transpose(1, 0, 2),
    6: SCENE.transpose(1, 0, 2)[::-1],
    7: SCENE[::-1, ::-1].transpose(1, 0, 2),
    8: SCENE.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_is_turned_upright_and_noted(orientation: int, kind: str) -> None:
    stored = PIL.fromarray(np.ascontiguousarray(STORED[orientation]))
    options = {"lossless": True} if kind == "WEBP" else {}
    picture, notes = opened(file(stored, kind, exif=exif(orientation), **options))
    assert notes == ["IMAGE_ROTATED"]
    np.testing.assert_array_equal(pixels(picture), SCENE)
    assert picture.getexif().get(ORIENTATION, 1) == 1  # nobody turns it again


@pytest.mark.parametrize(("kind", "options"), LOSSY)
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photograph_is_turned_upright_and_noted(
    orientation: int, kind: str, options: dict[str, Any]
) -> None:
    stored = PIL.fromarray(np.ascontiguousarray(STORED[orientation]))
    picture, notes = opened(file(stored, kind, exif=exif(orientation), **options))
    assert notes == ["IMAGE_ROTATED"]
    assert np.abs(pixels(picture).astype(int) - SCENE).mean() < 8


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_an_upright_or_meaningless_orientation_changes_nothing(orientation: int) -> None:
    picture, notes = opened(file(scene(), "PNG", exif=exif(orientation)))
    assert notes == []
    np.testing.assert_array_equal(pixels(picture), SCENE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_unreadable_exif_changes_nothing(kind: str) -> None:
    data = file(scene(), kind, lossless=True, exif=b"Exif\0\0no EXIF at all")
    picture, notes = opened(data)
    assert notes == []
    np.testing.assert_array_equal(pixels(picture), SCENE)


def test_a_turned_16_bit_grey_is_turned_and_scaled() -> None:
    grey = SCENE[..., 0]
    stored = np.ascontiguousarray(grey.T[::-1]).astype(np.uint16) * 257
    picture, notes = opened(file(PIL.fromarray(stored), "PNG", exif=exif(6)))
    assert (picture.mode, notes) == ("L", ["IMAGE_ROTATED"])
    np.testing.assert_array_equal(pixels(picture), grey)


# Raw pixels


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::-1], np.s_[:, ::2], np.s_[..., ::-1]])
def test_raw_pixels_open_as_they_are(view: Any) -> None:
    raw = SCENE[view].copy()[::1]
    raw.flags.writeable = False
    picture, notes = open_image(PixelImage(raw))
    assert (picture.mode, notes) == ("RGB", ())
    np.testing.assert_array_equal(pixels(picture), raw)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u2", "i1", "?"])
def test_raw_pixels_other_than_uint8_are_a_type_error(dtype: str) -> None:
    with pytest.raises(TypeError, match="expected uint8: floats in"):
        PixelImage(SCENE.astype(dtype))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 4, 1), (3, 4, 4), (1, 4, 4, 3), ()])
def test_raw_pixels_of_another_shape_are_a_value_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[height, width, 3\]"):
        PixelImage(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0, 3)])
def test_raw_pixels_must_be_there(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="has no pixels"):
        PixelImage(np.zeros(shape, np.uint8))


# Anything at all

SEEDS = [
    file(scene(), "PNG", exif=exif(6)),
    file(scene("P"), "PNG", transparency=b"\1\2\3"),
    png(4, 1, 16, 0, bytes(9), chunk(b"tRNS", b"\1\1"), chunk(b"gAMA", b"\0\0\0\1")),
    file(scene(), "JPEG", exif=exif(6)),
    file(scene("CMYK"), "JPEG", progressive=True),
    file(scene(), "MPO", save_all=True, append_images=[scene()]),
    file(scene(), "WEBP", exif=exif(6)),
    file(scene("RGBA"), "WEBP", lossless=True),
    file(scene("P"), "GIF", transparency=3),
    FRAMES["GIF", "P"],
    file(scene(), "TIFF", exif=exif(6)),
    file(scene(), "TIFF", compression="tiff_lzw"),
    file(scene(), "TIFF", compression="jpeg"),
    file(scene("P"), "BMP"),
]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A valid file with bytes changed, cut or put in, most of them near its head."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        reach = draw(st.sampled_from([64, 200, len(data)]))
        at = draw(st.integers(0, min(reach, len(data)) - 1))
        size = draw(st.integers(0, 8))
        data[at : at + size] = draw(st.binary(max_size=8))
        if not data:
            break
    if data.startswith(b"\x89PNG") and draw(st.booleans()):
        return repaired(bytes(data))
    return bytes(data)


def repaired(data: bytes) -> bytes:
    """The PNG with right checksums, so that damage reaches what they protect."""
    at, parts = 8, [data[:8]]
    while len(head := data[at : at + 8]) == 8:
        size = int.from_bytes(head[:4], "big")
        parts.append(chunk(head[4:], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(parts)


@pytest.mark.parametrize("warned", ["error", "ignore"])
@given(data=damaged_files())
@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_opens_or_is_refused(data: bytes, warned: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(warned)  # PIL warns of some damage; servers do not make that an error
        try:
            picture, _ = open_image(EncodedImage(data))
        except ItemError as error:
            assert error.error.reason.startswith("IMAGE_")
        else:
            warnings.simplefilter("ignore")  # a judge's own conversion may warn of alpha
            assert picture.convert("RGB").size == picture.size


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_undecodable(data: bytes) -> None:
    assert refused(data) == "IMAGE_UNDECODABLE"
