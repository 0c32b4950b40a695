"""Images as they are sent: digests, lossless forms of PIL pictures, all sources on the wire."""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.contract import (
    EncodedImage,
    ErrorCode,
    Image,
    ImageDigest,
    ImageUri,
    ItemError,
    PixelImage,
    image_from_pil,
)
from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import image_from_proto, image_to_proto
from mmjudge.v1 import media_pb2 as pb

ORIENTATION = 0x0112
NOISE = np.random.default_rng(0).integers(0, 256, (6, 10, 4), dtype=np.uint8)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Reason and field of the `ItemError` that `call` raises."""
    with pytest.raises(ItemError) as caught:
        call()
    error = caught.value.error
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert error.message
    return error.reason, error.field


def bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(array.tobytes(), np.uint8)


def received(message: pb.Image, max_pixels: int = 1000) -> Image:
    data = message.SerializeToString()
    return image_from_proto(pb.Image.FromString(data), field="x", max_pixels=max_pixels)


def tensor(dtype: str, shape: list[int], data: bytes) -> pb.Tensor:
    return pb.Tensor(dtype=f"DATA_TYPE_{dtype}", shape=shape, data=data)


# Digests


def test_a_files_digest_is_the_sha256_of_its_bytes() -> None:
    assert EncodedImage(b"abc").digest == sha256(b"abc").digest()


def test_equal_pixels_have_equal_digests_in_any_layout() -> None:
    rgb = NOISE[..., :3]
    copies = [rgb, rgb.copy(), np.asfortranarray(rgb), np.flip(np.flip(rgb, 0).copy(), 0)]
    assert len({PixelImage(copy).digest for copy in copies}) == 1


def test_other_pixels_have_another_digest() -> None:
    other = NOISE[..., :3].copy()
    other[-1, -1, -1] ^= 1
    assert PixelImage(other).digest != PixelImage(NOISE[..., :3]).digest


def test_the_shape_matters_to_the_digest() -> None:
    data = np.arange(18, dtype=np.uint8)
    shapes = [(2, 3, 3), (3, 2, 3), (1, 6, 3), (6, 1, 3)]
    assert len({PixelImage(data.reshape(shape)).digest for shape in shapes}) == 4


def test_pixels_and_a_file_of_the_same_bytes_differ() -> None:
    rgb = NOISE[..., :3]
    assert PixelImage(rgb).digest != EncodedImage(rgb.tobytes()).digest


def test_a_digest_survives_the_wire() -> None:
    for image in (EncodedImage(b"abc"), PixelImage(NOISE[..., :3])):
        back = received(image_to_proto(image))
        assert isinstance(back, EncodedImage | PixelImage)
        assert back.digest == image.digest


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_digest_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match=f"digest of {size} bytes"):
        ImageDigest(bytes(size))


# PIL pictures


def noise(mode: str) -> PIL.Image:
    """A picture of random samples; any are valid in any mode."""
    channels = len(PIL.new(mode, (1, 1)).getbands())
    if mode == "1":
        return PIL.fromarray(NOISE[..., 0]).convert("1")
    if mode in ("I", "F", "I;16", "I;16B", "I;16L"):
        size = 2 if mode.startswith("I;") else 4
        values = np.arange(60, dtype=f"f{size}" if mode == "F" else f"u{size}") * 1000
        return PIL.frombytes(mode, (10, 6), values.tobytes())
    picture = PIL.frombytes(mode, (10, 6), NOISE[..., :channels].tobytes())
    if mode in ("P", "PA"):
        picture.putpalette(bytes(range(256)) * 3)
    return picture


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F"]
DEEP_MODES = ["I;16", "I;16B", "I;16L"]


def reopened(image: EncodedImage | PixelImage) -> PIL.Image:
    assert isinstance(image, EncodedImage)
    return PIL.open(BytesIO(image.data))


@pytest.mark.parametrize("mode", [m for m in MODES if m != "RGB"])
def test_every_mode_travels_losslessly(mode: str) -> None:
    picture = noise(mode)
    back = reopened(image_from_pil(picture))
    assert (back.mode, back.size) == (mode, picture.size)
    assert back.tobytes() == picture.tobytes()
    assert back.getpalette() == picture.getpalette()
    assert back.info.get("transparency") is None


@pytest.mark.parametrize("mode", DEEP_MODES)
def test_every_16_bit_grey_travels_losslessly(mode: str) -> None:
    picture = noise(mode)
    np.testing.assert_array_equal(np.asarray(reopened(image_from_pil(picture))), picture)


def test_rgb_travels_as_its_pixels() -> None:
    image = image_from_pil(noise("RGB"))
    assert isinstance(image, PixelImage)
    np.testing.assert_array_equal(image.pixels, noise("RGB"))


def test_padding_is_not_a_pixel() -> None:
    picture = noise("RGBX")
    np.testing.assert_array_equal(
        np.asarray(reopened(image_from_pil(picture)).convert("RGB")), NOISE[..., :3]
    )


@pytest.mark.parametrize("mode", ["HSV", "La", "RGBa"])
def test_a_mode_that_would_be_changed_is_refused(mode: str) -> None:
    with pytest.raises(OSError, match=f"cannot write mode {mode}"):
        image_from_pil(noise(mode))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_a_picture_from_a_jpeg_in_a_tiff_is_not_made_a_jpeg_again(mode: str) -> None:
    file = BytesIO()
    noise("RGB" if mode == "YCbCr" else mode).save(file, "TIFF", compression="jpeg")
    picture = PIL.open(file).convert(mode)
    assert picture.info["compression"] == "jpeg"
    assert reopened(image_from_pil(picture)).tobytes() == picture.tobytes()


@pytest.mark.parametrize("transparency", [3, bytes(range(256))])
def test_a_palettes_transparency_travels(transparency: int | bytes) -> None:
    picture = noise("P")
    picture.info["transparency"] = transparency
    back = reopened(image_from_pil(picture))
    np.testing.assert_array_equal(back.convert("RGBA"), picture.convert("RGBA"))


def oriented(mode: str, kind: str, orientation: int) -> PIL.Image:
    exif = PIL.Exif()
    exif[ORIENTATION] = orientation
    file = BytesIO()
    noise(mode).save(file, kind, exif=exif)
    return PIL.open(file)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "PNG"), ("L", "PNG"), ("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "TIFF")],
)
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("loaded", [False, True])
def test_the_orientation_is_applied_once(
    mode: str, kind: str, orientation: int, loaded: bool
) -> None:
    picture = oriented(mode, kind, orientation)
    assert picture.fp is not None  # type: ignore[attr-defined]
    expected = open_image(EncodedImage(picture.fp.getvalue()))  # type: ignore[attr-defined]
    if loaded:
        picture.load()
    sent = image_from_pil(picture)
    assert not isinstance(sent, ImageUri | ImageDigest)
    shown = open_image(sent)
    assert shown.picture.size == expected.picture.size
    np.testing.assert_array_equal(np.asarray(shown.picture), np.asarray(expected.picture))
    if kind != "TIFF":  # PIL itself turns those when it loads them
        assert shown.notes == expected.notes
        assert bool(shown.notes) == (orientation != 1)


def test_an_opened_picture_can_be_sent_on_without_turning_again() -> None:
    for mode, kind in (("RGB", "PNG"), ("L", "PNG"), ("CMYK", "JPEG")):
        file = oriented(mode, kind, 6).fp.getvalue()  # type: ignore[attr-defined]
        first = open_image(EncodedImage(file)).picture
        second = open_image(image_from_pil(first))
        assert second.notes == ()
        np.testing.assert_array_equal(np.asarray(second.picture), np.asarray(first))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_unreadable_exif_does_not_matter(mode: str) -> None:
    file = BytesIO()
    noise(mode).save(file, "PNG", exif=b"Exif\0\0no EXIF at all")
    image = image_from_pil(PIL.open(file))
    assert not isinstance(image, ImageUri | ImageDigest)
    np.testing.assert_array_equal(np.asarray(open_image(image).picture), noise(mode))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_picture_is_not_sent(kind: str) -> None:
    file = BytesIO()
    noise("RGB").save(file, kind)
    picture = PIL.open(BytesIO(file.getvalue()[:-60]))
    with pytest.raises(OSError, match="truncated"):
        image_from_pil(picture)


# The wire


@pytest.mark.parametrize(
    "image", [EncodedImage(b"abc"), EncodedImage(b""), ImageUri("s3://x/ä"), ImageDigest(bytes(32))]
)
def test_images_without_pixels_come_back_equal(image: Image) -> None:
    back = received(image_to_proto(image))
    assert (type(back), back) == (type(image), image)


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::-1], np.s_[:, ::2]])
def test_pixels_come_back_equal(view: Any) -> None:
    array = NOISE[..., :3][view]
    back = received(image_to_proto(PixelImage(array)))
    assert isinstance(back, PixelImage)
    assert back.pixels.dtype == np.uint8
    assert not back.pixels.flags.writeable
    np.testing.assert_array_equal(back.pixels, array)


def test_an_image_without_source_is_refused() -> None:
    assert refusal(lambda: received(pb.Image())) == ("IMAGE_MISSING", "x")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_digest_of_another_length_is_refused(size: int) -> None:
    assert refusal(lambda: received(pb.Image(sha256=bytes(size)))) == ("DIGEST_SIZE", "x.sha256")


@pytest.mark.parametrize(
    ("pixels", "reason", "field"),
    [
        (tensor("INT32", [1, 1, 3], bytes(12)), "TENSOR_DTYPE", "x.pixels.dtype"),
        (pb.Tensor(), "TENSOR_DTYPE", "x.pixels.dtype"),
        (tensor("UINT8", [1, 1, 4], bytes(4)), "TENSOR_SHAPE", "x.pixels.shape"),
        (tensor("UINT8", [3, 4], bytes(12)), "TENSOR_SHAPE", "x.pixels.shape"),
        (tensor("UINT8", [-1, -1, 3], bytes(3)), "TENSOR_SHAPE", "x.pixels.shape"),
        (tensor("UINT8", [1, 1, 3], bytes(2)), "TENSOR_SIZE", "x.pixels.data"),
        (tensor("UINT8", [2**40, 2**40, 3], b""), "TENSOR_SIZE", "x.pixels.data"),
        (tensor("UINT8", [17, 59, 3], bytes(3009)), "TENSOR_TOO_LARGE", "x.pixels.data"),
        (tensor("UINT8", [0, 4, 3], b""), "IMAGE_EMPTY", "x.pixels"),
        (tensor("UINT8", [4, 0, 3], b""), "IMAGE_EMPTY", "x.pixels"),
        (tensor("UINT8", [0, 2**62, 3], b""), "TENSOR_SHAPE", "x.pixels.shape"),
    ],
)
def test_bad_pixels_are_refused_by_path(pixels: pb.Tensor, reason: str, field: str) -> None:
    assert refusal(lambda: received(pb.Image(pixels=pixels))) == (reason, field)


def test_as_many_pixels_as_allowed_are_accepted() -> None:
    pixels = tensor("UINT8", [20, 50, 3], bytes(3000))
    assert isinstance(received(pb.Image(pixels=pixels), 1000), PixelImage)
    assert refusal(lambda: received(pb.Image(pixels=pixels), 999))[0] == "TENSOR_TOO_LARGE"


def test_files_are_not_opened_on_the_way() -> None:
    assert received(pb.Image(encoded=b"not a picture")) == EncodedImage(b"not a picture")
