"""Best patches and tokens of every text with every image, an image a task."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import torch
from torch import Tensor

from mmjudge.kernels.blocked.best import Best
from mmjudge.kernels.blocked.kept import extents, host, kept_rows, packed
from mmjudge.kernels.blocked.products import (
    FEWEST_ROWS,
    MASKED,
    operand,
    products,
    scaled,
    scales,
    scales_first,
    steps,
    unset_scales,
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
    image_scale = unset_scales(image)
    text_mask, image_mask = host(text_keep, len(text)), host(image_keep, len(image))
    ours, before = packed(text, text_scale, texts, text_mask), scales_first(text.shape[1])
    hidden = ours.scale == MASKED if len(ours.kept.hidden) else None
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
    text_first = codes.new_tensor(extents(text_mask, texts).first)[:, None]
    image_first = codes.new_tensor(extents(image_mask, images).first)[:, None]
    starts, device = images.host, image.device
    kept_patches = [kept_rows(image_mask[start:stop], device) for start, stop in images]
    at_once = chunk or max(1, CHUNK_VALUES // max(len(ours.scale), 1))
    for first in range(0, images.count, at_once):
        number = min(at_once, images.count - first)
        token = Best(text_scale, (number, len(ours.scale)), winners)

        def one(place: int, first: int = first, token: Best = token) -> None:
            # Of few operations: threads wait for Python between them.
            kept = kept_patches[first + place]
            run = kept.within(starts[first + place])
            theirs = image[run]
            # Here, so that features come from memory once.
            scale = image_scale[run] = scales(theirs, None, normalize, eps)
            if before:
                theirs = scaled(theirs, scale, "image")
                kept.stand_in(theirs)
            against = operand(theirs, scale)
            width, (length, dim) = len(scale), ours.rows.shape
            patch = Best(text_scale, (texts.count, width), winners) if columns else None
            for start, stop in steps(0, length, width, dim, ours.segments.uniform):
                part = slice(start, stop)
                rows = ours.rows[part]
                if whole:
                    rows = scaled(rows, ours.scale[part], "text")
                block = products(operand(rows, scale), against)
                if min(stop - start, width) < FEWEST_ROWS:
                    block = block[: stop - start, :width]
                if not before:
                    block *= scale
                    kept.hide(block, 1)
                token.put(itemgetter((place, part)), block)
                if patch:
                    if not whole:
                        block *= ours.scale[part, None]
                    ours.kept.hide(block, 0, start)
                    for run_texts, rows_of, begun in _pieces(ours.segments, start, stop):
                        count = run_texts.stop - run_texts.start
                        piece = block[rows_of].view(count, -1, width)
                        patch.take(itemgetter(run_texts), piece, begun)
            if winners:
                token.winner[place] = kept.original(token.winner[place])
            if patch:
                if winners:
                    patch.winner = ours.original(patch.winner, texts)
                    patch.settle(scale, text_first)
                kept.hide(scale, 0, value=MASKED)
                value, winner = patch.results((scale == MASKED) | (text_first == -1))
                total, count = in_order(value.T), max(width - len(kept.hidden), 1)
                i2t[:, first + place] = total / count if mean else total
                if winners:
                    patch_winner[:, run] = winner

        side_by_side(one, number)
        lowest = image_first[first : first + number]
        if not whole:
            token.value *= ours.scale
        if winners:
            token.settle(ours.scale, lowest)
        maxima, winner = token.results(lowest == -1 if hidden is None else hidden | (lowest == -1))
        if winners:
            token_winner[ours.kept.rows, first : first + number] = winner.T
        keep, how = None if hidden is None else ~hidden, "mean" if mean else "sum"
        found = segment_reduce(maxima.T, ours.segments, keep, how, 0.0)[0]
        t2i[:, first : first + number] = found
        if tokens:
            token_value[ours.kept.rows, first : first + number] = maxima.T
    if image_keep is not None:
        image_scale.masked_fill_(~image_keep, MASKED)
    return t2i, i2t, token_value, token_winner, patch_winner, text_scale, image_scale


def _pieces(texts: Segments, start: int, stop: int) -> Iterator[tuple[slice, slice, int]]:
    """The texts with rows in `start` to `stop`: which, their rows of the block, and the first one.

    Whole texts of one length come together; others, and parts of texts, one at a time.
    """
    length = texts.uniform
    if length > 0 and start % length == 0 and stop % length == 0:
        yield slice(start // length, stop // length), slice(0, stop - start), 0
        return
    for i, (t0, t1) in enumerate(texts):
        if t0 < stop and t1 > start and t0 < t1:
            first = max(t0, start)
            yield slice(i, i + 1), slice(first - start, min(t1, stop) - start), first - t0
