"""Judges over one tower: loaded once, each image encoded once, and what cannot be shared."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.judges.golden_models import kind
from tests.judges.tiny_models import OPEN_CLIP_VIT, pictures

from mmjudge.client import LocalClient
from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.judges.aesthetic import AestheticBackbone
from mmjudge.judges.backbones import dual_encoder
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig
from mmjudge.judges.backbones.hps_tower import build_network
from mmjudge.judges.backbones.image_encoding import ImageEncoding
from mmjudge.judges.backbones.text_encoding import TextEncoding
from mmjudge.judges.hps import HpsBackbone
from mmjudge.judges.pickscore import PickScoreBackbone

IMAGES = [PixelImage(np.asarray(picture)) for picture in pictures(6)]


class Seen:
    """What was loaded and encoded while a test ran."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.images: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()

    def forget(self) -> None:
        """Leave out what warming up took."""
        self.images.clear()
        self.texts.clear()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    it = Seen()
    make, see, read = DualEncoder.__init__, ImageEncoding.forward, TextEncoding.forward

    def construct(self: DualEncoder, config: DualEncoderConfig, tower: Any) -> None:
        it.loaded.append(config.model)
        make(self, config, tower)

    def images(self: ImageEncoding, payloads: list[Any]) -> Any:
        it.images[self.name] += len(payloads)
        return see(self, payloads)

    def texts(self: TextEncoding, payloads: list[Any]) -> Any:
        it.texts[self.name] += len(payloads)
        return read(self, payloads)

    monkeypatch.setattr(dual_encoder.DualEncoder, "__init__", construct)
    monkeypatch.setattr(ImageEncoding, "forward", images)
    monkeypatch.setattr(TextEncoding, "forward", texts)
    yield it


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model in the layout of HPS's checkpoints."""
    folder = tmp_path_factory.mktemp("hps")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(OPEN_CLIP_VIT)
        torch.nn.init.normal_(network.text_projection, std=0.25)
    torch.save({"state_dict": network.state_dict()}, folder / "it.pt")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": OPEN_CLIP_VIT}))
    return folder / "it.pt"


def head(folder: Path) -> str:
    path = folder / "head.pth"
    torch.save({"weight": torch.ones(1, 24), "bias": torch.zeros(1)}, path)
    return str(path)


def ask(client: LocalClient, judges: list[str]) -> dict[str, list[float]]:
    """Two texts with all images, each image twice, of all judges in one request."""
    candidates = [Candidate([image]) for image in (*IMAGES, *IMAGES)]
    items = [Item([text], candidates) for text in ("a cat", "two dogs")]
    found = client.judge(items, judges=judges)
    return {name: [v for item in one.candidate_values for v in item] for name, one in found.items()}


def test_clip_clipscore_and_aesthetic_share_one_clip(
    clip_folder: Path, tmp_path: Path, seen: Seen
) -> None:
    model = f"transformers:{clip_folder}"
    judges = {
        "cosine": {"kind": kind("clip"), "model": model},
        "clipscore": {"kind": kind("clip"), "model": model, "score": "clipscore"},
        "aesthetic": {"kind": kind("aesthetic"), "model": model, "head": head(tmp_path)},
    }
    with LocalClient(judges) as client:
        assert seen.loaded == [model]
        seen.forget()
        ask(client, list(judges))
    assert seen.images == {f"{model}/images": len(IMAGES)}
    assert seen.texts == {f"{model}/texts": 4}  # two texts, each with the prefix and without


def test_pickscore_hps_and_clip_share_one_model_read_in_one_way(
    checkpoint: Path, seen: Seen
) -> None:
    model = f"hps:{checkpoint}"
    judges = {
        "hps": {"kind": kind("hps"), "model": str(checkpoint)},
        "pickscore": {"kind": kind("pickscore"), "model": model},
        "clip": {"kind": kind("clip"), "model": model, "long_text": "truncate"},
    }
    with LocalClient(judges) as client:
        assert seen.loaded == [model]
        seen.forget()
        found = ask(client, list(judges))
    assert seen.images == {f"{model}/images": len(IMAGES)}
    assert seen.texts == {f"{model}/texts": 2}
    assert found["hps"] == found["clip"]
    ratios = np.array(found["pickscore"]) / np.array(found["hps"])
    np.testing.assert_allclose(ratios, 1 / 0.07, rtol=1e-4)  # open_clip's initial logit scale


def test_another_preprocessing_cannot_share_whatever_the_weights(
    checkpoint: Path, tmp_path: Path, seen: Seen
) -> None:
    shutil.copy(checkpoint.with_name("open_clip_config.json"), tmp_path)
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    save_file(state, tmp_path / "open_clip_model.safetensors")
    judges = {
        "hps": {"kind": kind("hps"), "model": str(checkpoint)},
        "clip": {"kind": kind("clip"), "model": f"local-dir:{tmp_path}", "long_text": "truncate"},
    }
    with LocalClient(judges) as client:
        provenance = [one.provenance for one in client.list_judges().judges.values()]
        seen.forget()
        found = ask(client, list(judges))
    assert provenance[0]["weights"] == provenance[1]["weights"]
    assert provenance[0]["preprocessing"] != provenance[1]["preprocessing"]
    assert sorted(seen.images.values()) == [len(IMAGES)] * 2
    assert not np.allclose(found["hps"], found["clip"], atol=1e-3)


def test_equal_models_of_two_places_are_held_twice_and_computed_once(
    clip_folder: Path, tmp_path: Path, seen: Seen
) -> None:
    shutil.copytree(clip_folder, tmp_path / "copy")
    places = [f"transformers:{clip_folder}", f"transformers:{tmp_path / 'copy'}"]
    judges = {str(i): {"kind": kind("clip"), "model": place} for i, place in enumerate(places)}
    with LocalClient(judges) as client:
        assert seen.loaded == places
        seen.forget()
        found = ask(client, list(judges))
    assert sum(seen.images.values()) == len(IMAGES)
    assert found["0"] == found["1"]


def test_the_parts_of_an_ensemble_share_with_the_judges_beside_it(
    clip_folder: Path, tmp_path: Path, seen: Seen
) -> None:
    model = {"model": f"transformers:{clip_folder}"}
    parts = {
        "fit": {"kind": kind("clip"), **model},
        "looks": {"kind": kind("aesthetic"), **model, "head": head(tmp_path)},
    }
    weights = {"fit": 1.0, "looks": 0.1}
    judges: dict[str, dict[str, Any]] = {
        "overall": {"kind": kind("ensemble"), "parts": parts, "weights": weights},
        **parts,
    }
    with LocalClient(judges) as client:
        assert len(seen.loaded) == 1
        seen.forget()
        found = {name: np.array(one) for name, one in ask(client, list(judges)).items()}
    assert sum(seen.images.values()) == len(IMAGES)
    np.testing.assert_allclose(found["overall"], found["fit"] + 0.1 * found["looks"], atol=1e-6)


@pytest.mark.parametrize("backbone", [AestheticBackbone, PickScoreBackbone, HpsBackbone])
def test_a_kind_s_default_is_the_same_model_under_kind_clip(
    backbone: type[DualEncoderConfig],
) -> None:
    assert backbone().plain() == DualEncoderConfig(backbone().model)
    assert hash(backbone().plain()) == hash(DualEncoderConfig(backbone().model))
    assert type(backbone().plain()) is DualEncoderConfig
