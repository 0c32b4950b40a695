"""Kernels compiled ahead of time for GPUs that are not here, against the committed table."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = json.loads((REPOSITORY / "docs" / "kernels" / "compile_table.json").read_text())
ARCHITECTURES = {"sm_80", "sm_89", "sm_90", "sm_100", "gfx942"}
KERNELS = {
    "pairs_kernel",
    "decode_keys",
    "pooled_kernel",
    "pooled_gradient_kernel",
    "matrix_kernel",
    "columns_kernel",
    "scales_kernel",
    "gather_kernel",
    "segment_kernel",
}


def test_the_table_holds_every_kernel_for_every_architecture_on_two_versions() -> None:
    assert len(TABLE) >= 2
    for rows in TABLE.values():
        present = {tuple(name.replace(":", "").split()[:3]) for name in rows}
        assert present == {
            (architecture, dtype, kernel)
            for architecture in ARCHITECTURES
            for dtype in ("bf16", "fp32")
            for kernel in KERNELS
        }


def test_no_kernel_spills_and_hopper_multiplies_by_warp_groups() -> None:
    for rows in TABLE.values():
        assert not [name for name, row in rows.items() if row["spills"]]
        products = [
            row
            for name, row in rows.items()
            if name.startswith(
                ("sm_90 bf16 pairs", "sm_90 bf16 matrix", "sm_90 bf16 pooled_kernel")
            )
        ]
        assert products and all(row["wgmma"] for row in products)


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_the_installed_version_compiles_hopper_s_kernels_as_the_table_says() -> None:
    """`make compiled` checks every architecture on both versions; this, the one we aim at."""
    version = subprocess.run(
        [sys.executable, "-c", "import triton; print(triton.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if version not in TABLE:
        pytest.skip(f"the table has no rows of Triton {version}")
    script = REPOSITORY / "scripts" / "compile_kernels.py"
    ran = subprocess.run(
        [sys.executable, str(script), "--check", "--only", "sm_90"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
