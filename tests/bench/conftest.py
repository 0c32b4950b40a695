"""What tests of benchmarks share."""

from pathlib import Path

import pytest


@pytest.fixture
def tables_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `datasets` unpacks Parquet files to, instead of the user's cache; without bars."""
    import datasets

    folder = tmp_path / "cache of datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    datasets.disable_progress_bars()
    return folder
