"""Numbers about the policy's responses that give reward hacking away, for every step."""

from collections.abc import Sequence
from typing import TypeVar

from mmjudge.rl.image_statistics import image_statistics, thumbnail
from mmjudge.rl.near_duplicates import near_duplicate_images, near_duplicate_texts
from mmjudge.rl.samples import Sample
from mmjudge.rl.text_statistics import text_statistics

MOST_IMAGES = 32
MOST_TEXTS = 256
T = TypeVar("T")


def measure(samples: Sequence[Sample]) -> dict[str, float]:
    """Return numbers about the responses by name, for the kinds of response there are.

    image/luminance, image/saturation, image/edge_density, image/near_duplicates; text/length,
    text/repetition, text/near_duplicates. Of a larger call, 32 images and 256 texts spread evenly
    are looked at. Near duplicates need two responses; images that only the server can open are
    left out, as are those nobody can.
    """
    parts = [part for sample in samples for part in sample.response]
    texts = _spread([part for part in parts if isinstance(part, str)], MOST_TEXTS)
    images = _spread([part for part in parts if not isinstance(part, str)], MOST_IMAGES)
    pictures = [picture for image in images if (picture := thumbnail(image)) is not None]
    found: dict[str, float] = {}
    if pictures:
        found |= {f"image/{name}": value for name, value in image_statistics(pictures).items()}
    if len(pictures) > 1:
        found["image/near_duplicates"] = near_duplicate_images(pictures)
    if texts:
        found |= {f"text/{name}": value for name, value in text_statistics(texts).items()}
    if len(texts) > 1:
        found["text/near_duplicates"] = near_duplicate_texts(texts)
    return found


def _spread(values: list[T], most: int) -> list[T]:
    if len(values) <= most:
        return values
    return [values[i * len(values) // most] for i in range(most)]
