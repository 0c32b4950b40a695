"""Texts and images as callers give them, ragged or padded, brought to one form."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
LARGEST_DIM = 16384  # one row of it is what a backward program holds in registers


@dataclass(frozen=True)
class Rows:
    """`values` `[rows, dim]` in `count` runs, and the shape in which per-row results go back."""

    name: str
    values: Tensor
    offsets: Tensor | None
    count: int
    keep: Tensor | None
    shape: tuple[int, ...]

    def restored(self, results: Tensor) -> Tensor:
        """Per-row results `[rows, ...]` in the caller's layout."""
        return results.reshape(*self.shape, *results.shape[1:])


def rows(
    name: str,
    values: Tensor,
    offsets_name: str,
    offsets: Tensor | None,
    mask_name: str,
    mask: Tensor | None,
) -> Rows:
    """Check one side's arguments.

    Args:
        values: ragged `[rows, dim]` with `offsets` `[count + 1]`, or padded `[count, length, dim]`
            with an optional `mask`.
        mask: bool, of the shape of `values` without its last dimension, True where a row counts;
            any pattern. It may accompany ragged values too.

    Raises:
        TypeError: a dtype that is not float16, bfloat16 or float32 (or float64 on a CPU).
        ValueError: a shape that fits neither form.
    """
    check_floats(name, values)
    if values.dim() == 2 and offsets is None:
        raise ValueError(
            f"{name}: {describe(values)} is ragged and needs {offsets_name}; "
            f"or give it padded, as [batch, length, dim]"
        )
    if values.dim() == 3 and offsets is not None:
        raise ValueError(
            f"{offsets_name}: given beside a padded {name} of shape {list(values.shape)}; "
            f"give {mask_name} with padded values, {offsets_name} with ragged ones"
        )
    if values.dim() not in (2, 3):
        raise ValueError(
            f"{name}: {describe(values)}; expected ragged [rows, dim] or "
            "padded [batch, length, dim]"
        )
    if not 1 <= values.shape[-1] <= LARGEST_DIM:
        raise ValueError(
            f"{name}: {describe(values)} has dim {values.shape[-1]}; expected 1 to {LARGEST_DIM}"
        )
    if offsets is not None:
        check_offsets(offsets_name, offsets, name, values)
    shape = values.shape[:-1]
    if mask is not None:
        check_mask(mask_name, mask, name, values)
        mask = mask.reshape(-1)
    count = values.shape[0] if offsets is None else offsets.shape[0] - 1
    return Rows(name, values.reshape(-1, values.shape[-1]), offsets, count, mask, tuple(shape))


def check_floats(name: str, values: Tensor) -> None:
    wide = values.dtype == torch.float64 and values.device.type in ("cpu", "meta")
    if values.dtype not in DTYPES and not wide:
        raise TypeError(
            f"{name}: {describe(values)}; expected float16, bfloat16 or float32"
            + (" (float64 on a CPU alone)" if values.dtype == torch.float64 else "")
        )


def check_offsets(name: str, offsets: Tensor, of: str, values: Tensor) -> None:
    if offsets.dtype not in (torch.int32, torch.int64):
        raise TypeError(f"{name}: {describe(offsets)}; expected int32 or int64")
    if offsets.dim() != 1 or offsets.shape[0] < 1:
        raise ValueError(f"{name}: {describe(offsets)}; expected shape [segments + 1]")
    if offsets.device.type != "cpu" and offsets.device != values.device:
        raise ValueError(
            f"{name}: is on {offsets.device}, {of} on {values.device}; "
            "expected the CPU or the same device"
        )


def check_mask(name: str, mask: Tensor, of: str, values: Tensor) -> None:
    if mask.dtype != torch.bool:
        raise TypeError(f"{name}: {describe(mask)}; expected bool, True where a row counts")
    if mask.shape != values.shape[:-1]:
        raise ValueError(
            f"{name}: {describe(mask)}; expected {list(values.shape[:-1])}, as {of} has"
        )
    if mask.device != values.device:
        raise ValueError(f"{name}: is on {mask.device}, {of} on {values.device}; put them together")


def check_alike(one: Rows, other: Rows) -> None:
    """Two sides that are to be compared: one dim, dtype and device."""
    a, b = one.values, other.values
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{other.name}: has dim {b.shape[1]}, {one.name} has {a.shape[1]}; "
            "expected features of one space"
        )
    if a.dtype != b.dtype:
        raise TypeError(
            f"{other.name}: is {_dtype(b)}, {one.name} is {_dtype(a)}; convert one of them"
        )
    if a.device != b.device:
        raise ValueError(
            f"{other.name}: is on {b.device}, {one.name} on {a.device}; put them together"
        )


def check_paired(one: Rows, other: Rows) -> None:
    if one.count != other.count:
        raise ValueError(
            f"{other.name}: {other.count} of them, but {one.count} of {one.name}; "
            "pairs need as many of each"
        )


def describe(tensor: Tensor) -> str:
    return f"{_dtype(tensor)}{list(tensor.shape)}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
