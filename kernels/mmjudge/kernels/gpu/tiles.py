"""Tile shapes: one table by kernel, architecture, dtype, depth and flags; never tuned at run time.

A tile that depended on how many texts or patches came along would change results with the batch.
Registers, shared memory and instructions of every entry are in docs/kernels/compile_table.json.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Kernel = Literal[
    "pairs",
    "pairs_columns",
    "vectors",
    "pooled",
    "pooled_backward",
    "matrix",
    "matrix_columns",
]


@dataclass(frozen=True)
class Tile:
    """`rows` x `columns` products a step, `depth` features at a time.

    `stages` are loads in flight; `descriptors`: loads by the tensor memory accelerator.
    """

    rows: int
    columns: int
    depth: int
    warps: int = 4
    stages: int = 3
    descriptors: bool = False

    def __str__(self) -> str:
        loads = "descriptors" if self.descriptors else "pointers"
        return (
            f"tiles of {self.rows} x {self.columns} x {self.depth}, {self.warps} warps, "
            f"{self.stages} stages, {loads}"
        )


INTERPRETED = Tile(32, 32, 64)

# float16 and bfloat16. An entry may be for feature dimensions above 2048 alone ("deep"), or for
# when winners are asked for.
HALF: dict[tuple[str, str], Tile] = {
    ("pairs", "sm_80"): Tile(64, 64, 64),
    ("pairs", "sm_90"): Tile(128, 64, 64, 4, 4, descriptors=True),
    ("pairs", "sm_100"): Tile(128, 64, 64, 8, 4, descriptors=True),
    ("pairs", "gfx942"): Tile(64, 64, 64, 4, 2),
    ("pairs deep", "sm_90"): Tile(128, 128, 64, 8, 3, descriptors=True),
    ("pairs deep", "sm_100"): Tile(128, 64, 64, 8, 4, descriptors=True),
    ("pairs_columns", "sm_80"): Tile(64, 64, 64),
    ("pairs_columns", "sm_89"): Tile(64, 64, 64, 8, 3),
    ("pairs_columns", "sm_90"): Tile(128, 64, 64, 4, 4, descriptors=True),
    ("pairs_columns", "sm_100"): Tile(128, 64, 64, 8, 4, descriptors=True),
    ("pairs_columns", "gfx942"): Tile(64, 64, 64, 4, 2),
    ("vectors", "sm_80"): Tile(64, 16, 64, 4, 4),
    ("vectors", "gfx942"): Tile(64, 16, 64, 4, 2),
    ("pooled", "sm_80"): Tile(64, 64, 64),
    ("pooled", "sm_90"): Tile(128, 64, 64, 8, 4, descriptors=True),
    ("pooled", "gfx942"): Tile(64, 64, 64, 4, 2),
    ("pooled_backward", "sm_80"): Tile(32, 32, 32, 4, 2),
    ("pooled_backward", "sm_100"): Tile(32, 32, 32, 4, 2),
    ("pooled_backward", "sm_90"): Tile(64, 64, 32, 8, 2),
    ("pooled_backward", "gfx942"): Tile(64, 32, 32, 4, 2),
    ("matrix", "sm_80"): Tile(128, 128, 64, 8, 3),
    ("matrix", "sm_89"): Tile(128, 128, 32, 8, 3),
    ("matrix", "sm_90"): Tile(128, 256, 64, 8, 3, descriptors=True),
    ("matrix", "sm_100"): Tile(128, 128, 64, 8, 3, descriptors=True),
    ("matrix", "gfx942"): Tile(128, 128, 64, 8, 2),
    ("matrix winners", "sm_80"): Tile(128, 128, 32, 8, 3),
    ("matrix winners", "sm_90"): Tile(128, 128, 64, 8, 3, descriptors=True),
    ("matrix winners", "sm_100"): Tile(128, 64, 64, 8, 4, descriptors=True),
    ("matrix winners", "gfx942"): Tile(128, 128, 64, 8, 2),
    ("matrix_columns", "sm_80"): Tile(128, 64, 64, 8, 3),
    ("matrix_columns", "sm_90"): Tile(256, 64, 64, 8, 4, descriptors=True),
    ("matrix_columns", "gfx942"): Tile(128, 64, 64, 8, 2),
    ("matrix_columns winners", "sm_100"): Tile(128, 64, 64, 8, 4, descriptors=True),
}
# float32, in three TF32 products on NVIDIA and as it is on AMD.
SINGLE: dict[tuple[str, str], Tile] = {
    (kernel, architecture): shape
    for kernel in ("pairs", "pairs_columns", "pooled", "matrix", "matrix_columns")
    for architecture, shape in {
        "sm_80": Tile(64, 32, 32, 8, 2),
        "sm_90": Tile(64, 64, 32, 4, 3),
        "gfx942": Tile(64, 64, 32, 4, 2),
    }.items()
} | {
    ("vectors", "sm_80"): Tile(64, 16, 32, 4, 3),
    ("vectors", "gfx942"): Tile(64, 16, 32, 4, 2),
    ("pooled_backward", "sm_80"): Tile(32, 32, 32, 4, 2),
    ("pooled_backward", "gfx942"): Tile(32, 32, 32, 4, 2),
}


def tile(kernel: Kernel, architecture: str, values: Tensor, *, winners: bool = False) -> Tile:
    """The tile of a kernel for features like `values` on an architecture.

    An architecture without an entry of its own takes that of a relative, see `_kin`; the table
    knows no other key, so neither batch nor text nor image can change it.
    """
    if architecture == "cpu":
        return INTERPRETED
    table = SINGLE if values.dtype == torch.float32 else HALF
    dim = values.shape[-1]
    names = [f"{kernel} winners"] * winners + [f"{kernel} deep"] * (dim > 2048) + [kernel]
    for name in names:
        for kin in _kin(architecture):
            if (name, kin) in table:
                found = table[name, kin]
                return replace(found, depth=min(found.depth, 32)) if dim <= 32 else found
    raise LookupError(f"no tile for kernel {kernel!r} on {architecture}")


def _kin(architecture: str) -> tuple[str, ...]:
    """Architectures whose tiles fit this one, nearest first."""
    if architecture.startswith("gfx"):
        return ("gfx942",)
    number = int(architecture.removeprefix("sm_"))
    if number in (86, 87, 89) or number >= 120:
        return ("sm_89", "sm_80")  # about 100 KB of shared memory
    if number >= 100:
        return ("sm_100", "sm_90", "sm_80")
    return ("sm_90", "sm_80") if number >= 90 else ("sm_80",)
