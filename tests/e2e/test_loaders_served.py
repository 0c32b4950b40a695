"""Models of open_clip and transformers behind one engine: what they score is what they compute."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as PIL
from tests.judges import tiny_models

from mmjudge.cli.photos import example_photos
from mmjudge.client import LocalClient

TEXTS = ["a cup of espresso", "a rocket on its launch pad", "a cat"]


def test_clipscore_and_sigmoid_are_the_libraries_own(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    (tmp_path / "siglip").mkdir()
    clip = tiny_models.write_open_clip(tmp_path / "clip", tiny_models.OPEN_CLIP_VIT)
    siglip = tiny_models.write_siglip(tmp_path / "siglip")
    photo = example_photos() / "coffee.png"
    judges = {
        "clipscore": {
            "kind": "clip",
            "model": f"local-dir:{clip}",
            "score": "clipscore",
            "template": "A photo depicts {text}",
        },
        "cosine": {"kind": "clip", "model": f"local-dir:{clip}"},
        "sigmoid": {"kind": "clip", "model": f"transformers:{siglip}", "score": "probability"},
    }
    with LocalClient(judges) as client:
        scores = client.score(photo, TEXTS, judges=list(judges))
        fingerprints = {info.fingerprint for info in client.list_judges().judges.values()}
    assert len(fingerprints) == 3
    prompts = [f"A photo depicts {text}" for text in TEXTS]
    expected = 2.5 * np.maximum(open_clip_cosines(clip, photo, prompts), 0)
    np.testing.assert_allclose(scores["clipscore"].values, expected, atol=1e-5)
    cosines = open_clip_cosines(clip, photo, TEXTS)
    np.testing.assert_allclose(scores["cosine"].values, cosines, atol=1e-5)
    np.testing.assert_allclose(scores["sigmoid"].values, sigmoids(siglip, photo), atol=1e-5)


@torch.inference_mode()
def open_clip_cosines(folder: Path, photo: Path, texts: list[str]) -> NDArray[np.float32]:
    import open_clip  # which imports torchvision, once our loaders have made that possible

    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(texts)
    pixels = transform(PIL.open(photo)).unsqueeze(0)
    image = model.eval().encode_image(pixels, normalize=True)
    cosines: NDArray[np.float32] = (image @ model.encode_text(tokens, normalize=True).T)[0].numpy()
    return cosines


@torch.inference_mode()
def sigmoids(folder: Path, photo: Path) -> NDArray[np.float32]:
    import transformers

    model = transformers.SiglipModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    length = model.config.text_config.max_position_embeddings
    ids = tokenizer(TEXTS, padding="max_length", max_length=length, return_tensors="pt").input_ids
    pixels = processor(PIL.open(photo).convert("RGB"), return_tensors="pt")
    logits = model(input_ids=ids, pixel_values=pixels.pixel_values).logits_per_image
    probabilities: NDArray[np.float32] = torch.sigmoid(logits)[0].numpy()
    return probabilities


def test_models_that_cannot_give_a_readout_are_refused(tmp_path: Path) -> None:
    clip = tiny_models.write_open_clip(tmp_path, tiny_models.OPEN_CLIP_VIT)
    with pytest.raises(ValueError, match="score 'probability': .* trained without a sigmoid"):
        LocalClient({"x": {"kind": "clip", "model": f"local-dir:{clip}", "score": "probability"}})
