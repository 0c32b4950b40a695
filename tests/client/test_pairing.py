from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmjudge.client.pairing import grouped, pair
from mmjudge.contract import EncodedImage, PixelImage


def pairs(images: Any, texts: Any) -> list[tuple[Any, Any]]:
    items = pair(images, texts)
    assert all(len(item.candidates) == 1 for item in items)
    return [(item.candidates[0].parts[0], item.prompt[0]) for item in items]


def test_one_by_one() -> None:
    a, b = EncodedImage(b"a"), EncodedImage(b"b")
    assert pairs([a, b], ["x", "y"]) == [(a, "x"), (b, "y")]
    assert pairs((a, b), ("x", "y")) == [(a, "x"), (b, "y")]
    assert pairs(a, "x") == pairs([a], ["x"]) == [(a, "x")]
    assert pairs([], []) == pairs([], "x") == []


def test_a_single_value_goes_with_all_of_a_list() -> None:
    a, b = EncodedImage(b"a"), EncodedImage(b"b")
    assert pairs(a, ["x", "y"]) == [(a, "x"), (a, "y")]
    assert pairs([a, b], "x") == [(a, "x"), (b, "x")]


def test_texts_in_a_row_over_one_image_go_together(tmp_path: Path) -> None:
    path, a, b = tmp_path / "a", EncodedImage(b"a"), EncodedImage(b"b")
    path.write_bytes(b"a")
    assert grouped([a, a, b, a], ["w", "x", "y", "z"]) == [
        (a, ["w", "x"]),
        (b, ["y"]),
        (a, ["z"]),
    ]
    assert grouped(a, ["x", "y"]) == [(a, ["x", "y"])]
    assert grouped([path, str(path)], ["x", "y"]) == [(a, ["x", "y"])]
    # Equal content of another object may change before it is sent.
    assert len(grouped([np.zeros((2, 2, 3), np.uint8) for _ in range(2)], ["x", "y"])) == 2
    assert grouped([], []) == []


@pytest.mark.parametrize("count", [1, 3])
def test_unequal_lists_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=rf"{count} images and 2 texts.*without a list"):
        pair([b"a"] * count, ["x", "y"])


def test_an_array_of_images_is_a_list_and_one_image_is_not() -> None:
    batch = np.arange(2 * 2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 2, 3)
    for images in (batch, list(batch)):
        found = pairs(images, ["x", "y"])
        assert all(
            isinstance(image, PixelImage) and np.array_equal(image.pixels, pixels)
            for (image, _), pixels in zip(found, batch, strict=True)
        )
    assert len(pairs(batch[0], ["x", "y", "z"])) == 3


def test_bytes_and_paths_are_single(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    for image in (b"abc", bytearray(b"abc"), memoryview(b"abc"), path, str(path)):
        assert pairs(image, "x") == [(EncodedImage(b"abc"), "x")]


@pytest.mark.parametrize(
    ("images", "texts", "message"),
    [
        ([b"a", 3], ["x", "y"], r"images\[1\] is a int"),
        (3, "x", "images is a int"),
        (b"a", ["x", None], r"texts\[1\] is a NoneType, expected a str"),
        (b"a", None, "texts is a NoneType, expected a str or a list of str"),
        (b"a", np.array(["x"]), "texts is a ndarray, expected a str or a list of str"),
    ],
)
def test_what_is_neither_is_named(images: Any, texts: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        pair(images, texts)
