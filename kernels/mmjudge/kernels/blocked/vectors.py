"""Each token with the one vector of its image."""

from __future__ import annotations

import torch
from torch import Tensor

from mmjudge.kernels.blocked.groups import groups
from mmjudge.kernels.blocked.products import MASKED, plain, scale_of, scales, sizes, unset_scales
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT, POISONED

TOGETHER = 1 << 19  # features, which are in the cache still when they are multiplied: 2 MB


def vector_maxima(
    text: Tensor,
    image: Tensor,
    texts: Segments,
    images: Segments,
    text_keep: Tensor | None,
    image_keep: Tensor | None,
    normalize: bool,
    eps: float,
    winners: bool,
) -> tuple[Tensor, ...]:
    """See `mmjudge.kernels.pairs.pairs_maxima`, with `vectors` and without `columns`.

    Sums over features, not a product of matrices: in the same order wherever a token stands.
    """
    image_scale = scales(image, image_keep, normalize, eps)
    text_size = unset_scales(text)
    value = torch.zeros_like(text_size)
    most = max(1, TOGETHER // text.shape[1])
    for pairs in groups(texts, images, most):
        where = slice(texts.host[pairs.start], texts.host[pairs.stop])
        rows, size, dot = (
            held[where].view(len(pairs), -1, *held.shape[1:]) for held in (text, text_size, value)
        )
        vector = plain(image[pairs.start : pairs.stop, None], value)
        step = most if len(pairs) == 1 else max(rows.shape[1], 1)
        for start in range(0, rows.shape[1], step):
            some = slice(start, start + step)
            wide = plain(rows[:, some], value)
            sizes(wide, normalize, size[:, some])
            torch.sum(wide * vector, -1, out=dot[:, some])

    text_scale = scale_of(text_size, normalize, eps)
    value *= text_scale
    value *= texts.per_row(image_scale)
    none = torch.zeros_like(value, dtype=torch.bool) if text_keep is None else ~text_keep
    if image_keep is not None:
        none |= texts.per_row(~image_keep)
    winner = torch.zeros_like(value, dtype=torch.int32)
    if winners:
        winner.masked_fill_(value.isnan(), POISONED)
    if text_keep is not None:
        text_scale.masked_fill_(~text_keep, MASKED)
    own = value.masked_fill_(none, 0.0), winner.masked_fill_(none, ABSENT)
    return *own, value.new_empty(0), winner.new_empty(0), text_scale, image_scale
