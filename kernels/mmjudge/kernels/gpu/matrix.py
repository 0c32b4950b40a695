"""Maxima of every text with every image: a block of tokens against one image a program.

Rows' maxima are complete when the program has passed over the image. Columns' maxima are complete
for the part of a text that lies in the block; `columns_kernel` joins the parts and reduces them, so
that both directions come from one pass over the products.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmjudge.kernels.architecture import architecture
from mmjudge.kernels.gpu.blocks import first_equal, load_block, product, segment
from mmjudge.kernels.gpu.launch import descriptor, features, on, products
from mmjudge.kernels.gpu.rows import scales
from mmjudge.kernels.gpu.sums import reduce_into, segment_reduce
from mmjudge.kernels.gpu.tiles import tile
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT

GROUP = 8  # images whose blocks run next to each other, to meet in the L2 cache
WORKSPACE = 48 << 20  # bytes held beside the results


@triton.jit
def matrix_kernel(
    text, image, text_tiles, image_tiles, image_offsets, text_scale, image_scale,
    image_state, image_first, value_out, winner_out,
    text_ids, column_out, column_winner_out, text_offsets,
    N, first_image, images, first_column, column_stride,
    text_stride, image_stride, value_stride, winner_stride, D,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Outputs that are None are not computed; `text_tiles`: descriptors to load by, or None."""
    program, blocks = tl.program_id(0), tl.cdiv(N, BM)
    group = program // (GROUP * blocks)
    members = tl.minimum(images - group * GROUP, GROUP)
    place = group * GROUP + (program % (GROUP * blocks)) % members
    block = (program % (GROUP * blocks)) // members
    one = first_image + place
    start, stop = segment(image_offsets, one)

    rows = block * BM + tl.arange(0, BM)
    row_scale = tl.load(text_scale + rows, mask=rows < N, other=-1.0)
    row_factor = tl.where(row_scale == -1.0, 0.0, row_scale)
    best = tl.full([BM], float("-inf"), tl.float32)
    winner = tl.full([BM], -1, tl.int32)
    if column_out is not None:
        row_bias = tl.where(row_scale == -1.0, float("-inf"), 0.0)
        ids = tl.load(text_ids + rows, mask=rows < N, other=-1)
        first_text = tl.load(text_ids + block * BM)
        last_text = tl.load(text_ids + tl.minimum(block * BM + BM, N) - 1)

    for c in range(start, stop, BN):
        columns = c + tl.arange(0, BN)
        column_scale = tl.load(image_scale + columns, mask=columns < stop, other=-1.0)
        # Masked columns cost nothing: one multiply-add both scales and rules out.
        column_factor = tl.where(column_scale == -1.0, 0.0, column_scale)
        column_bias = tl.where(column_scale == -1.0, float("-inf"), 0.0)
        total = tl.zeros([BM, BN], tl.float32)
        for k0 in range(0, D, BK):
            a = load_block(text, text_tiles, block * BM, row_scale != -1.0, text_stride, k0, BM, BK)
            b = load_block(image, image_tiles, c, column_scale != -1.0, image_stride, k0, BN, BK)
            total = product(a, b, total, UPCAST, PRECISION)

        # Neighbouring images' and masked rows may bring NaN into masked columns; tl.max drops it.
        # NaN that counts is known from the scales and comes back at the end.
        among = total * column_factor[None, :] + column_bias[None, :]
        block_best = tl.max(among, 1)
        if winner_out is not None:
            patch = first_equal(among, block_best, columns - start, column_scale != -1.0, 1)
            winner = tl.where(block_best > best, patch, winner)
        best = tl.maximum(best, block_best)

        if column_out is not None:
            among = total * row_factor[:, None] + row_bias[:, None]
            at = (columns - first_column).to(tl.int64)
            for t in range(first_text, last_text + 1):
                mine = tl.where((ids == t)[:, None], among, float("-inf"))
                part = tl.max(mine, 0)
                # A text's parts in consecutive blocks get consecutive rows of the workspace.
                line = (t + block).to(tl.int64) * column_stride
                tl.store(column_out + line + at, part, mask=columns < stop)
                if column_winner_out is not None:
                    within = rows - tl.load(text_offsets + t).to(tl.int32)
                    token = first_equal(mine, part, within, (ids == t) & (row_scale != -1.0), 0)
                    tl.store(column_winner_out + line + at, token, mask=columns < stop)

    state = tl.load(image_state + one) + tl.zeros([BM], tl.float32)
    absent = (row_scale == -1.0) | (state == -1.0)
    poisoned = (row_scale != row_scale) | (state != state)
    value = tl.where(poisoned, float("nan"), best * row_scale)
    lines = rows.to(tl.int64)
    at = lines * value_stride + place
    tl.store(value_out + at, tl.where(absent, 0.0, value), mask=rows < N)
    if winner_out is not None:
        # Of equals the first: all are as similar to a row without direction.
        alike = (row_scale == 0.0) | (winner < 0)
        winner = tl.where(alike, tl.load(image_first + one), winner)
        winner = tl.where(absent, -1, tl.where(poisoned, -2, winner))
        tl.store(winner_out + lines * winner_stride + one, winner, mask=rows < N)


@triton.jit
def columns_kernel(
    column_in, column_winner_in, text_offsets, image_offsets, image_scale, text_state, text_first,
    score_out, winner_out, first_image, first_column, column_stride, score_stride, winner_stride,
    BM: tl.constexpr, BN: tl.constexpr, MEAN: tl.constexpr,
):  # fmt: skip
    """Join the parts of one text's column maxima over one image, and reduce them in fixed order."""
    t, one = tl.program_id(0), first_image + tl.program_id(1)
    begin, end = segment(text_offsets, t)
    start, stop = segment(image_offsets, one)
    state = tl.load(text_state + t) + tl.zeros([BN], tl.float32)
    total = tl.zeros([BN], tl.float32)
    count = tl.zeros([BN], tl.float32)
    for c in range(start, stop, BN):
        columns = c + tl.arange(0, BN)
        at = (columns - first_column).to(tl.int64)
        scale = tl.load(image_scale + columns, mask=columns < stop, other=-1.0)
        best = tl.full([BN], float("-inf"), tl.float32)
        winner = tl.full([BN], -1, tl.int32)
        for block in range(begin // BM, (end + BM - 1) // BM):
            line = (t + block).to(tl.int64) * column_stride
            part = tl.load(column_in + line + at, mask=columns < stop, other=0.0)
            if winner_out is not None:
                index = tl.load(column_winner_in + line + at, mask=columns < stop, other=0)
                winner = tl.where(part > best, index, winner)
            best = tl.maximum(best, part)
        absent = (scale == -1.0) | (state == -1.0)
        poisoned = (scale != scale) | (state != state)
        value = tl.where(poisoned, float("nan"), best * scale)
        total += tl.where(absent, 0.0, value)
        count += tl.where(scale == -1.0, 0.0, 1.0)
        if winner_out is not None:
            alike = (scale == 0.0) | (winner < 0)
            winner = tl.where(alike, tl.load(text_first + t), winner)
            winner = tl.where(absent, -1, tl.where(poisoned, -2, winner))
            line = t.to(tl.int64) * winner_stride
            tl.store(winner_out + line + columns, winner, mask=columns < stop)
    score = tl.sum(total, 0)
    if MEAN:
        score = score / tl.maximum(tl.sum(count, 0), 1.0)
    tl.store(score_out + t.to(tl.int64) * score_stride + one, score)


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
    """See `mmjudge.kernels.matrix.matrix_maxima`."""
    shape = tile(
        "matrix_columns" if columns else "matrix",
        architecture(text.device),
        text,
        winners=winners,
    )
    text, image = features(text, shape.depth), features(image, shape.depth)
    with on(text):
        text_scale = scales(text, text_keep, normalize, eps)
        image_scale = scales(image, image_keep, normalize, eps)

        def scores(wanted: bool, *size: int) -> Tensor:
            return text_scale.new_zeros(size if wanted else (0, 0))

        def absent(wanted: bool, *size: int) -> Tensor:
            return text_scale.new_full(size if wanted else (0, 0), ABSENT, dtype=torch.int32)

        t2i = scores(True, texts.count, images.count)
        i2t = scores(columns, texts.count, images.count)
        value = scores(tokens, text.shape[0], images.count)
        winner = absent(winners, text.shape[0], images.count)
        patch_winner = absent(winners and columns, texts.count, image.shape[0])
        outputs = t2i, i2t, value, winner, patch_winner, text_scale, image_scale
        if not (texts.count and images.count and text.shape[0]):
            return outputs
        kept = text_scale != -1.0
        image_state, image_first = _summary(image_scale, images)
        text_state, text_first = _summary(text_scale, texts)
        blocks = triton.cdiv(text.shape[0], shape.rows)
        text_tiles = descriptor(text, shape.rows, shape.depth, shape.descriptors)
        image_tiles = descriptor(image, shape.columns, shape.depth, shape.descriptors)
        ids = texts.ids.to(torch.int32) if columns else None
        for first, last in _chunks(images, text.shape[0], texts.count + blocks, columns, chunk):
            number, column0 = last - first, images.host[first]
            width = images.host[last] - column0
            block_value = (
                value[:, first:last]
                if tokens
                else torch.empty(text.shape[0], number, device=text.device)
            )
            lines = (texts.count + blocks, width)
            parts = torch.empty(lines, device=text.device) if columns else None
            part_winners = (
                torch.empty(lines, dtype=torch.int32, device=text.device)
                if columns and winners
                else None
            )
            matrix_kernel[(blocks * number,)](
                text, image, text_tiles, image_tiles, images.offsets, text_scale, image_scale,
                image_state, image_first, block_value, winner if winners else None,
                ids, parts, part_winners, texts.offsets,
                text.shape[0], first, number, column0, width,
                text.stride(0), image.stride(0), block_value.stride(0), winner.stride(0),
                text.shape[1], GROUP=GROUP, **products(text, shape),
            )  # fmt: skip
            how = "mean" if mean else "sum"
            reduce_into(t2i[:, first:last], None, block_value, texts, kept, how, 0.0)
            if columns:
                columns_kernel[(texts.count, number)](
                    parts, part_winners, texts.offsets, images.offsets, image_scale,
                    text_state, text_first,
                    i2t, patch_winner if winners else None, first, column0, width,
                    i2t.stride(0), patch_winner.stride(0), BM=shape.rows, BN=256, MEAN=mean,
                )  # fmt: skip
        return outputs


def _summary(scale: Tensor, segments: Segments) -> tuple[Tensor, Tensor]:
    """Of every segment whether it counts, and its first row that does.

    Returns:
        `[segments]` float32: -1: nothing kept; NaN: something not finite; else at least 0.
        `[segments]` int32, counted from the segment's start.
    """
    state = segment_reduce(scale[:, None], segments, None, "max", -1.0)[0][:, 0]
    row = segment_reduce(torch.zeros_like(scale)[:, None], segments, scale != -1.0, "max", 0.0)[1]
    return state, row[:, 0] - segments.offsets[:-1].to(torch.int32)


def _chunks(
    images: Segments, tokens: int, lines: int, columns: bool, asked: int
) -> list[tuple[int, int]]:
    """Runs of images whose workspace fits, of `asked` images each if given."""
    if asked:
        return [
            (first, min(first + asked, images.count)) for first in range(0, images.count, asked)
        ]
    runs, first, used = [], 0, 0
    for i, (start, stop) in enumerate(images):
        needed = 4 * tokens + (8 * lines * (stop - start) if columns else 0)
        if i > first and used + needed > WORKSPACE:
            runs.append((first, i))
            first, used = i, 0
        used += needed
    return [*runs, (first, images.count)]
