"""What reward hacking does to pictures, in numbers cheap enough for every step.

Policies trained against image judges darken, oversaturate or smooth their pictures long before a
person looks; see docs/rl.md for published cases.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.contract import EncodedImage, Image, ItemError, PixelImage
from mmjudge.contract.image_files import open_image

_SIDE = 256
_EDGE = 0.1
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def thumbnail(image: Image) -> PIL.Image | None:
    """Return a copy of at most 256 x 256 pixels; None for what cannot be opened here."""
    if not isinstance(image, EncodedImage | PixelImage):
        return None
    try:
        picture = open_image(image).picture.convert("RGB")
    except ItemError:
        return None
    factor = -(-max(picture.size) // _SIDE)
    return picture.reduce(factor) if factor > 1 else picture


def image_statistics(thumbnails: Sequence[PIL.Image]) -> dict[str, float]:
    """Return the means over one or more pictures of three numbers, each in [0, 1].

    luminance: Rec. 709 luma of the stored, gamma-encoded values. saturation: HSV's.
    edge_density: share of pixels whose luma differs by more than 0.1 from that of the pixel to the
    right and the one below, as a Euclidean length.
    """
    names = ("luminance", "saturation", "edge_density")
    means = np.mean([_statistics(picture) for picture in thumbnails], axis=0)
    return dict(zip(names, means.tolist(), strict=True))


def difference_hash(picture: PIL.Image) -> NDArray[np.bool_]:
    """Return bool `[64]`: where the grey of 9 x 8 cells falls rightwards; alike for like pictures.

    Source: the difference hash of N. Krawetz, "Kind of Like That", 2013.
    """
    cells = np.asarray(picture.convert("L").resize((9, 8), PIL.Resampling.BOX), np.int16)
    falls: NDArray[np.bool_] = cells[:, 1:] < cells[:, :-1]
    return falls.ravel()


def _statistics(picture: PIL.Image) -> tuple[float, float, float]:
    rgb = np.asarray(picture).astype(np.float32) / 255
    luma = rgb @ _LUMA
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    saturation = (high - low) / np.where(high > 0, high, 1)
    right, down = np.zeros_like(luma), np.zeros_like(luma)
    right[:, :-1], down[:-1] = np.diff(luma, axis=1), np.diff(luma, axis=0)
    return (
        float(luma.mean()),
        float(saturation.mean()),
        float((np.hypot(right, down) > _EDGE).mean()),
    )
