"""Benchmarks are scripts: their folder is on the path as it is when one of them runs."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds are there to be gone through, not to be precise."""
    from kernel_bench import clocks

    monkeypatch.setattr(clocks, "AT_LEAST", {"cpu": 1e-4, "cuda": 0.02})
