"""Mean and softmax over an image's patches, a text's block of products at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import MASKED, products, scales, steps
from mmjudge.kernels.blocked.sums import in_order, through_norm
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.winners import ABSENT, POISONED


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
    for (t0, t1), (p0, p1) in zip(texts, images, strict=True):
        kept = image_scale[p0:p1] != MASKED
        if not bool(kept.any()):
            continue
        for start, stop in steps(t0, t1, p1 - p0):
            rows = slice(start, stop)
            similarity = products(text[rows], image[p0:p1])
            similarity = similarity * image_scale[p0:p1] * text_scale[rows, None]
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
    value, winner = value.masked_fill_(none, 0.0), winner.masked_fill_(none, ABSENT)
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
    for (t0, t1), (p0, p1) in zip(texts, images, strict=True):
        kept = (image_scale[p0:p1] != MASKED)[:, None]
        columns = (image[p0:p1].to(value.dtype) * image_scale[p0:p1, None]).masked_fill_(~kept, 0.0)
        for start, stop in steps(t0, t1, p1 - p0):
            rows = slice(start, stop)
            present = (winner[rows] != ABSENT)[:, None]
            unit = (text[rows].to(value.dtype) * text_scale[rows, None]).masked_fill_(~present, 0.0)
            similarity = products(text[rows], image[p0:p1])
            similarity = similarity * image_scale[p0:p1] * text_scale[rows, None]
            if tau is None:
                slope = (gradient[rows] / divisor[rows])[:, None].expand_as(similarity)
            else:
                weight = (similarity / tau - divisor[rows, None]).exp()
                slope = weight * (1.0 + (similarity - value[rows, None]) / tau)
                slope = slope * gradient[rows, None]
            slope = slope.masked_fill(~present | ~kept.T, 0.0)
            d_text[rows] = products(slope, columns.T)
            d_image[p0:p1] += products(slope.T, unit.T)
    return (
        through_norm(d_text, text, text_scale, normalize),
        through_norm(d_image, image, image_scale, normalize),
    )
