"""What trainers hold as images, and how it is sent: files byte for byte, floats rounded, once."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from mmjudge.client import ImageLike
from mmjudge.client.media import to_image as to_sent
from mmjudge.contract import Image, PixelImage

Layout = Literal["channels_first", "channels_last"]
"""Where an array has its channels: `[3, height, width]` or `[height, width, 3]`."""

TOLERANCE = 1e-3
"""How far floats may leave [0, 1], as rounding in a decoder does; they are clipped to it."""

_LAYOUT_FIX = "say which with layout='channels_first' or layout='channels_last'"


def to_images(value: object, where: str, layout: Layout | None = None) -> list[Image]:
    """Return the images in `value`: one image, an array of several, or a list of either.

    Images are what `mmjudge.client` takes (a PIL image, a file's bytes or its path, a contract
    Image), a dict {"bytes": ..., "path": ...} as `datasets` stores them, and arrays: numpy, or
    torch tensors on any device, `[height, width, 3]`, `[3, height, width]`, or four dimensions for
    several images. uint8 is sent as it is. Floats must be in [0, 1], within `TOLERANCE`; they
    become (x * 255).round(), half to even, computed in float32 at least (bf16 and half are widened
    first), and are never truncated.
    layout: where the channels are; None to see it from the shape.

    `where` names the argument in errors, with the index of a list's element. Raises TypeError,
    ValueError or OSError: no image, not finite, outside [0, 1] (the message has the fix for
    [-1, 1] and for [0, 255]), not three channels, a layout that the shape leaves open.
    """
    if isinstance(value, Mapping):
        return [to_sent(_stored(value, where), where)]
    if _is_array(value):
        return [PixelImage(pixels) for pixels in _pixels(_to_numpy(value), where, layout)]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        return [
            image
            for i, element in enumerate(value)
            for image in to_images(element, f"{where}[{i}]", layout)
        ]
    return [to_sent(cast(ImageLike, value), where)]


def _stored(value: Mapping[Any, Any], where: str) -> ImageLike:
    for key in ("bytes", "path"):
        if value.get(key) is not None:
            return cast(ImageLike, value[key])
    raise TypeError(
        f"{where} is a dict of {sorted(map(str, value))}, expected 'bytes' or 'path' in it, as "
        "datasets.Image(decode=False) gives"
    )


def _is_array(value: object) -> bool:
    # By their methods, torch tensors and jax arrays too; PIL images and paths have no dtype.
    return hasattr(value, "__array__") and hasattr(value, "dtype") and hasattr(value, "shape")


def _to_numpy(value: Any) -> NDArray[Any]:
    if not hasattr(value, "detach"):
        return np.asarray(value)
    tensor = value.detach()
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.float()  # numpy has no bfloat16, and x * 255 needs more than its 8 bits
    return np.asarray(tensor.cpu())


def _pixels(array: NDArray[Any], where: str, layout: Layout | None) -> NDArray[np.uint8]:
    if array.ndim not in (3, 4) or 0 in array.shape[-3:]:
        raise ValueError(
            f"{where}: array of shape {list(array.shape)}, expected [height, width, 3], "
            "[3, height, width], or several of them; of a video, pass the frames to be judged"
        )
    first = _layout(array, where, layout) == "channels_first"
    images = array[None] if array.ndim == 3 else array
    if images.dtype.kind == "f":
        _check_range(images, where)
        images = _rounded(images)
    elif images.dtype != np.uint8:
        raise TypeError(
            f"{where}: array of {images.dtype}, expected uint8, or floats in [0, 1]: convert whole "
            "numbers in [0, 255] with .astype(np.uint8) or .to(torch.uint8)"
        )
    return np.ascontiguousarray(np.moveaxis(images, 1, -1) if first else images)


def _rounded(images: NDArray[Any]) -> NDArray[np.uint8]:
    wide = np.clip(images, 0, 1, dtype=np.promote_types(images.dtype, np.float32))
    wide *= 255
    rounded: NDArray[np.uint8] = np.rint(wide, out=wide).astype(np.uint8)
    return rounded


def _layout(array: NDArray[Any], where: str, layout: Layout | None) -> Layout:
    first, last = array.shape[-3], array.shape[-1]
    if layout not in (None, "channels_first", "channels_last"):
        raise ValueError(f"layout is {layout!r}, expected 'channels_first' or 'channels_last'")
    if layout is None and (first == 3) == (last == 3):
        if first == 3:
            raise ValueError(
                f"{where}: shape {list(array.shape)} has 3 at both ends: {_LAYOUT_FIX}"
            )
        layout = "channels_last" if last <= 4 < first else "channels_first"
        raise ValueError(_wrong_channels(array, where, layout))
    found: Layout = layout or ("channels_first" if first == 3 else "channels_last")
    if (first if found == "channels_first" else last) != 3:
        raise ValueError(_wrong_channels(array, where, found))
    return found


def _wrong_channels(array: NDArray[Any], where: str, layout: Layout) -> str:
    channels = array.shape[-3 if layout == "channels_first" else -1]
    fix = {1: "repeat a grey one three times", 4: "drop alpha, or a latent's channels by decoding"}
    return (
        f"{where}: {channels} channels ({layout}) in shape {list(array.shape)}, expected 3 of "
        f"RGB: {fix.get(channels, 'turn it into [height, width, 3] or [3, height, width]')}"
    )


def _check_range(images: NDArray[Any], where: str) -> None:
    for i, image in enumerate(images):
        place = f"{where}[{i}]" if len(images) > 1 else where
        low, high = float(image.min()), float(image.max())
        if not np.isfinite([low, high]).all():
            wild = image.size - int(np.isfinite(image).sum())
            raise ValueError(
                f"{place}: {wild} of {image.size} values are NaN or infinite: the decoder "
                "overflowed (half precision?); skip the sample or decode in float32"
            )
        if low >= -TOLERANCE and high <= 1 + TOLERANCE:
            continue
        fix = "clamp it to [0, 1], if that is how it is shown"
        if -1 - TOLERANCE <= low < -TOLERANCE and high <= 1 + TOLERANCE:
            fix = "it seems to be in [-1, 1]: pass (x + 1) / 2"
        elif low >= 0 and 2 < high <= 255:
            fix = "it seems to be in [0, 255]: pass x / 255, or uint8"
        raise ValueError(
            f"{place}: floats from {low:.4g} to {high:.4g}, expected [0, 1] within "
            f"{TOLERANCE:g}: {fix}"
        )
