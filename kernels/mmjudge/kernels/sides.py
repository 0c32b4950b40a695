"""What the operations over texts and images have in common."""

from __future__ import annotations

import torch
from torch import Tensor

from mmjudge.kernels.segments import Segments

# Arguments of every such operation, in the language of torch's operator schemas.
SIDES = (
    "Tensor text, Tensor image, Tensor? text_offsets, Tensor? image_offsets, "
    "SymInt texts, SymInt images"
)
KEEPS = "Tensor? text_keep, Tensor? image_keep, bool normalize, float eps"


def segments(
    text: Tensor,
    image: Tensor,
    text_offsets: Tensor | None,
    image_offsets: Tensor | None,
    texts: int,
    images: int,
) -> tuple[Segments, Segments]:
    """Both sides' segments, their offsets checked."""
    return (
        Segments("cu_tokens", text_offsets, texts, text.shape[0], text.device),
        Segments("cu_patches", image_offsets, images, image.shape[0], image.device),
    )


def wide(values: Tensor) -> torch.dtype:
    """What sums and results are kept in: float32, or float64 for float64 values."""
    return torch.float64 if values.dtype == torch.float64 else torch.float32


def like(values: Tensor) -> Tensor:
    """A gradient's fake: shape and dtype of `values`, contiguous."""
    return values.new_empty(values.shape)


def shares(scale: Tensor, over: Segments, mean: bool) -> Tensor:
    """What each row `[rows]` counts in its segment's score: 1, or 1 / the rows kept there."""
    kept = (scale != -1.0).to(scale.dtype)
    if not mean:
        return kept
    count = torch.zeros(over.count, dtype=scale.dtype, device=scale.device)
    return kept / count.index_add_(0, over.ids, kept).clamp_min(1.0)[over.ids]
