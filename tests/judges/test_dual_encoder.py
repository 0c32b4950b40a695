"""Every tower behind a `DualEncoder`: scores without company's influence, fingerprints."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tests.judges.tiny_models import PHRASES, pictures

from mmjudge.contract.images import PixelImage
from mmjudge.judges.backbones.dual_encoder import (
    DualEncoder,
    DualEncoderConfig,
    load_dual_encoder,
)
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.text_encoding import Text

pytestmark = pytest.mark.usefixtures("one_thread")
P = TypeVar("P")
SCHEMES = {
    "open_clip_folder": "local-dir",
    "open_clip_siglip_folder": "local-dir",
    "clip_folder": "transformers",
    "siglip_folder": "transformers",
    "siglip2_folder": "transformers",
}


@pytest.fixture(params=SCHEMES, scope="module")
def source(request: pytest.FixtureRequest) -> tuple[str, Path]:
    return SCHEMES[request.param], request.getfixturevalue(request.param)


def load(scheme: str, folder: Path, **options: Any) -> DualEncoder:
    config = DualEncoderConfig(f"{scheme}:{folder}", device="cpu", **options)
    return load_dual_encoder(config)


def assert_same(found: list[Features], expected: list[Features]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.embedding, other.embedding)
        assert (one.tokens is None) == (other.tokens is None)
        if one.tokens is not None and other.tokens is not None:
            assert one.tokens.equal(other.tokens)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_features_do_not_depend_on_their_company(source: tuple[str, Path], dtype: str) -> None:
    encoder = load(*source, dtype=dtype)
    encoder.keep_tokens()
    order = np.random.default_rng(0).permutation(64)
    texts = [f"cat {index} " * (1 + index % 4) for index in range(32)]
    texts += [f"{PHRASES[index % 5]} {index} " * (1 + index % 4) for index in range(32)]
    images = [PixelImage(np.asarray(picture)) for picture in pictures(64)]
    cut = [Text(text, when_long="truncate") for text in texts]
    text_payloads = [encoder.texts.prepare(text).payload for text in cut]
    image_payloads = [encoder.images.prepare(image).payload for image in images]

    together = encoder.texts.forward(text_payloads)
    assert_same(
        encoder.texts.forward([text_payloads[at] for at in order]), permuted(together, order)
    )
    assert_same(alone(encoder.texts.forward, text_payloads[28:36]), together[28:36])
    together = encoder.images.forward(image_payloads)
    assert_same(
        encoder.images.forward([image_payloads[at] for at in order]), permuted(together, order)
    )
    assert_same(alone(encoder.images.forward, image_payloads[:16]), together[:16])
    assert len({len(ids) for ids in text_payloads}) > 3
    for features in together:
        assert np.linalg.norm(features.embedding) == pytest.approx(1, abs=1e-6)


def alone(forward: Callable[[list[P]], list[Features]], payloads: list[P]) -> list[Features]:
    return [forward([payload])[0] for payload in payloads]


def permuted(features: list[Features], order: NDArray[np.int64]) -> list[Features]:
    return [features[at] for at in order]


def fingerprints(encoder: DualEncoder) -> tuple[str, str]:
    return encoder.images.fingerprint, encoder.texts.fingerprint


# CLIP's differ from SigLIP's in nothing but the second it takes to read OpenAI's tokenizer.
@pytest.mark.parametrize("fixture", [name for name in SCHEMES if name != "clip_folder"])
def test_fingerprints_tell_what_changes_scores(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scheme, original = SCHEMES[fixture], request.getfixturevalue(fixture)
    folder = shutil.copytree(original, tmp_path / "copy")
    seen = {fingerprints(load(scheme, original))}
    # Neither where a model lies nor loading it again.
    assert fingerprints(load(scheme, folder)) in seen

    def changes() -> None:
        found = fingerprints(load(scheme, folder))
        assert found not in seen
        seen.add(found)

    for options in ({"dtype": "bfloat16"}, {"deterministic": False}):
        found = fingerprints(load(scheme, folder, **options))
        assert found not in seen
        seen.add(found)

    (weights,) = folder.glob("*.safetensors")
    state = load_file(weights)
    largest = max(state, key=lambda name: state[name].numel())
    bits = state[largest].view(-1).numpy().view(np.uint32)
    bits[7] ^= 1
    save_file(state, weights, {"format": "pt"})
    changes()

    preprocessor = "open_clip_config.json" if scheme == "local-dir" else "preprocessor_config.json"
    settings = json.loads((folder / preprocessor).read_text())
    if scheme == "local-dir":
        settings["preprocess_cfg"]["std"] = [0.5, 0.5, 0.25]
    else:
        settings["image_std"] = [0.5, 0.5, 0.25]
    (folder / preprocessor).write_text(json.dumps(settings))
    changes()

    # The activation is no weight and no preprocessing.
    config = folder / ("open_clip_config.json" if scheme == "local-dir" else "config.json")
    settings = json.loads(config.read_text())
    if scheme == "local-dir":
        settings["model_cfg"]["quick_gelu"] = True
    else:
        settings["text_config"]["hidden_act"] = "relu"
    config.write_text(json.dumps(settings))
    changes()
