"""Judge `pickscore` against numbers recorded from the original, and what it refuses."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges.golden_models import (
    company,
    grid,
    kind,
    picture,
    refusal,
    single,
    values,
    verdicts,
    write_pickscore,
    write_processor,
)
from tests.judges.media import refuses_other_media
from tests.judges.test_clip import COLOURS, GREEN, PURPLE, RED, ColourTower, DirectHost, item
from tests.judges.tiny_models import image_batch, text_batch

from mmjudge.client import LocalClient
from mmjudge.contract.image_files import open_image
from mmjudge.contract.info import Input
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.transformers_tower import load_transformers_tower
from mmjudge.judges.pickscore import PickScoreBackbone, PickScoreJudge, PickScoreOptions


@pytest.fixture(scope="module")
def recorded(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "pickscore/expected.json").read_text())
    return found


@pytest.fixture(scope="module")
def folder(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pickscore(goldens, tmp_path_factory.mktemp("pickscore"))


@pytest.fixture(scope="module")
def tower(folder: Path) -> Tower:
    return load_transformers_tower(str(folder), "", torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[LocalClient]:
    judge = {"kind": kind("pickscore"), "model": f"transformers:{folder}"}
    judges = {
        "pickscore": judge,
        "probability": judge | {"score": "probability"},
        "strict": judge | {"long_text": "error"},
    }
    with LocalClient(judges) as it:
        yield it


def test_published_scores(goldens: Path, recorded: dict[str, Any], client: LocalClient) -> None:
    expected = np.load(goldens / "pickscore/expected.npz")
    items = grid(goldens, recorded)
    together = np.array(values(client, "pickscore", items), np.float64)
    np.testing.assert_allclose(together, expected["scores"], rtol=0, atol=3e-4)
    found = company(client, "pickscore", single(items)).reshape(3, 3)
    np.testing.assert_allclose(found, expected["scores"], rtol=0, atol=3e-4)
    np.testing.assert_allclose(found, expected["scores_fp64"], rtol=0, atol=3e-4)


def test_published_probabilities(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    expected = np.load(goldens / "pickscore/expected.npz")
    found = company(client, "probability", grid(goldens, recorded))
    np.testing.assert_allclose(found, expected["probs"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, rtol=0, atol=1e-6)


def test_a_probability_goes_with_its_image(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    (first, *_) = grid(goldens, recorded)
    turned = Item(first.prompt, list(reversed(first.candidates)))
    (here,), (there,) = (values(client, "probability", [one]) for one in (first, turned))
    assert here == there[::-1]


@torch.inference_mode()
def test_pixels_ids_and_embeddings(goldens: Path, recorded: dict[str, Any], tower: Tower) -> None:
    inputs = np.load(goldens / "pickscore/inputs.npz")
    expected = np.load(goldens / "pickscore/expected.npz")
    drawn = [open_image(picture(goldens, name)).picture for name in recorded["columns"]]
    (pixels,) = image_batch(tower, drawn)
    np.testing.assert_array_equal(pixels, inputs["pixel_values"])
    ids, _ = text_batch(tower, recorded["rows"])
    np.testing.assert_array_equal(ids, inputs["input_ids_padded77"])
    for found, name in [
        (tower.encode_images(pixels)[0], "image_embeds_normalised"),
        (tower.encode_texts(*text_batch(tower, recorded["rows"]))[0], "text_embeds_normalised"),
    ]:
        unit = torch.nn.functional.normalize(found)
        np.testing.assert_allclose(unit, expected[name], rtol=0, atol=1e-5)


def test_tokens_are_the_published_processor_s(goldens: Path, tower: Tower) -> None:
    cases = json.loads((goldens / "pickscore/tokenizer_cases.json").read_text())["cases"]
    for case in cases:
        assert tower.truncate(tower.tokenize(case["text"])) == case["input_ids"], case["text"]
    assert len(cases) >= 18


def test_preprocessing_is_that_of_transformers_then(
    goldens: Path, tmp_path: Path, folder: Path
) -> None:
    from transformers import CLIPImageProcessorPil

    stored = np.load(goldens / "preprocess/uint8_after_resize_crop.npz")
    notes = json.loads((goldens / "preprocess/expected.json").read_text())["images"]
    processor = CLIPImageProcessorPil()
    mean, std = (
        torch.tensor(one).view(3, 1, 1) for one in (processor.image_mean, processor.image_std)
    )
    for name in notes:
        key = f"hf_clip_pil_224__{name}"
        pixels = stored[key if key in stored else f"clip_pil_224__{name}"]
        expected = torch.from_numpy(pixels).float().div(255).sub(mean).div(std)
        image = open_image(picture(goldens, name)).picture.convert("RGB")
        found = processor(images=image, return_tensors="pt")["pixel_values"][0]
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


def test_a_prompt_beyond_the_context_is_cut_and_told(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    long = grid(goldens, recorded)[1]
    (verdict,) = verdicts(client, "pickscore", [long])
    assert [(note.code, note.field) for note in verdict.notes] == [
        ("TEXT_TRUNCATED", "prompt[0].text")
    ]
    assert refusal(client, "strict", long).reason == "TEXT_TOO_LONG"


def test_a_model_without_a_processor_takes_another_s(goldens: Path, tmp_path: Path) -> None:
    for name in ("model", "processor"):
        (tmp_path / name).mkdir()
    bare = write_pickscore(goldens, tmp_path / "model", processor=False)
    with pytest.raises(BackboneUnavailable, match="needs a processor, whose files it was"):
        load_dual_encoder(DualEncoderConfig(f"transformers:{bare}"))
    processor = write_processor(goldens, tmp_path / "processor")
    config = DualEncoderConfig(f"transformers:{bare}", processor=str(processor))
    write_processor(goldens, tmp_path / "model")
    beside = DualEncoderConfig(f"transformers:{bare}")
    assert (
        load_dual_encoder(config).images.fingerprint == load_dual_encoder(beside).images.fingerprint
    )


def test_a_processor_is_for_transformers_models() -> None:
    with pytest.raises(BackboneUnavailable, match="only transformers: models have a processor"):
        load_dual_encoder(DualEncoderConfig("photo-lite", processor="x"))


@pytest.mark.usefixtures("offline")
def test_the_published_model_is_pinned_with_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def remember(name: str, file: str, *, revision: str) -> str:
        asked.append((name, file, revision))
        if file == "preprocessor_config.json":
            raise OSError("offline")
        return file

    monkeypatch.setattr("huggingface_hub.hf_hub_download", remember)
    with pytest.raises(BackboneUnavailable, match="offline"):
        load_dual_encoder(PickScoreBackbone().plain())
    model = ("yuvalkirstain/PickScore_v1", "a4e4367c6dfa7288a00c550414478f865b875800")
    processor = (
        "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
        "1c2b8495b28150b8a4922ee1c8edee224c284c0c",
    )
    assert [(name, revision) for name, _, revision in asked] == [model, model, processor]


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (lambda state: state.pop("visual_projection.weight"), "1 missing weights"),
        (lambda state: state.update(extra=torch.zeros(1)), "1 unexpected weights"),
        (
            lambda state: state.update({"visual_projection.weight": torch.zeros(24, 61)}),
            "1 mismatched weights.*visual_projection",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(
    goldens: Path, tmp_path: Path, broken: Any, fault: str
) -> None:
    from safetensors.torch import load_file, save_file

    write_pickscore(goldens, tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    broken(state)
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackboneUnavailable, match=fault):
        load_dual_encoder(DualEncoderConfig(f"transformers:{tmp_path}"))


def test_the_published_keys_are_those_of_the_network(goldens: Path) -> None:
    import transformers

    published = json.loads((goldens / "full_size_keys/pickscore_clip_h.json").read_text())["keys"]
    vision = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
              "num_attention_heads": 16, "patch_size": 14, "image_size": 224}  # fmt: skip
    text = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
            "num_attention_heads": 16}  # fmt: skip
    config = transformers.CLIPConfig(
        projection_dim=1024,
        vision_config=vision | {"projection_dim": 1024},
        text_config=text | {"projection_dim": 1024},
    )
    with torch.device("meta"):
        network = transformers.CLIPModel(config)
    # Two buffers that old files have and no weights are; the tiny golden's file has them too.
    counters = {f"{side}_model.embeddings.position_ids" for side in ("text", "vision")}
    assert counters < set(published)
    expected = {key: tuple(one[0]) for key, one in published.items() if key not in counters}
    assert {key: tuple(one.shape) for key, one in network.state_dict().items()} == expected


def pickscore(tower: ColourTower, **options: Any) -> PickScoreJudge:
    backbone = PickScoreBackbone("some/model")
    return PickScoreJudge("it", PickScoreOptions(**options), backbone, DirectHost(tower))


def scaled() -> ColourTower:
    tower = ColourTower()
    tower.logit_scale = 100.0
    return tower


async def test_the_score_is_the_scaled_cosine() -> None:
    judge = pickscore(scaled())
    verdict = await judge.judge(item(["red"], RED, GREEN, PURPLE), Ask(Want.PREFERENCE))
    assert verdict.judgement is not None
    found = [score.value for score in verdict.judgement.scores]
    assert found == pytest.approx([100, 0, 100 * math.sqrt(0.5)], abs=1e-4)
    assert verdict.judgement.ranks == (1, 3, 2)
    assert judge.info.range == (-100, 100)
    assert judge.info.reads == (Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE)


async def test_a_probability_that_is_no_number_stays_none() -> None:
    assert COLOURS["nan"][0] != COLOURS["nan"][0]
    judge = pickscore(scaled(), score="probability")
    verdict = await judge.judge(item(["nan"], RED, GREEN), Ask())
    assert verdict.judgement is not None
    assert all(math.isnan(score.value or 0) for score in verdict.judgement.scores)


def test_a_model_without_a_logit_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="some/model has no logit scale: use kind 'clip'"):
        pickscore(ColourTower())


def test_readout_and_length_rule_are_fingerprinted() -> None:
    found = {
        pickscore(scaled(), **options).info.fingerprint
        for options in ({}, {"score": "probability"}, {"long_text": "error"})
    }
    assert len(found) == 3


def test_a_probability_of_one_image_is_refused(client: LocalClient) -> None:
    error = refusal(client, "probability", Item(["red"], [Candidate([RED])]))
    assert (error.reason, error.field) == ("CANDIDATE_COUNT", "candidates")
    assert "expected at least 2: a softmax over one image is always one" in error.message


@pytest.mark.parametrize(
    ("prompt", "parts", "reason", "field"),
    [
        ([], [RED], "PAIR_EXPECTED", "prompt"),
        (["a", "b"], [RED], "PAIR_EXPECTED", "prompt"),
        ([" "], [RED], "TEXT_EMPTY", "prompt[0].text"),
        (["red"], ["red"], "IMAGE_EXPECTED", "candidates[0].parts"),
        (["red"], [RED, RED], "IMAGE_EXPECTED", "candidates[0].parts"),
    ],
)
def test_what_makes_no_pair_is_named(
    client: LocalClient, prompt: list[Any], parts: list[Any], reason: str, field: str
) -> None:
    error = refusal(client, "pickscore", Item(prompt, [Candidate(parts)]))
    assert (error.reason, error.field) == (reason, field)


@pytest.mark.parametrize("judge", ["pickscore", "probability"])
def test_other_media_are_refused(client: LocalClient, judge: str) -> None:
    refuses_other_media(client, judge)
