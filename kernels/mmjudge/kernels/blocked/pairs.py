"""Best patches and tokens of each text with its own image, some pairs at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.products import FEWEST_ROWS, operand, products, steps
from mmjudge.kernels.blocked.side import Side
from mmjudge.kernels.segments import Segments

GROUP_FEATURES = 1 << 23  # of several pairs at a time, in place
GROUP_COPIED = 1 << 20  # and if they have to be converted first: 4 MB
GROUP_PRODUCTS = 1 << 20  # 4 MB of these


def pairs_maxima(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    columns: bool,
    winners: bool,
    vectors: bool,
) -> tuple[Tensor, ...]:
    """See `mmjudge.kernels.pairs.pairs_maxima`."""
    ours = Side(text, texts, text_keep, normalize, eps)
    theirs = Side(image, images, image_keep, normalize, eps)
    token = Best(ours.scale, ours.scale.shape, winners)
    patch = Best(theirs.scale, theirs.scale.shape if columns else (0,), winners and columns)
    # In turn: what runs side by side waits for Python between operations, which here are short.
    in_place = text.dtype == ours.scale.dtype
    most = (GROUP_FEATURES if in_place else GROUP_COPIED) // text.shape[1]
    for pairs in _groups(texts, images, most):
        # Lengths are taken right before the products: features come from memory once.
        tokens, patches = ours.part(pairs), theirs.part(pairs)
        (count, length), (_, width) = tokens.scale.shape, patches.scale.shape
        if not length or not width:
            continue
        against = operand(patches.rows, patches.scale)
        few = steps(0, length, width, text.shape[1])
        for start, stop in few if count == 1 else [(0, length)]:
            rows = slice(start, stop)
            block = products(operand(tokens.rows[:, rows], tokens.scale), against)
            block = block[:, : stop - start, :width]
            patches.scale_columns(block)
            token.put(partial(tokens.of, rows=rows), block)
            if columns:
                tokens.scale_rows(block, rows)
                patch.take(patches.of, block, start)

    text_scale, image_scale = ours.scales(), theirs.scales()
    token.value *= text_scale
    if winners:
        token.settle(text_scale, ours.first_of(theirs))
    own = token.results(ours.without(theirs))
    if not columns:
        return *own, patch.value, patch.winner, text_scale, image_scale
    if winners:
        patch.settle(image_scale, theirs.first_of(ours))
    return *own, *patch.results(theirs.without(ours)), text_scale, image_scale


def _groups(texts: Segments, images: Segments, rows: int) -> Iterator[range]:
    """Consecutive pairs of equal lengths, with no more rows together than these.

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
