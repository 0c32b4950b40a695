"""What a caller may pass as an image, and how it is sent: losslessly, whatever it is."""

import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.contract import (
    EncodedImage,
    Image,
    ImageDigest,
    ImageUri,
    Part,
    PixelImage,
    image_from_pil,
)

ImageLike = (
    Image | PIL.Image | NDArray[np.uint8] | bytes | bytearray | memoryview | str | os.PathLike[str]
)
"""A picture: a contract Image, PIL, uint8 `[height, width, 3]`, a file's bytes or its path."""

_EXPECTED = (
    "expected a PIL image, a uint8 array [height, width, 3], a file's bytes, its path, or an "
    "mmjudge Image"
)
_FROM_TENSOR = (
    "pass floats in [0, 1] as (x * 255).round().to(torch.uint8), turn CHW into HWC with "
    ".permute(1, 2, 0), then .cpu().numpy()"
)


def to_image(value: ImageLike, where: str) -> Image:
    """Return `value` as it is sent: pixels as pixels, files byte for byte.

    `where` names the argument in errors: TypeError or ValueError for what is no image, OSError
    (FileNotFoundError, ...) for a path that cannot be read.
    """
    match value:
        case EncodedImage() | PixelImage() | ImageUri() | ImageDigest():
            return value
        case PIL.Image():
            try:
                return image_from_pil(value)
            except (OSError, ValueError) as error:  # the file behind it is read only now
                raise ValueError(f"{where}: PIL cannot read this image: {error}") from error
        case np.ndarray():
            try:
                return PixelImage(value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{where}: {error}") from error
        case bytes() | bytearray() | memoryview():
            return EncodedImage(bytes(value))
        case str() | os.PathLike():
            return _read(value, where)
        case _:
            raise TypeError(f"{where} is a {_kind(value)}: {_fix(value)}")


def to_parts(values: Iterable[object], where: str) -> list[Part]:
    """Return `values` as parts of an item: a str is text, never a path; a `Path` is an image.

    Raises as `to_image`, and TypeError for a bare str or image in place of a list.
    """
    if isinstance(values, str | bytes | np.ndarray) or not isinstance(values, Iterable):
        raise TypeError(f"{where} is a {_kind(values)}, expected a list of parts: put it in [ ]")
    return [
        value if isinstance(value, str) else to_image(value, f"{where}[{i}]")  # type: ignore[arg-type]
        for i, value in enumerate(values)
    ]


def _read(path: str | os.PathLike[str], where: str) -> EncodedImage:
    try:
        with open(path, "rb") as file:
            return EncodedImage(file.read())
    except OSError as error:
        hint = ": wrap a location that the server reads in ImageUri" if "://" in str(path) else ""
        # OSError picks its own subclass by errno, so that a missing file stays FileNotFoundError.
        raise OSError(error.errno, f"{where}: {error.strerror}{hint}", os.fspath(path)) from error


def _fix(value: object) -> str:
    return _FROM_TENSOR if _kind(value) == "torch.Tensor" else _EXPECTED


def _kind(value: object) -> str:
    # By name: importing torch to ask would cost seconds, and training images may pin their own.
    for kind in type(value).__mro__:
        if kind.__module__.partition(".")[0] == "torch" and kind.__name__ == "Tensor":
            return "torch.Tensor"
    module, name = type(value).__module__, type(value).__qualname__
    return name if module == "builtins" else f"{module}.{name}"
