"""Grounding maps: what tokens say about places in the image."""

from __future__ import annotations

import torch
from torch import Tensor

from mmjudge.kernels.rows import describe


def grounding_map(
    patches: Tensor, grid: tuple[int, int], *, weights: Tensor | None = None
) -> Tensor:
    """Lay per-patch scores, or the patches that tokens chose, out on the image's grid.

    Args:
        patches: scores, float `[..., height * width]`, row by row from the top left; or the chosen
            patches, int `[..., tokens]` with -1 for none, as `argmax` comes.
        grid: `(height, width)` in patches.
        weights: with chosen patches, what each token adds to its patch, `[..., tokens]`, such as
            its reward; None: 1.

    Returns:
        `[..., height, width]` float32: the scores, or the sum of the weights at every patch.

    Raises:
        TypeError, ValueError: naming the argument, what came and what was expected.
    """
    height, width = grid
    size = height * width
    if height < 1 or width < 1:
        raise ValueError(f"grid: {grid}; expected (height, width) of at least one patch each")
    if patches.is_floating_point():
        if weights is not None:
            raise ValueError("weights: given with scores; they belong to chosen patches")
        if patches.dim() < 1 or patches.shape[-1] != size:
            raise ValueError(
                f"patches: {describe(patches)}; expected {size} scores in the last dimension, "
                f"a grid of {height} x {width}"
            )
        return patches.float().reshape(*patches.shape[:-1], height, width)
    if patches.dtype not in (torch.int32, torch.int64) or patches.dim() < 1:
        raise TypeError(f"patches: {describe(patches)}; expected float scores or int patch indices")
    if bool((patches >= size).any()):
        raise ValueError(
            f"patches: holds {int(patches.max())}; expected indices below {size}, "
            f"a grid of {height} x {width}"
        )
    if weights is None:
        weights = torch.ones_like(patches, dtype=torch.float32)
    elif weights.shape != patches.shape:
        raise ValueError(f"weights: {describe(weights)}; expected {list(patches.shape)}")
    chosen = patches[..., None] == torch.arange(size, device=patches.device)
    total = torch.where(chosen, weights.float()[..., None], 0.0).sum(-2)
    return total.reshape(*patches.shape[:-1], height, width)
