"""Images and texts as pairs: one of each, or one for all, never every image with every text."""

import os
from collections.abc import Sequence
from typing import cast

import numpy as np
from PIL import Image as PIL

from mmjudge.client.media import ImageLike, to_image
from mmjudge.contract import Candidate, Image, Item

Images = ImageLike | Sequence[ImageLike]
Texts = str | Sequence[str]
_TEXTS = ("texts", "a str or a list of str")
_SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, PIL.Image)


def pair(images: Images, texts: Texts) -> list[Item]:
    """Return one item a pair: the text is its prompt, the image its candidate.

    Elementwise; a single value goes with every element of a list, and a uint8 array
    `[n, height, width, 3]` is a list of n images. Raises ValueError for unequal lengths or nothing
    to pair, and as `to_image` for each image.
    """
    return [
        Item(prompt=[text], candidates=[Candidate([image])])
        for image, words in grouped(images, texts)
        for text in words
    ]


def grouped(images: Images, texts: Texts) -> list[tuple[Image, list[str]]]:
    """Return the pairs as `pair` makes them, runs of texts over one image together.

    One image is one object, or one path, which is read once. Raises as `pair`.
    """
    many_images, many_texts = _is_many(images), _is_many(texts)
    pictures = list(cast(Sequence[ImageLike], images)) if many_images else [images]
    words = list(texts) if many_texts else [cast(str, texts)]
    for i, text in enumerate(words):
        if not isinstance(text, str):
            where, expected = (f"texts[{i}]", "a str") if many_texts else _TEXTS
            raise TypeError(f"{where} is a {type(text).__name__}, expected {expected}")
    if many_images and not many_texts:
        words *= len(pictures)
    if many_texts and not many_images:
        pictures *= len(words)
    if len(pictures) != len(words):
        raise ValueError(
            f"{len(pictures)} images and {len(words)} texts, expected as many of each: they are "
            "scored pair by pair; pass one value without a list to pair it with all of the others"
        )
    groups: list[tuple[Image, list[str]]] = []
    for i, (picture, text) in enumerate(zip(pictures, words, strict=True)):
        if i == 0 or not _is_same(picture, pictures[i - 1]):
            where = f"images[{i}]" if many_images else "images"
            groups.append((to_image(cast(ImageLike, picture), where), []))
        groups[-1][1].append(text)
    return groups


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, str | os.PathLike) and isinstance(other, str | os.PathLike):
        return os.fspath(one) == os.fspath(other)
    return one is other


def _is_many(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 4
    return isinstance(value, Sequence) and not isinstance(value, _SINGLE)
