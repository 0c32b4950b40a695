"""Which implementation an operation runs on, and why."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from mmjudge.kernels.architecture import architecture

if TYPE_CHECKING:
    from mmjudge.kernels.implementation import Implementation

Name = Literal["triton", "interpret", "blocked"]

# The operations and the kernels that their tiles are listed under.
OPERATIONS: dict[str, Literal["pairs", "matrix"] | None] = {
    "token_image_reward": "pairs",
    "late_interaction_pairs": "pairs",
    "late_interaction_matrix": "matrix",
    "segment_reduce": None,
}

log = logging.getLogger(__name__)
_asked: ContextVar[Name | None] = ContextVar("mmjudge_kernels_backend", default=None)
_strict: ContextVar[bool] = ContextVar("mmjudge_kernels_strict", default=False)


class BackendUnavailable(RuntimeError):
    """The backend that was asked for, or that strict mode demands, cannot run here."""


@dataclass(frozen=True)
class Backend:
    """One choice: `name`, the `reason` for it, and `fallback` where it is not the device's own."""

    name: Name
    reason: str
    fallback: bool = False


@contextmanager
def backend(name: Name) -> Iterator[None]:
    """Run the operations within on this backend, whatever their device would choose.

    `interpret` runs the Triton sources on the CPU, slowly; it needs `TRITON_INTERPRET=1` in the
    environment before Triton is imported. `blocked` runs the torch path on any device.
    """
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def strict() -> Iterator[None]:
    """Within: raise `BackendUnavailable` instead of falling back to a slower backend."""
    token = _strict.set(True)
    try:
        yield
    finally:
        _strict.reset(token)


def choose(*tensors: Tensor) -> Backend:
    """The backend for these tensors, by their device alone.

    Raises:
        BackendUnavailable: the one asked for cannot run, or strict mode forbids the fallback.
    """
    device = tensors[0].device
    asked = _asked.get()
    if asked == "blocked":
        return Backend("blocked", "asked for")
    if asked == "interpret":
        return _interpret(tensors[0])
    missing = _missing_triton(device)
    if asked == "triton" and missing:
        raise BackendUnavailable(f"backend 'triton': {missing}")
    if not missing:
        return Backend("triton", f"{device.type} device with {architecture(device)}")
    if device.type == "cpu" or device.type == "meta":
        return Backend("blocked", "CPU tensors: products of blocks by torch")
    if _strict.get():
        raise BackendUnavailable(f"strict mode: {missing}; the blocked torch path is not allowed")
    _say_once(missing)
    return Backend("blocked", f"fallback: {missing}", fallback=True)


def explain_backend(operation: str, *tensors: Tensor) -> Backend:
    """Which backend an operation would run on for these tensors, with which tiles, and why.

    Args:
        operation: `token_image_reward`, `late_interaction_pairs`, `late_interaction_matrix` or
            `segment_reduce`.
        tensors: its tensors, or others of their device, dtype and last dimension.

    Raises:
        ValueError: an unknown operation, or no tensors.
        BackendUnavailable: as the operation would.
    """
    if operation not in OPERATIONS:
        raise ValueError(f"operation: {operation!r}; expected one of {', '.join(OPERATIONS)}")
    if not tensors:
        raise ValueError("tensors: none; expected those of the operation")
    chosen, kernel = choose(*tensors), OPERATIONS[operation]
    if chosen.name == "blocked" or kernel is None:
        return chosen
    from mmjudge.kernels.gpu.tiles import tile

    tiles = tile(kernel, architecture(tensors[0].device), tensors[0])
    return replace(chosen, reason=f"{chosen.reason}; {tiles}")


def implementation(*tensors: Tensor) -> Implementation:
    """The module that implements the operations for these tensors."""
    if choose(*tensors).name == "blocked":
        from mmjudge.kernels import blocked

        return blocked
    from mmjudge.kernels import gpu

    return gpu


def interpreting() -> bool:
    """Whether Triton kernels run in its interpreter."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def _interpret(values: Tensor) -> Backend:
    if values.device.type != "cpu":
        raise BackendUnavailable(
            f"backend 'interpret': tensors are on {values.device}, expected the CPU"
        )
    if values.dtype == torch.float64:
        raise BackendUnavailable("backend 'interpret': kernels have no float64; use 'blocked'")
    if not interpreting():
        raise BackendUnavailable(
            "backend 'interpret': set TRITON_INTERPRET=1 before Triton is imported"
        )
    if importlib.util.find_spec("triton") is None:
        raise BackendUnavailable("backend 'interpret': triton is not installed")
    return Backend("interpret", "asked for")


def _missing_triton(device: torch.device) -> str:
    """Why Triton cannot serve this device; empty where it can."""
    if device.type != "cuda":
        return f"Triton has no kernels for a {device.type} device"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed: pip install triton"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < (8, 0):
        return f"{architecture(device)} is older than sm_80"
    return ""


@cache
def _say_once(reason: str) -> None:
    log.warning("token similarity falls back to blocked torch: %s", reason)
