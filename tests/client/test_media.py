import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL

from mmjudge.client.media import to_image, to_parts
from mmjudge.contract import EncodedImage, Image, ImageDigest, ImageUri, PixelImage

PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def jpeg() -> bytes:
    file = BytesIO()
    PIL.fromarray(PIXELS).save(file, "JPEG", quality=30)
    return file.getvalue()


def test_arrays_and_rgb_pictures_are_their_pixels() -> None:
    for value in (PIXELS, PIL.fromarray(PIXELS), PIXELS[:, ::-1][:, ::-1]):
        image = to_image(value, "images")
        assert isinstance(image, PixelImage)
        assert np.array_equal(image.pixels, PIXELS)


def test_pictures_with_alpha_keep_it() -> None:
    rgba = PIL.fromarray(np.dstack([PIXELS, PIXELS[..., :1]]))
    image = to_image(rgba, "images")
    assert isinstance(image, EncodedImage)
    assert np.array_equal(np.asarray(PIL.open(BytesIO(image.data))), np.asarray(rgba))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_a_file(kind: Any) -> None:
    assert to_image(kind(jpeg()), "images") == EncodedImage(jpeg())


def test_paths_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    with os.scandir(tmp_path) as entries:
        entry = next(entries)
    for value in (path, str(path), entry):
        assert to_image(value, "images") == EncodedImage(jpeg())


@pytest.mark.parametrize(
    "image", [EncodedImage(b"x"), PixelImage(PIXELS), ImageUri("s3://x"), ImageDigest(b"x" * 32)]
)
def test_contract_images_stay(image: Image) -> None:
    assert to_image(image, "images") is image


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (PIXELS.astype(np.float32), TypeError, r"images\[3\]: image array of float32.*\* 255"),
        (PIXELS.transpose(2, 0, 1), ValueError, r"images\[3\]: .*\[3, 4, 5\].*transpose"),
        (PIXELS[:, :, 0], ValueError, r"images\[3\]: .*repeat a grey one"),
        (PIXELS[:0], ValueError, r"images\[3\]: .*no pixels"),
    ],
)
def test_wrong_arrays(array: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        to_image(array, "images[3]")


def test_torch_tensors_are_told_the_way_by_name_alone() -> None:
    tensor = type("Tensor", (), {"__module__": "torch"})
    parameter = type("Parameter", (tensor,), {"__module__": "torch.nn.parameter"})
    for kind in (tensor, parameter):
        with pytest.raises(TypeError, match=r"images\[3\] is a torch.Tensor.*uint8.*HWC") as caught:
            to_image(kind(), "images[3]")
        assert ".cpu().numpy()" in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, [PIXELS], {"url": "x"}])
def test_what_is_no_image(value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"images\[3\] is a {kind}: expected a PIL image"):
        to_image(value, "images[3]")


def test_missing_files_are_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"images\[3\]: No such file.*cat.png"):
        to_image("nowhere/cat.png", "images[3]")
    with pytest.raises(FileNotFoundError, match=r"images\[0\].*ImageUri"):
        to_image("https://host/cat.png", "images[0]")


def test_unreadable_paths_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"images\[0\]"):
        to_image(tmp_path, "images[0]")


def test_pictures_whose_file_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(jpeg()[:-8])
    with PIL.open(path) as picture, pytest.raises(ValueError, match=r"images\[0\]: PIL cannot"):
        to_image(picture, "images[0]")


def test_text_parts_are_text_and_paths_are_images(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    parts = to_parts([str(path), path, PIXELS], "prompt")
    assert parts[:2] == [str(path), EncodedImage(jpeg())]
    assert isinstance(parts[2], PixelImage)


@pytest.mark.parametrize("value", ["a cat", b"x", PIXELS, 3, PIL.fromarray(PIXELS)])
def test_a_bare_part_is_not_taken_for_a_list_of_them(value: Any) -> None:
    with pytest.raises(TypeError, match=r"items\[0\].prompt is a .*: put it in \[ \]"):
        to_parts(value, "items[0].prompt")


def test_a_bad_part_is_named() -> None:
    with pytest.raises(TypeError, match=r"prompt\[1\] is a int"):
        to_parts(["text", 3], "prompt")
