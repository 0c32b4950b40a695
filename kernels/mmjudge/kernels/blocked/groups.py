"""Pairs that are computed together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from mmjudge.kernels.blocked.products import FEWEST_ROWS
from mmjudge.kernels.segments import Segments

GROUP_PRODUCTS = 1 << 20  # 4 MB of these


def groups(texts: Segments, images: Segments, rows: int) -> Iterator[range]:
    """Consecutive pairs of equal lengths, with no more rows together than these, or one pair.

    Together, as an operation takes longer to begin than a small pair does to compute; as many as
    there are threads, or a multiple.
    """
    threads = torch.get_num_threads()
    for start, stop in _alike(texts, images):
        own = max(texts.host[start + 1] - texts.host[start], FEWEST_ROWS)
        other = max(images.host[start + 1] - images.host[start], FEWEST_ROWS)
        most = max(1, min(GROUP_PRODUCTS // (own * other), rows // (own + other)))
        most -= most % threads if most > threads else 0
        at_once = math.ceil((stop - start) / math.ceil((stop - start) / most))
        for first in range(start, stop, at_once):
            yield range(first, min(first + at_once, stop))


def _alike(texts: Segments, images: Segments) -> Iterator[tuple[int, int]]:
    """Runs of pairs whose lengths are equal: the first of each, and after the last."""
    if not texts.count:
        return
    changes: list[int] = []
    if texts.uniform < 0 or images.uniform < 0:
        lengths = np.diff([texts.host, images.host])
        changes = (np.flatnonzero(np.diff(lengths).any(0)) + 1).tolist()
    yield from pairwise([0, *changes, texts.count])
