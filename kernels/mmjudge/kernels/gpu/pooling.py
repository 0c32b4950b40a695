"""Mean and softmax pooling: online over blocks of patches, recomputed for the gradient."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmjudge.kernels.architecture import architecture
from mmjudge.kernels.gpu.blocks import first_equal, kept, load_block, product, segment, similarities
from mmjudge.kernels.gpu.launch import descriptor, features, gradient_like, on, products
from mmjudge.kernels.gpu.tiles import tile
from mmjudge.kernels.segments import Segments

ROW_SPLITS = 4


@triton.jit
def pooled_kernel(
    text, image, text_tiles, image_tiles, text_offsets, image_offsets, text_keep, image_keep,
    value_out, divisor_out, winner_out, text_scale, image_scale,
    text_stride, image_stride, D, eps, tau,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    NORMALIZE: tl.constexpr, SOFTMAX: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Blocks of columns in order from the image's first patch; padding adds exact zeros."""
    pair = tl.program_id(0)
    part, parts = tl.program_id(1), tl.num_programs(1)
    t0, t1 = segment(text_offsets, pair)
    p0, p1 = segment(image_offsets, pair)
    for r in range(t0 + part * BM, t1, parts * BM):
        rows = r + tl.arange(0, BM)
        row_keep = kept(text_keep, rows, rows < t1)
        scale = tl.full([BM], -1.0, tl.float32)
        best = tl.full([BM], float("-inf"), tl.float32)
        winner = tl.full([BM], -1, tl.int32)
        divisor = tl.zeros([BM], tl.float32)
        weighted = tl.zeros([BM], tl.float32)
        lost = 0
        for c in range(p0, p1, BN):
            columns = c + tl.arange(0, BN)
            column_keep = kept(image_keep, columns, columns < p1)
            total, scale, column_scale = similarities(
                text, image, text_tiles, image_tiles, r, row_keep, c, column_keep,
                text_stride, image_stride, D, eps, BM, BN, BK, NORMALIZE, UPCAST, PRECISION,
            )  # fmt: skip
            if r == t0:
                tl.store(image_scale + columns, column_scale, mask=columns < p1)
            lost = tl.maximum(lost, tl.max((column_scale != column_scale).to(tl.int32), 0))
            cosine = total * column_scale[None, :] * scale[:, None]
            among = tl.where(column_keep[None, :], cosine, float("-inf"))
            block_best = tl.max(among, 1)
            index = first_equal(among, block_best, columns - p0, column_keep, 1)
            winner = tl.where((block_best > best) | (winner < 0), index, winner)
            further = tl.maximum(best, block_best)
            if SOFTMAX:
                anchor = tl.where(further == float("-inf"), 0.0, further)
                shrink = tl.exp((best - anchor) / tau)
                weight = tl.exp((among - anchor[:, None]) / tau)
            else:
                shrink = tl.full([BM], 1.0, tl.float32)
                weight = tl.zeros([BM, BN], tl.float32) + column_keep[None, :].to(tl.float32)
            cosine = tl.where(column_keep[None, :], cosine, 0.0)
            divisor = divisor * shrink + tl.sum(weight, 1)
            weighted = weighted * shrink + tl.sum(weight * cosine, 1)
            best = further
        nothing = (divisor == 0.0) & (lost == 0) | (row_keep == 0)
        poisoned = (lost > 0) | (scale != scale)
        divisor = tl.where(nothing, 1.0, divisor)
        value = tl.where(poisoned, float("nan"), weighted / divisor)
        if SOFTMAX:
            divisor = best / tau + tl.log(divisor)
        tl.store(value_out + rows, tl.where(nothing, 0.0, value), mask=rows < t1)
        tl.store(divisor_out + rows, tl.where(nothing, 0.0, divisor), mask=rows < t1)
        winner = tl.where(nothing, -1, tl.where(poisoned, -2, winner))
        tl.store(winner_out + rows, winner, mask=rows < t1)
        tl.store(text_scale + rows, scale, mask=rows < t1)


def pooled(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    tau: float | None,
) -> tuple[Tensor, ...]:
    """See `mmjudge.kernels.pooling.pooled`."""
    shape = tile("pooled", architecture(text.device), text)
    text, image = features(text, shape.depth), features(image, shape.depth)
    value = torch.zeros(text.shape[0], dtype=torch.float32, device=text.device)
    divisor, text_scale = torch.zeros_like(value), torch.full_like(value, -1.0)
    winner = torch.full_like(value, -1, dtype=torch.int32)
    image_scale = text_scale.new_full((image.shape[0],), -1.0)
    with on(text):
        if texts.count and text.shape[0] and image.shape[0]:
            parts = min(ROW_SPLITS, triton.cdiv(texts.longest, shape.rows))
            pooled_kernel[(texts.count, parts)](
                text, image,
                descriptor(text, shape.rows, shape.depth, shape.descriptors),
                descriptor(image, shape.columns, shape.depth, shape.descriptors),
                texts.offsets, images.offsets, text_keep, image_keep,
                value, divisor, winner, text_scale, image_scale,
                text.stride(0), image.stride(0), text.shape[1], eps, tau or 1.0,
                NORMALIZE=normalize, SOFTMAX=tau is not None, **products(text, shape),
            )  # fmt: skip
    return value, divisor, winner, text_scale, image_scale


@triton.jit
def pooled_gradient_kernel(
    mine, other, my_offsets, other_offsets, my_scale, other_scale,
    gradient, value, divisor, winner, out,
    my_stride, other_stride, D, width, tau,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    BY_TOKEN: tl.constexpr, NORMALIZE: tl.constexpr, SOFTMAX: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """BK features of the gradient of one side's rows; BY_TOKEN: that side is the text."""
    pair = tl.program_id(0)
    part, parts = tl.program_id(1), tl.num_programs(1)
    deep = tl.program_id(2) * BK
    r0, r1 = segment(my_offsets, pair)
    c0, c1 = segment(other_offsets, pair)
    for r in range(r0 + part * BM, r1, parts * BM):
        rows = r + tl.arange(0, BM)
        row_scale = tl.load(my_scale + rows, mask=rows < r1, other=-1.0)
        row_keep = row_scale != -1.0
        total = tl.zeros([BM, BK], tl.float32)
        along = tl.zeros([BM], tl.float32)
        for c in range(c0, c1, BN):
            columns = c + tl.arange(0, BN)
            column_scale = tl.load(other_scale + columns, mask=columns < c1, other=-1.0)
            column_keep = column_scale != -1.0
            cosine = tl.zeros([BM, BN], tl.float32)
            for k0 in range(0, D, BK):
                a = load_block(mine, None, r, row_keep, my_stride, k0, BM, BK)
                b = load_block(other, None, c, column_keep, other_stride, k0, BN, BK)
                cosine = product(a, b, cosine, UPCAST, PRECISION)
            if BY_TOKEN:
                cosine = cosine * column_scale[None, :] * row_scale[:, None]
                tokens, inside = rows[:, None], (rows < r1)[:, None]
            else:
                cosine = cosine * row_scale[:, None] * column_scale[None, :]
                tokens, inside = columns[None, :], (columns < c1)[None, :]
            slope = tl.load(gradient + tokens, mask=inside, other=0.0)
            over = tl.load(divisor + tokens, mask=inside, other=1.0)
            if SOFTMAX:
                pool = tl.load(value + tokens, mask=inside, other=0.0)
                slope = slope * (1.0 + (cosine - pool) / tau) * tl.exp(cosine / tau - over)
            else:
                slope = slope / over + cosine * 0.0
            present = tl.load(winner + tokens, mask=inside, other=-1) != -1
            slope = tl.where(present & row_keep[:, None] & column_keep[None, :], slope, 0.0)
            along += tl.sum(slope * cosine, 1)
            weight = slope * tl.where(column_keep, column_scale, 0.0)[None, :]
            wide = load_block(other, None, c, column_keep, other_stride, deep, BN, BK)
            total = tl.dot(weight, wide.to(tl.float32), total, input_precision=PRECISION)
        factor = tl.where(row_keep, row_scale, 0.0)
        if NORMALIZE:
            own = load_block(mine, None, r, row_keep, my_stride, deep, BM, BK)
            total -= along[:, None] * own.to(tl.float32) * factor[:, None]
        result = tl.where((factor == 0.0)[:, None], 0.0, total * factor[:, None])
        k = deep + tl.arange(0, BK)
        at = out + rows.to(tl.int64)[:, None] * width + k[None, :]
        inside = (rows < r1)[:, None] & (k < width)[None, :]
        tl.store(at, result.to(out.dtype.element_ty), mask=inside)


def pooled_gradient(
    gradient: Tensor,
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    value: Tensor,
    divisor: Tensor,
    winner: Tensor,
    text_scale: Tensor,
    image_scale: Tensor,
    normalize: bool,
    tau: float | None,
) -> tuple[Tensor, Tensor]:
    """See `mmjudge.kernels.blocked.pooling.pooled_gradient`."""
    shape = tile("pooled_backward", architecture(text.device), text)
    width = text.shape[1]
    text, image = features(text, shape.depth), features(image, shape.depth)

    def side(by_token: bool) -> Tensor:
        ours = (text, texts, text_scale)
        theirs = (image, images, image_scale)
        (mine, runs, scale), (other, over, others) = (ours, theirs) if by_token else (theirs, ours)
        out = gradient_like(mine[:, :width]).zero_()
        if runs.count and mine.shape[0] and other.shape[0]:
            parts = min(ROW_SPLITS, triton.cdiv(runs.longest, shape.rows))
            grid = (runs.count, parts, triton.cdiv(mine.shape[1], shape.depth))
            pooled_gradient_kernel[grid](
                mine, other, runs.offsets, over.offsets, scale, others,
                gradient.contiguous(), value, divisor, winner, out,
                mine.stride(0), other.stride(0), mine.shape[1], width, tau or 1.0,
                BY_TOKEN=by_token, NORMALIZE=normalize, SOFTMAX=tau is not None,
                **products(mine, shape),
            )  # fmt: skip
        return out.to(mine.dtype)

    with on(text):
        return side(True), side(False)
