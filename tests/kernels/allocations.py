"""Memory under watch: buffers with poison around and within, and the sizes of what is made."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

MARGIN = 256  # values on either side

aten = torch.ops.aten
EMPTY = (aten.empty, aten.empty_like, aten.new_empty)
FILLED = (
    *(aten.zeros, aten.zeros_like, aten.new_zeros, aten.ones, aten.ones_like, aten.new_ones),
    *(aten.full, aten.full_like, aten.new_full),
)


def poison(dtype: torch.dtype) -> Any:
    if dtype.is_floating_point:
        return torch.nan
    return True if dtype == torch.bool else torch.iinfo(dtype).max - 1


def within_poison(values: Tensor) -> Tensor:
    """Equal values as a view, with poison before and after them and between their rows."""
    rows, columns = values.shape
    whole = torch.full((rows + 2, columns + 48), poison(values.dtype), dtype=values.dtype)
    inner = whole[1:-1, 16:-32]
    inner.copy_(values)
    return inner


class Canaries(TorchDispatchMode):
    """Within: every buffer that is made lies in a larger one, whose margins hold poison.

    So does a new buffer itself, until something is written there.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.buffers: list[tuple[Tensor, int]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket not in (*EMPTY, *FILLED):
            return result
        size = result.numel()
        whole = torch.full((size + 2 * MARGIN,), poison(result.dtype), dtype=result.dtype)
        inner = whole[MARGIN : MARGIN + size].view(result.shape)
        if func.overloadpacket in FILLED:
            inner.copy_(result)
        self.buffers.append((whole, size))
        return inner

    def untouched(self) -> bool:
        """Whether every margin still holds its poison."""
        for whole, size in self.buffers:
            value = torch.full((MARGIN,), poison(whole.dtype), dtype=whole.dtype)
            for margin in (whole[:MARGIN], whole[MARGIN + size :]):
                if not bool(((margin == value) | (margin.isnan() & value.isnan())).all()):
                    return False
        return True


class Largest(TorchDispatchMode):
    """Within: how many values the largest tensor holds that is made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(made, Tensor):
                self.values = max(self.values, made.untyped_storage().nbytes() // made.itemsize)
        return result


def watch(
    monkeypatch: pytest.MonkeyPatch, mode: TorchDispatchMode, module: ModuleType, *names: str
) -> None:
    """Run these functions under the mode, which around the operations would see nothing within."""

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with mode:
                return function(*arguments)

        return call

    for name in names:
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
