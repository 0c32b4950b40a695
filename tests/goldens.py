"""Numbers recorded of reference implementations, which lie beside the repository, not in it."""

from pathlib import Path

import pytest

GOLDENS = Path(__file__).resolve().parents[2] / "shared" / "goldens"


def recorded(name: str) -> Path:
    """The folder of that name; skips the test where the goldens are absent."""
    if not (folder := GOLDENS / name).is_dir():
        pytest.skip("no goldens beside this repository")
    return folder
