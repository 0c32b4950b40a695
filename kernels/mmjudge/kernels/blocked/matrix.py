"""Best patches and tokens of every text with every image, an image a task."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import torch
from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.kept import extents, kept_rows, packed
from mmjudge.kernels.blocked.products import (
    MASKED,
    operand,
    products,
    scaled,
    scales,
    scales_first,
    steps,
)
from mmjudge.kernels.blocked.sums import in_order, segment_reduce
from mmjudge.kernels.blocked.workers import side_by_side
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT

SHORT = 128  # features of a row that are cheaper to scale than its products with an image
CHUNK_VALUES = 1 << 21  # token maxima held before they are reduced: 8 MB of float32


def matrix_maxima(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    mean: bool,
    columns: bool,
    tokens: bool,
    winners: bool,
    chunk: int,
) -> tuple[Tensor, ...]:
    """See `mmjudge.kernels.matrix.matrix_maxima`; every image is a task of its own."""
    text_scale = scales(text, text_keep, normalize, eps)
    image_scale = scales(image, image_keep, normalize, eps)
    ours, before = packed(text, text_scale, texts), scales_first(text.shape[1])
    # Of one direction, a text's scale waits for its maxima, which are few.
    whole = columns and before and text.shape[1] <= SHORT
    codes = torch.empty(0, dtype=torch.int32, device=text.device)

    def results(wanted: bool, *shape: int) -> Tensor:
        return text_scale.new_zeros(shape if wanted else (0, 0))

    def places(wanted: bool, *shape: int) -> Tensor:
        return codes.new_full(shape if wanted else (0, 0), ABSENT)

    t2i = results(True, texts.count, images.count)
    i2t = results(columns, texts.count, images.count)
    token_value = results(tokens, text.shape[0], images.count)
    token_winner = places(winners, text.shape[0], images.count)
    patch_winner = places(winners and columns, texts.count, image.shape[0])
    text_first, image_first = extents(text_keep, texts).first, extents(image_keep, images).first
    runs, at_once = list(images), chunk or max(1, CHUNK_VALUES // max(len(ours.scale), 1))
    for first in range(0, images.count, at_once):
        number = min(at_once, images.count - first)
        maxima = text_scale.new_empty(number, len(ours.scale))

        def one(place: int, first: int = first, maxima: Tensor = maxima) -> None:
            i = first + place
            run = slice(*runs[i])
            kept = kept_rows(image_scale[run])
            theirs, scale = image[run][kept.rows], image_scale[run][kept.rows]
            if before and not (scale.abs() == 1.0).all():
                theirs = scaled(theirs, scale)
            against = operand(theirs, scale)
            token = Best(text_scale, ours.scale.shape, winners)
            patch = Best(text_scale, (texts.count if columns else 0, len(scale)), winners)
            length, dim = ours.rows.shape
            for start, stop in steps(0, length, len(scale), dim, ours.segments.uniform):
                part, row_scale = slice(start, stop), ours.scale[start:stop]
                rows = scaled(ours.rows[part], row_scale) if whole else ours.rows[part]
                block = products(operand(rows, row_scale), against)[: stop - start, : len(scale)]
                if not before:
                    block *= scale
                kept.hide(block, 1)
                token.put(itemgetter(part), block, None if whole else row_scale)
                if columns:
                    if not whole:
                        block *= row_scale[:, None]
                    ours.kept.hide(block, 0, part)
                    for text0, count, of in _pieces(ours.segments, start, stop):
                        piece = block[of].view(count, -1, len(scale))
                        begun = start + of.start - ours.segments.host[text0]
                        patch.take(itemgetter(slice(text0, text0 + count)), piece, begun)
            if winners:
                token.winner = kept.original(token.winner).int()
                token.settle(ours.scale, image_first[i])
            none = (ours.scale == MASKED) | (image_first[i] == -1)
            maxima[place], winner = token.results(none)
            if winners:
                token_winner[ours.kept.rows, i] = winner
            if columns:
                if winners:
                    patch.winner = ours.original(patch.winner, texts)
                    patch.settle(scale, text_first[:, None])
                none = (scale == MASKED) | (text_first[:, None] == -1)
                value, winner = patch.results(none)
                total = in_order(value.T)
                i2t[:, i] = total / max(int((scale != MASKED).sum()), 1) if mean else total
                if winners:
                    patch_winner[:, run][:, kept.rows] = winner

        side_by_side(one, number)
        keep, how = ours.scale != MASKED, "mean" if mean else "sum"
        found = segment_reduce(maxima.T, ours.segments, keep, how, 0.0)[0]
        t2i[:, first : first + number] = found
        if tokens:
            token_value[ours.kept.rows, first : first + number] = maxima.T
    return t2i, i2t, token_value, token_winner, patch_winner, text_scale, image_scale


def _pieces(texts: Segments, start: int, stop: int) -> Iterator[tuple[int, int, slice]]:
    """The texts with rows in `start` to `stop`: first text, how many, and which rows of the block.

    Whole texts of one length come together; others, and parts of texts, one at a time.
    """
    length = texts.uniform
    if length > 0 and start % length == 0 and stop % length == 0:
        yield start // length, (stop - start) // length, slice(0, stop - start)
        return
    for i, (t0, t1) in enumerate(texts):
        if t0 < stop and t1 > start and t0 < t1:
            yield i, 1, slice(max(t0, start) - start, min(t1, stop) - start)
