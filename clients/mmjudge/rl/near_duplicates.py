"""How much of a batch repeats itself: what a collapsed policy does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.rl.image_statistics import difference_hash
from mmjudge.rl.text_statistics import min_hash

_MOST_DIFFERENT_BITS = 6
_LEAST_EQUAL_SHARE = 0.8


def near_duplicate_images(thumbnails: Sequence[PIL.Image]) -> float:
    """Return the share of pictures that another of them nearly repeats, in [0, 1].

    Nearly: at most 6 of the 64 bits of their difference hashes differ.
    """
    hashes = np.stack([difference_hash(picture) for picture in thumbnails])
    return _share((hashes[:, None] != hashes).sum(axis=2) <= _MOST_DIFFERENT_BITS)


def near_duplicate_texts(texts: Sequence[str]) -> float:
    """Return the share of texts that another of them nearly repeats, in [0, 1].

    Nearly: at least 0.8 of their runs of three words are common, as MinHash estimates it.
    """
    signatures = np.stack([min_hash(text) for text in texts])
    equal = np.stack([(signatures == row).mean(axis=1) for row in signatures])
    return _share(equal >= _LEAST_EQUAL_SHARE)


def _share(alike: NDArray[np.bool_]) -> float:
    return float((alike.sum(axis=1) > 1).mean())  # each is like itself
