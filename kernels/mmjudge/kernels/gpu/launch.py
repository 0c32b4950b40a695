"""What every launch needs to know about its tensors and about where it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from mmjudge.kernels.architecture import architecture
from mmjudge.kernels.backends import interpreting
from mmjudge.kernels.gpu.tiles import Tile

ALIGNMENT = 16  # bytes, of what a vector load or a descriptor begins at


def features(values: Tensor, depth: int) -> Tensor:
    """`values` `[rows, dim]` as kernels take them, copied only if they are not so already.

    Features side by side and in a number that `depth` divides (zeros added, which change no dot
    product), rows on 16 byte boundaries: then loads need no masks along the features.
    """
    missing = -values.shape[1] % depth
    if missing:
        return torch.nn.functional.pad(values, (0, missing))
    stride = values.stride(0) * values.element_size()
    aligned = values.stride(1) == 1 and stride % ALIGNMENT == 0
    if aligned and values.data_ptr() % ALIGNMENT == 0:
        return values
    return values.clone(memory_format=torch.contiguous_format)


def descriptor(values: Tensor, rows: int, depth: int, wanted: bool) -> Any:
    """What the tensor memory accelerator loads blocks by; None for kernels to use pointers."""
    if not (wanted and values.shape[0]):
        return None
    from triton.tools.tensor_descriptor import TensorDescriptor

    return TensorDescriptor(values, list(values.shape), list(values.stride()), [rows, depth])


def on(values: Tensor) -> AbstractContextManager[object]:
    """Launches go to the current device; make it that of the tensors."""
    return torch.cuda.device(values.device) if values.is_cuda else nullcontext()


def products(values: Tensor, shape: Tile) -> dict[str, object]:
    """The constants and options of a kernel that multiplies features of this kind."""
    return {
        "BM": shape.rows,
        "BN": shape.columns,
        "BK": shape.depth,
        "UPCAST": interpreting(),
        "PRECISION": precision(values),
        "num_warps": shape.warps,
        "num_stages": shape.stages,
        # Scale and mask are one multiply-add; Triton 3.10 no longer fuses them unasked.
        "enable_fp_fusion": True,
    }


def precision(values: Tensor) -> str:
    """How float32 features are multiplied: three TF32 products, or one where torch was told so."""
    if not architecture(values.device).startswith("sm_"):
        return "ieee"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


def gradient_like(values: Tensor) -> Tensor:
    """Where a kernel writes a gradient; the interpreter cannot round to bfloat16, torch will."""
    dtype = torch.float32 if interpreting() else values.dtype
    return torch.empty(values.shape, dtype=dtype, device=values.device)
