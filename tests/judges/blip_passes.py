"""A BLIP's operations run by hand: images, texts and pairs of them, in one batch."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.blip import Blip
from mmjudge.judges.backbones.blip_fusion import ImageText, Reading
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.text_encoding import Text

Image = EncodedImage | PixelImage


def encode(blip: Blip, images: Sequence[Image]) -> list[Features]:
    """Features of images, with their states."""
    blip.keep_tokens()
    return blip.images.forward([blip.images.prepare(image).payload for image in images])


def readings(blip: Blip, texts: Sequence[str], images: Sequence[Image]) -> list[Reading]:
    """What `pairs` computes, text by text and within it image by image."""
    encoded = list(zip(images, encode(blip, images), strict=True))
    return [
        blip.pairs.prepare(ImageText(image.digest, features, Text(text, "truncate"))).payload
        for text, (image, features) in product(texts, encoded)
    ]


def read(blip: Blip, texts: Sequence[str], images: Sequence[Image]) -> NDArray[np.float64]:
    """The head's outputs `[texts, images, outputs]`, all pairs in one batch."""
    outputs = np.stack(blip.pairs.forward(readings(blip, texts, images)))
    return outputs.reshape(len(texts), len(images), -1).astype(np.float64)


def cosines(blip: Blip, texts: Sequence[str], images: Sequence[Image]) -> NDArray[np.float64]:
    """Cosines `[texts, images]` of the contrastive embeddings."""
    words = blip.texts.forward([blip.texts.prepare(Text(t, "truncate")).payload for t in texts])
    left = np.stack([found.embedding for found in words]).astype(np.float64)
    right = np.stack([found.embedding for found in encode(blip, images)]).astype(np.float64)
    product: NDArray[np.float64] = left @ right.T
    return product
