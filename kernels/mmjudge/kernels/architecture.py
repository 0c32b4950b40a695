"""The name of a GPU's architecture, under which its kernels' tiles are listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_assumed: ContextVar[str | None] = ContextVar("mmjudge_kernels_architecture", default=None)


def architecture(device: torch.device) -> str:
    """`sm_90` of an NVIDIA GPU, `gfx942` of an AMD one, `cpu` elsewhere (the interpreter)."""
    assumed = _assumed.get()
    if assumed is not None:
        return assumed
    if device.type != "cuda":
        return "cpu"
    if torch.version.hip is not None:
        return str(torch.cuda.get_device_properties(device).gcnArchName).partition(":")[0]
    major, minor = torch.cuda.get_device_capability(device)
    return f"sm_{major}{minor}"


@contextmanager
def assuming(name: str) -> Iterator[None]:
    """Within: launchers prepare for this architecture, as when compiling ahead of time for it."""
    token = _assumed.set(name)
    try:
        yield
    finally:
        _assumed.reset(token)
