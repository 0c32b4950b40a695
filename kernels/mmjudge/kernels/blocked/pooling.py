"""Mean and softmax over an image's patches, a text's block of products at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mmjudge.kernels.blocked.kept import extents
from mmjudge.kernels.blocked.products import (
    MASKED,
    operand,
    products,
    scales,
    steps,
)
from mmjudge.kernels.blocked.sums import in_order, through_norm
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT, POISONED

SUMMED = 128  # rows that a gradient sums at a time, whatever else there is


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
    text_scale = scales(text, text_keep, normalize, eps)
    image_scale = scales(image, image_keep, normalize, eps)
    value, divisor = torch.zeros_like(text_scale), torch.zeros_like(text_scale)
    winner = torch.full(text_scale.shape, ABSENT, dtype=torch.int32, device=text.device)
    for (t0, t1), (p0, p1) in _used(text_scale, image_scale, texts, images):
        kept = image_scale[p0:p1] != MASKED
        for start, stop in steps(t0, t1, p1 - p0, text.shape[1]):
            rows = slice(start, stop)
            similarity = _cosines(text[rows], image[p0:p1], text_scale[rows], image_scale[p0:p1])
            among = similarity.masked_fill(~kept, -torch.inf)
            best, index = among.max(1)
            if tau is None:
                weight = kept.to(similarity.dtype).expand_as(similarity)
                total = in_order(weight.T)
                divisor[rows] = total
            else:
                weight = ((among - best[:, None]) / tau).exp()
                total = in_order(weight.T)
                divisor[rows] = best / tau + total.log()
            sums = in_order((weight * similarity.masked_fill(~kept, 0.0)).T)
            value[rows] = sums / total
            winner[rows] = index.int().masked_fill(best.isnan(), POISONED)
    none = text_scale == MASKED
    value, divisor = value.masked_fill_(none, 0.0), divisor.masked_fill_(none, 0.0)
    winner = winner.masked_fill_(none, ABSENT)
    return value, divisor, winner, text_scale, image_scale


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
    """See `mmjudge.kernels.pooling.pooled`: `d value / d s = weight (1 + (s - value) / tau)`."""
    d_text = torch.zeros(text.shape, dtype=value.dtype, device=text.device)
    d_image = torch.zeros(image.shape, dtype=value.dtype, device=text.device)
    for (t0, t1), (p0, p1) in _used(text_scale, image_scale, texts, images):
        kept = (image_scale[p0:p1] != MASKED)[:, None]
        columns = (image[p0:p1].to(value.dtype) * image_scale[p0:p1, None]).masked_fill_(~kept, 0.0)
        for start in range(t0, t1, SUMMED):
            rows = slice(start, min(start + SUMMED, t1))
            present = (winner[rows] != ABSENT)[:, None]
            unit = (text[rows].to(value.dtype) * text_scale[rows, None]).masked_fill_(~present, 0.0)
            similarity = _cosines(text[rows], image[p0:p1], text_scale[rows], image_scale[p0:p1])
            if tau is None:
                slope = (gradient[rows] / divisor[rows])[:, None].expand_as(similarity)
            else:
                weight = (similarity / tau - divisor[rows, None]).exp()
                slope = weight * (1.0 + (similarity - value[rows, None]) / tau)
                slope = slope * gradient[rows, None]
            slope = slope.masked_fill(~present | ~kept.T, 0.0)
            for first in range(0, p1 - p0, SUMMED):
                part = slice(first, first + SUMMED)
                d_text[rows] += _weighted_sum(slope[:, part], columns[part])
            d_image[p0:p1] += _weighted_sum(slope.T, unit)
    return (
        through_norm(d_text, text, text_scale, normalize),
        through_norm(d_image, image, image_scale, normalize),
    )


def _used(
    text_scale: Tensor, image_scale: Tensor, texts: Segments, images: Segments
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each pair's rows up to the last that counts, where there are some on both sides."""
    text_stops = extents((text_scale != MASKED).cpu().numpy(), texts).stops
    image_stops = extents((image_scale != MASKED).cpu().numpy(), images).stops
    pairs = zip(texts, images, text_stops, image_stops, strict=True)
    for (t0, _), (p0, _), tokens, patches in pairs:
        if tokens and patches:
            yield (t0, t0 + tokens), (p0, p0 + patches)


def _cosines(text: Tensor, image: Tensor, text_scale: Tensor, image_scale: Tensor) -> Tensor:
    """`[tokens, patches]`; of masked rows there is anything, NaN included."""
    block = products(operand(text, text_scale), operand(image, image_scale))
    return block[: len(text), : len(image)] * image_scale * text_scale[:, None]


def _weighted_sum(weights: Tensor, rows: Tensor) -> Tensor:
    """`weights @ rows` `[n, dim]` of at most SUMMED rows; as if of exactly so many.

    How many there are would otherwise decide in which order they are summed.
    """
    missing = SUMMED - len(rows)
    weights = torch.nn.functional.pad(weights, (0, missing))
    summed = operand(torch.nn.functional.pad(rows, (0, 0, 0, missing)).T, rows)
    return products(operand(weights, rows), summed)[: len(weights), : rows.shape[1]]
