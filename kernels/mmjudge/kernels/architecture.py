"""The name of a GPU's architecture, under which its kernels' tiles are listed."""

from __future__ import annotations

from functools import cache

import torch


@cache
def architecture(device: torch.device) -> str:
    """`sm_90` of an NVIDIA GPU, `gfx942` of an AMD one, `cpu` elsewhere (the interpreter)."""
    if device.type != "cuda":
        return "cpu"
    if torch.version.hip is not None:
        return str(torch.cuda.get_device_properties(device).gcnArchName).partition(":")[0]
    major, minor = torch.cuda.get_device_capability(device)
    return f"sm_{major}{minor}"
