"""Best patches and tokens of each text with its own image, some pairs at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import groupby

from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.products import FEWEST_ROWS, operand, products, steps
from mmjudge.kernels.blocked.side import Side
from mmjudge.kernels.segments import Segments

GROUP_FEATURES = 1 << 22  # of several pairs at a time: 16 MB of float32
GROUP_PRODUCTS = 1 << 20  # and 4 MB of these


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
    patch = Best(theirs.scale, theirs.scale.shape if columns else (0,), winners)
    # In turn: what runs side by side waits for Python between operations, which here are short.
    for pairs in _groups(texts, images, text.shape[1]):
        # Lengths are taken right before the products: features come from memory once.
        tokens, patches = ours.part(pairs), theirs.part(pairs)
        (count, length), (_, width) = tokens.scale.shape, patches.scale.shape
        if not length or not width:
            continue
        against = operand(patches.rows, patches.scale)
        for start, stop in steps(0, length, width) if count == 1 else [(0, length)]:
            rows = slice(start, stop)
            block = products(operand(tokens.rows[:, rows], tokens.scale), against)
            block = block[:, : stop - start, :width]
            patches.scale_columns(block)
            token.take(partial(tokens.of, rows=rows), block, 2, 0, tokens.scale[:, rows])
            if columns:
                tokens.scale_rows(block, rows)
                patch.take(patches.of, block, 1, start)

    text_scale, image_scale = ours.scales(), theirs.scales()
    own = token.results(text_scale, theirs.extents.first[texts.ids])
    other = (
        patch.results(image_scale, ours.extents.first[images.ids]) if columns else patch.nothing()
    )
    return *own, *other, text_scale, image_scale


def _groups(texts: Segments, images: Segments, dim: int) -> Iterator[range]:
    """Consecutive pairs of equal lengths.

    Together, as an operation takes longer to begin than a small pair does to compute.
    """
    tokens, patches = _lengths(texts), _lengths(images)
    for (own, other), run in groupby(
        range(texts.count), lambda pair: (tokens[pair], patches[pair])
    ):
        alike = list(run)
        held = max(own, FEWEST_ROWS), max(other, FEWEST_ROWS)
        most = min(GROUP_PRODUCTS // (held[0] * held[1]), GROUP_FEATURES // (sum(held) * dim))
        groups = math.ceil(len(alike) / max(1, most))
        at_once = math.ceil(len(alike) / groups)
        for first in range(alike[0], alike[-1] + 1, at_once):
            yield range(first, min(first + at_once, alike[-1] + 1))


def _lengths(segments: Segments) -> list[int]:
    return [stop - start for start, stop in segments]
