"""Opening pictures of every depth, mode and orientation, and damaged ones."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PIL
from tests.proto.image_samples import (
    FRAMES,
    LOSSY,
    ORIENTATION,
    SCENE,
    chunk,
    exif,
    file,
    opened,
    pixels,
    png,
    refused,
    scene,
)

from mmjudge.contract import EncodedImage, ItemError, PixelImage
from mmjudge.contract.image_files import open_image

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
    picture, notes = opened(file(palette, "PNG", transparency=b"\x80" * 256))
    assert notes == ["ALPHA_IGNORED"]
    np.testing.assert_array_equal(pixels(picture.convert("RGB")), pixels(palette.convert("RGB")))


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
