"""What every launch needs to know about its tensors and about where it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from mmjudge.kernels.backends import interpreting


def contiguous_rows(values: Tensor) -> Tensor:
    """Kernels take any stride between rows, but features side by side."""
    return values if values.stride(-1) == 1 or values.shape[-1] == 1 else values.contiguous()


def on(values: Tensor) -> AbstractContextManager[object]:
    """Launches go to the current device; make it that of the tensors."""
    return torch.cuda.device(values.device) if values.is_cuda else nullcontext()


def precision(values: Tensor) -> str:
    """How float32 features are multiplied: three TF32 products, or one where torch was told so."""
    if not values.is_cuda or torch.version.hip is not None:
        return "ieee"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


def arithmetic(values: Tensor, depth: int) -> dict[str, object]:
    """The constants of `blocks.similarities` that depend on the features."""
    return {
        "EVEN": values.shape[-1] % depth == 0,
        "UPCAST": interpreting(),
        "PRECISION": precision(values),
    }


def gradient_like(values: Tensor) -> Tensor:
    """Where a kernel writes a gradient; the interpreter cannot round to bfloat16, torch will."""
    dtype = torch.float32 if interpreting() else values.dtype
    return torch.empty(values.shape, dtype=dtype, device=values.device)
