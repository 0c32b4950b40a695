"""The operations as plain formulas over dense similarities, in float64, for autograd to follow.

Maxima are torch's own, so batches for these must be free of ties.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from tests.kernels.cases import Batch, Padded
from torch import Tensor

EPS = 1e-12


def similarities(batch: Batch, i: int, j: int, normalize: bool) -> Tensor:
    """Kept tokens of text i with kept patches of image j: `[tokens, patches]`, differentiable."""
    text = batch.text[batch.texts[i]][batch.kept_tokens[batch.texts[i]]].double()
    image = batch.image[batch.images[j]][batch.kept_patches[batch.images[j]]].double()
    if normalize:
        text, image = _directions(text), _directions(image)
    return text @ image.T


def rewards(batch: Batch, pool: str, tau: float | None, normalize: bool) -> Tensor:
    """`token_image_reward` of every token, 0 where there is none: `[tokens]`."""
    results = []
    for i, run in enumerate(batch.texts):
        found = similarities(batch, i, i, normalize)
        results.append(_spread(_pooled(found, pool, tau), batch.kept_tokens[run]))
    return torch.cat([torch.zeros(0, dtype=torch.float64), *results])


def scores(
    batch: Batch, reduce: str, normalize: bool, *, matrix: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """t2i and i2t, `[batch]` or `[texts, images]`, and the token maxima, of pairs or of all."""
    t2i, i2t, maxima = [], [], []
    for i, run in enumerate(batch.texts):
        across = range(len(batch.images)) if matrix else [i]
        found = [similarities(batch, i, j, normalize) for j in across]
        tokens = [_pooled(similarity, "max", None) for similarity in found]
        patches = [_pooled(similarity.T, "max", None) for similarity in found]
        t2i.append(torch.stack([_reduced(values, reduce) for values in tokens]))
        i2t.append(torch.stack([_reduced(values, reduce) for values in patches]))
        spread = [_spread(values, batch.kept_tokens[run]) for values in tokens]
        maxima.append(torch.stack(spread, 1))
    return (
        _shaped(torch.stack(t2i), matrix),
        _shaped(torch.stack(i2t), matrix),
        _joined(maxima, matrix),
    )


def gradients(loss: Callable[[Any], Tensor], batch: Batch | Padded) -> tuple[Tensor, Tensor]:
    """Of a loss, with respect to the text and the image."""
    leaves = batch.leaves()
    text, image = torch.autograd.grad(loss(leaves), (leaves.text, leaves.image))
    return text, image


def _directions(rows: Tensor) -> Tensor:
    squared = (rows * rows).sum(1, keepdim=True)
    none = squared.detach().sqrt() < EPS
    return torch.where(none, 0.0, rows / torch.where(none, 1.0, squared).sqrt())


def _pooled(similarity: Tensor, pool: str, tau: float | None) -> Tensor:
    if not similarity.shape[1]:
        return similarity.sum(1)
    if pool == "max":
        return similarity.max(1).values
    if pool == "mean":
        return similarity.mean(1)
    return (torch.softmax(similarity / (tau or 1.0), 1) * similarity).sum(1)


def _spread(values: Tensor, kept: Tensor) -> Tensor:
    """Values of the kept rows among all rows."""
    return torch.zeros(len(kept), dtype=values.dtype).masked_scatter(kept, values)


def _reduced(values: Tensor, reduce: str) -> Tensor:
    total = values.sum()
    return total / max(len(values), 1) if reduce == "mean" else total


def _shaped(scores: Tensor, matrix: bool) -> Tensor:
    return scores if matrix else scores[:, 0]


def _joined(maxima: list[Tensor], matrix: bool) -> Tensor:
    joined = torch.cat(maxima)
    return joined if matrix else joined[:, 0]
