"""Maxima of pairs: every tile of products is reduced both ways where it is made.

One program takes every SPLITS-th block of columns of one pair, so that a single pair already fills
many multiprocessors; the blocks' maxima meet as integer keys. Both norms are summed while the rows
are multiplied: one reading of the features, as memory is what bounds this.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmjudge.kernels.architecture import architecture
from mmjudge.kernels.gpu.blocks import (
    NONE,
    decode_keys,
    first_equal,
    kept,
    key_of,
    segment,
    similarities,
)
from mmjudge.kernels.gpu.launch import descriptor, features, on, products
from mmjudge.kernels.gpu.tiles import Kernel, tile
from mmjudge.kernels.segments import Segments

COLUMN_SPLITS = 8
ROW_SPLITS = 4


@triton.jit
def pairs_kernel(
    text, image, text_tiles, image_tiles, text_offsets, image_offsets, text_keep, image_keep,
    token_keys, patch_keys, text_scale, image_scale,
    text_stride, image_stride, D, eps,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    NORMALIZE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    pair = tl.program_id(0)
    split, splits = tl.program_id(1), tl.num_programs(1)
    part, parts = tl.program_id(2), tl.num_programs(2)
    t0, t1 = segment(text_offsets, pair)
    p0, p1 = segment(image_offsets, pair)
    for r in range(t0 + part * BM, t1, parts * BM):
        rows = r + tl.arange(0, BM)
        row_keep = kept(text_keep, rows, rows < t1)
        for c in range(p0 + split * BN, p1, splits * BN):
            columns = c + tl.arange(0, BN)
            column_keep = kept(image_keep, columns, columns < p1)
            total, row_scale, column_scale = similarities(
                text, image, text_tiles, image_tiles, r, row_keep, c, column_keep,
                text_stride, image_stride, D, eps, BM, BN, BK, NORMALIZE, UPCAST, PRECISION,
            )  # fmt: skip
            cosine = total * column_scale[None, :] * row_scale[:, None]
            poisoned_row = row_scale != row_scale
            poisoned_column = column_scale != column_scale
            if c == p0:
                tl.store(text_scale + rows, row_scale, mask=rows < t1)
            if r == t0:
                tl.store(image_scale + columns, column_scale, mask=columns < p1)

            among = tl.where(column_keep[None, :], cosine, float("-inf"))
            best = tl.max(among, 1)
            index = first_equal(among, best, columns - p0, column_keep, 1)
            lost = poisoned_row | (tl.max(poisoned_column.to(tl.int32), 0) > 0)
            best = tl.where(lost, float("nan"), best)
            key = tl.where(tl.max(column_keep.to(tl.int32), 0) > 0, key_of(best, index), NONE)
            tl.atomic_max(token_keys + rows, key, mask=row_keep)

            if patch_keys is not None:
                among = tl.where(row_keep[:, None], cosine, float("-inf"))
                best = tl.max(among, 0)
                index = first_equal(among, best, rows - t0, row_keep, 0)
                lost = poisoned_column | (tl.max(poisoned_row.to(tl.int32), 0) > 0)
                best = tl.where(lost, float("nan"), best)
                key = tl.where(tl.max(row_keep.to(tl.int32), 0) > 0, key_of(best, index), NONE)
                tl.atomic_max(patch_keys + columns, key, mask=column_keep)


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
    """See `mmjudge.kernels.pairs.pairs_maxima`; winners come for free here."""
    kernel: Kernel = "vectors" if vectors else "pairs_columns" if columns else "pairs"
    shape = tile(kernel, architecture(text.device), text)
    text, image = features(text, shape.depth), features(image, shape.depth)

    def fresh(rows: int, value: float, dtype: torch.dtype) -> Tensor:
        return torch.full((rows,), value, dtype=dtype, device=text.device)

    token_keys = fresh(text.shape[0], NONE.value, torch.int64)
    patch_keys = fresh(image.shape[0] if columns else 0, NONE.value, torch.int64)
    text_scale = fresh(text.shape[0], -1.0, torch.float32)
    image_scale = fresh(image.shape[0], -1.0, torch.float32)
    with on(text):
        if texts.count and text.shape[0] and image.shape[0]:
            splits = min(COLUMN_SPLITS, triton.cdiv(images.longest, shape.columns))
            parts = min(ROW_SPLITS, triton.cdiv(texts.longest, shape.rows))
            pairs_kernel[(texts.count, splits, parts)](
                text, image,
                descriptor(text, shape.rows, shape.depth, shape.descriptors),
                descriptor(image, shape.columns, shape.depth, shape.descriptors),
                texts.offsets, images.offsets, text_keep, image_keep,
                token_keys, patch_keys if columns else None, text_scale, image_scale,
                text.stride(0), image.stride(0), text.shape[1], eps,
                NORMALIZE=normalize, **products(text, shape),
            )  # fmt: skip
        return *_maxima(token_keys), *_maxima(patch_keys), text_scale, image_scale


def _maxima(keys: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.empty(keys.shape, dtype=torch.float32, device=keys.device)
    winner = torch.empty(keys.shape, dtype=torch.int32, device=keys.device)
    if keys.shape[0]:
        decode_keys[(triton.cdiv(keys.shape[0], 1024),)](
            keys, value, winner, keys.shape[0], BLOCK=1024
        )
    return value, winner
