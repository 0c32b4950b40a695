"""open_clip's towers against numbers recorded from the original implementations."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image as PIL
from safetensors.torch import save_file
from tests.judges.tiny_models import image_batch, text_batch
from torch.nn.functional import normalize

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage
from mmjudge.judges.backbones.open_clip_tower import load_open_clip_tower
from mmjudge.judges.backbones.tower import Tower

pytestmark = pytest.mark.usefixtures("one_thread")


def load(folder: Path) -> Tower:
    return load_open_clip_tower(f"local-dir:{folder}", "", torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def golden_folder(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint of OpenAI's CLIP as a `local-dir:`."""
    stored = torch.load(goldens / "clipscore/clip_tiny_vitb32_layout.pt", weights_only=True)
    for name in ("input_resolution", "context_length", "vocab_size"):
        del stored[name]
    vision = {"image_size": 224, "patch_size": 32, "width": 128, "head_width": 64, "layers": 2}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
    config = {"embed_dim": 40, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    folder = tmp_path_factory.mktemp("golden")
    state = {name: tensor.float().contiguous() for name, tensor in stored.items()}
    save_file(state, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return folder


def golden_picture(goldens: Path, name: str) -> PIL.Image:
    return open_image(EncodedImage((goldens / "images" / name).read_bytes())).picture


@torch.inference_mode()
def test_clipscore_golden(goldens: Path, golden_folder: Path) -> None:
    tower = load_open_clip_tower(
        f"local-dir:{golden_folder}", "", torch.device("cpu"), torch.float32
    )
    expected = np.load(goldens / "clipscore/expected.npz")
    recorded = json.loads((goldens / "clipscore/expected.json").read_text())
    (pixels,) = image_batch(
        tower, [golden_picture(goldens, case["image"]) for case in recorded["cases"]]
    )
    texts = [recorded["prefix"] + case["candidate"] for case in recorded["cases"]]
    images, texts_ = tower.encode_images(pixels)[0], tower.encode_texts(*text_batch(tower, texts))
    cosines = (normalize(images) * normalize(texts_[0])).sum(1)
    for found, name in [
        (images, "image_features_raw"),
        (texts_[0], "candidate_features_raw"),
        (cosines.clamp(min=0) * 2.5, "clipscore"),
    ]:
        np.testing.assert_allclose(found, expected[name], rtol=0, atol=1e-5)


def test_openai_token_goldens(goldens: Path, golden_folder: Path) -> None:
    tower = load_open_clip_tower(
        f"local-dir:{golden_folder}", "", torch.device("cpu"), torch.float32
    )
    recorded = json.loads((goldens / "clipscore/tokenizer_cases.json").read_text())["cases"]
    different = []
    for case in recorded:
        if tower.truncate(tower.tokenize(case["text"])) != case["ids_plain"]:
            different.append(case["text"])
    assert different == ["<|endoftext|> in the middle"]  # a control token for openai/CLIP


def test_preprocessing_goldens(goldens: Path, golden_folder: Path) -> None:
    tower = load_open_clip_tower(
        f"local-dir:{golden_folder}", "", torch.device("cpu"), torch.float32
    )
    stored = np.load(goldens / "preprocess/uint8_after_resize_crop.npz")
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(3, 1, 1)
    names = [key for key in stored if key.startswith("clip_pil_224__")]
    assert len(names) == 14
    for key in names:
        picture = golden_picture(goldens, key.removeprefix("clip_pil_224__"))
        expected = torch.from_numpy(stored[key]).float().div(255).sub(mean).div(std)
        assert torch.equal(tower.preprocess(picture)[0], expected), key
