"""Tiny models on disk, written once a session, and the recorded goldens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.goldens import recorded
from tests.judges import tiny_models


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Outputs of the original implementations; skips where they are absent."""
    return recorded("clip")


@pytest.fixture(scope="session")
def mmie_goldens() -> Path:
    """Outputs of MMIE's and InternVL's own code on tiny weights; skips where they are absent."""
    return recorded("mmie")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For tiny models, whose passes are shorter than the wait for a second thread on a busy CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model hub, whatever the environment says."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def open_clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open-clip")
    return tiny_models.write_open_clip(folder, tiny_models.OPEN_CLIP_VIT)


@pytest.fixture(scope="session")
def open_clip_siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_open_clip_siglip(tmp_path_factory.mktemp("open-clip-siglip"))


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="session")
def siglip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_siglip2(tmp_path_factory.mktemp("siglip2"))
