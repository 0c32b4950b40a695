"""Images as trainers hold them, on their way to pixels."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.contract import EncodedImage, ImageUri, PixelImage
from mmjudge.rl import to_images

PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
FLOATS = PIXELS.astype(np.float32) / 255


def pixels(value: object, **options: Any) -> list[NDArray[np.uint8]]:
    images = to_images(value, "images", **options)
    return [image.pixels for image in images if isinstance(image, PixelImage)]


@pytest.mark.parametrize(
    "value",
    [
        PIXELS,
        PIXELS.transpose(2, 0, 1),
        PIXELS[None],
        PIXELS.transpose(2, 0, 1)[None],
        FLOATS,
        FLOATS.astype(np.float64).transpose(2, 0, 1),
        torch.from_numpy(PIXELS),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        torch.from_numpy(FLOATS).permute(2, 0, 1)[None],
        torch.from_numpy(FLOATS).requires_grad_(),
        PIL.fromarray(PIXELS),
        [PIL.fromarray(PIXELS)],
        PixelImage(PIXELS),
    ],
    ids=lambda value: type(value).__name__,  # an address in a name would differ between processes
)
def test_every_form_of_a_picture_gives_the_same_pixels(value: object) -> None:
    (found,) = pixels(value)
    assert found.dtype == np.uint8
    assert found.tolist() == PIXELS.tolist()


@given(arrays(np.uint8, (2, 4, 5, 3)), st.sampled_from([np.float32, np.float64]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_pixels_survive_floats_and_back(
    images: NDArray[np.uint8], kind: type[np.floating[Any]], first: bool
) -> None:
    floats = images.astype(kind) / kind(255)
    value = torch.from_numpy(floats.transpose(0, 3, 1, 2)) if first else floats
    assert np.stack(pixels(value)).tolist() == images.tolist()


@given(arrays(np.float32, (4, 5, 3), elements=st.floats(0, 1, width=32)))
@settings(max_examples=50, deadline=None)
def test_floats_are_rounded_as_torch_rounds_them(image: NDArray[np.float32]) -> None:
    (found,) = pixels(image)
    expected = (torch.from_numpy(image) * 255).round().to(torch.uint8)
    assert found.tolist() == expected.tolist()


def test_rounding_is_half_to_even_and_never_truncation() -> None:
    image = np.zeros((4, 5, 3))
    image[0, 0] = [0.5 / 255, 1.5 / 255, 2.999 / 255]
    assert pixels(image)[0][0, 0].tolist() == [0, 2, 3]


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_before_it_is_scaled(kind: torch.dtype) -> None:
    image = torch.linspace(0, 1, 3 * 4 * 5).reshape(3, 4, 5).to(kind)
    (found,) = pixels(image)
    expected = (image.double() * 255).round().to(torch.uint8).permute(1, 2, 0)
    assert found.tolist() == expected.tolist()
    narrow = (image * 255).round().to(torch.uint8).permute(1, 2, 0)
    assert kind is torch.float16 or narrow.tolist() != expected.tolist()


def test_a_tensor_on_another_device_is_fetched() -> None:
    class Elsewhere:
        """What a CUDA tensor is to this module, which must not import torch to ask."""

        dtype, shape = torch.float32, (3, 4, 5)

        def __array__(self, *args: object) -> NDArray[Any]:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

        def detach(self) -> "Elsewhere":
            return self

        def is_floating_point(self) -> bool:
            return True

        def element_size(self) -> int:
            return 4

        def cpu(self) -> torch.Tensor:
            return torch.from_numpy(FLOATS).permute(2, 0, 1)

    assert pixels(Elsewhere())[0].tolist() == PIXELS.tolist()


def test_files_go_byte_for_byte(tmp_path: Path) -> None:
    file = BytesIO()
    PIL.fromarray(PIXELS).save(file, "PNG")
    data, path = file.getvalue(), tmp_path / "a.png"
    path.write_bytes(data)
    given: list[object] = [
        data,
        bytearray(data),
        path,
        str(path),
        {"bytes": data, "path": None},
        {"bytes": None, "path": str(path)},
        {"bytes": data, "path": "elsewhere.png"},
    ]
    assert to_images(given, "images") == [EncodedImage(data)] * len(given)


def test_locations_of_the_server_stay_what_they_are() -> None:
    assert to_images([ImageUri("file:///a.png")], "images") == [ImageUri("file:///a.png")]


def test_lists_may_mix_forms() -> None:
    found = pixels([PIXELS, torch.from_numpy(FLOATS), PIL.fromarray(PIXELS), PIXELS[None]])
    assert [each.tolist() for each in found] == [PIXELS.tolist()] * 4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (FLOATS * 2 - 1, r"images: floats from -1 to .*\[-1, 1\]: pass \(x \+ 1\) / 2"),
        ([FLOATS, FLOATS * 2 - 1], r"images\[1\]: .*pass \(x \+ 1\) / 2"),
        (np.stack([FLOATS, FLOATS * 2 - 1]), r"images\[1\]: .*pass \(x \+ 1\) / 2"),
        (PIXELS.astype(np.float32), r"images: floats from 0 to 59.*\[0, 255\]: pass x / 255"),
        (FLOATS + 1, r"images: floats from 1 to .*clamp"),
        (np.full((4, 5, 3), np.nan), "images: 60 of 60 values are NaN or infinite"),
        (torch.full((3, 4, 5), torch.inf).bfloat16(), "images: 60 of 60 values are NaN"),
        (np.zeros((8, 9, 4), np.uint8), r"images: 4 channels .*\[8, 9, 4\].*drop alpha"),
        (np.zeros((1, 1, 8, 8), np.uint8), "images: 1 channels .*repeat a grey one"),
        (np.zeros((8, 8, 1), np.uint8), r"images: 1 channels \(channels_last\)"),
        (np.zeros((16, 8, 8)), "images: 16 channels"),
        (np.zeros((3, 9, 3), np.uint8), r"3 at both ends: say which with layout="),
        (np.zeros((2, 4, 3, 5, 5), np.uint8), "images: array of shape .*frames"),
        (np.zeros((5, 5), np.uint8), r"images: array of shape \[5, 5\]"),
        (np.zeros((0, 5, 3), np.uint8), r"images: array of shape \[0, 5, 3\]"),
    ],
)
def test_what_is_no_picture_in_range_is_refused_with_the_fix(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_images(value, "images")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (PIXELS.astype(np.int64), r"images: array of int64, expected uint8, or floats in \[0, 1\]"),
        (torch.zeros(3, 4, 5, dtype=torch.bool), "images: array of bool"),
        ({"url": "a"}, r"images is a dict of \['url'\], expected 'bytes' or 'path'"),
        ([PIXELS, None], r"images\[1\] is a NoneType"),
        (7, "images is a int"),
    ],
)
def test_what_is_no_picture_at_all_is_refused(value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        to_images(value, "images")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"images\[1\]"):
        to_images([PIXELS, "nowhere.png"], "images")


def test_an_open_layout_is_settled_by_the_caller() -> None:
    square = np.arange(3 * 9 * 3, dtype=np.uint8).reshape(3, 9, 3)
    assert pixels(square, layout="channels_last")[0].tolist() == square.tolist()
    first = pixels(square, layout="channels_first")[0]
    assert first.tolist() == square.transpose(1, 2, 0).tolist()
    with pytest.raises(ValueError, match=r"images: 5 channels \(channels_first\)"):
        to_images(np.zeros((5, 4, 3), np.uint8), "images", "channels_first")
    with pytest.raises(ValueError, match="layout is 'CHW'"):
        to_images(PIXELS, "images", "CHW")  # type: ignore[arg-type]


def test_rounding_of_a_decoder_at_the_ends_is_clipped() -> None:
    edge = np.array([-0.0009, 1.0009, 0.5], np.float32) * np.ones((4, 5, 1), np.float32)
    assert pixels(edge)[0][0, 0].tolist() == [0, 255, 128]
    with pytest.raises(ValueError, match="clamp"):
        to_images(np.full((4, 5, 3), 1.002), "images")
