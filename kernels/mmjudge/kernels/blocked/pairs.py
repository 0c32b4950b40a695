"""Best patches and tokens of each text with its own image, some pairs at a time."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.groups import groups
from mmjudge.kernels.blocked.products import operand, products, steps
from mmjudge.kernels.blocked.side import Side
from mmjudge.kernels.blocked.vectors import put_vectors
from mmjudge.kernels.blocked.workers import side_by_side
from mmjudge.kernels.segments import Segments

GROUP_FEATURES = 1 << 23  # of several pairs at a time, in place
GROUP_COPIED = 1 << 20  # and if they have to be converted first: 4 MB
LARGE = 1 << 21  # features of a pair, on average, from where each has a core of its own


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
    in_place = text.dtype == ours.scale.dtype
    most = (GROUP_FEATURES if in_place else GROUP_COPIED) // text.shape[1]
    together = list(groups(texts, images, most))

    def one(place: int) -> None:
        pairs = together[place]
        # Lengths are taken right before the products: features come from memory once.
        tokens, patches = ours.part(pairs), theirs.part(pairs)
        (count, length), (_, width) = tokens.scale.shape, patches.scale.shape
        if not length or not width:
            return
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

    if vectors and not columns:
        put_vectors(token, ours, theirs)
    elif (len(text) + len(image)) * text.shape[1] >= texts.count * LARGE:
        side_by_side(one, len(together))
    else:  # in turn: threads wait for Python between operations, which here are short
        for place in range(len(together)):
            one(place)
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
