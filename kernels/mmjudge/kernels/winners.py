"""Maxima have one winner each: codes for where there is none, and gradients that follow them.

A maximum depends on one token and one patch alone, so its gradient is an edge between them. Edges
are sorted by the row that they end in and summed in that order by one program a row: no atomics,
nothing dense, the same bits whatever else is in the batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor

ABSENT = -1  # nothing to choose from: the reward is 0
POISONED = -2  # something not finite took part: the reward is NaN

Gather = Callable[..., Tensor]


def edge_gradients(
    gather: Gather,
    text: Tensor,
    image: Tensor,
    text_scale: Tensor,
    image_scale: Tensor,
    tokens: Tensor,
    patches: Tensor,
    weights: Tensor,
    normalize: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients of `sum(weights * cos(text[tokens], image[patches]))`.

    d cos / d t = (v̂ - cos t̂) / |t|, and likewise for v. As the sum of cos over a row's edges is
    t̂ · sum(weights v̂), projecting the row's gathered sum off t̂ replaces saving the cosines.

    Args:
        gather: the backend's weighted sum of rows.
        text, image: `[rows, dim]` and their `scale` `[rows]`, see `blocked.scales`.
        tokens, patches: `[edges]` int64 rows; -1: the edge does not end on that side.
        weights: `[edges]`.

    Returns:
        Gradients in the dtypes of `text` and `image`.
    """

    def ending_in(
        ends: Tensor,
        others: Tensor,
        rows: Tensor,
        scale: Tensor,
        source: Tensor,
        source_scale: Tensor,
    ) -> Tensor:
        keys, order = torch.where(ends < 0, rows.shape[0], ends).sort(stable=True)
        limits = torch.arange(rows.shape[0] + 1, device=rows.device)
        starts = torch.searchsorted(keys, limits)
        index = others[order].clamp_min(0)
        weight = weights[order] * source_scale[index] if source.shape[0] else weights[order]
        return gather(source, index, weight, starts, rows, scale, normalize)

    return (
        ending_in(tokens, patches, text, text_scale, image, image_scale),
        ending_in(patches, tokens, image, image_scale, text, text_scale),
    )


def edges(winner: Tensor, starts: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Where winners lie and what their edges weigh.

    Args:
        winner: index within its segment, or a code below 0.
        starts: first row of that segment, broadcast to `winner`.
        gradient: of the maximum; the edge of a NaN maximum weighs NaN and ends nowhere.
    """
    row = torch.where(winner >= 0, starts + winner, -1)
    return row, torch.where(winner == POISONED, torch.nan, gradient)
