"""Checkpoint files: what is read, what is refused, and what is said of those that do not fit."""

import hashlib
import json
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.judges import tiny_blips
from torch import Tensor

from mmjudge.judges.backbones.checkpoints import fit_state_dict, likely_kind, read_state_dict
from mmjudge.judges.backbones.errors import BackboneUnavailable

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.tensor([1.5]).half()}


def saved(folder: Path, value: Any, name: str = "model.pt") -> Path:
    torch.save(value, folder / name)
    return folder / name


def same(found: dict[str, Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(
        torch.equal(found[key], STATE[key]) and found[key].dtype == STATE[key].dtype
        for key in STATE
    )


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(BackboneUnavailable) as raised:
        read_state_dict(path, **options)
    return str(raised.value)


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.bin"])
def test_a_pickle_of_tensors_is_read(tmp_path: Path, name: str) -> None:
    assert same(read_state_dict(saved(tmp_path, STATE, name)))
    assert same(read_state_dict(saved(tmp_path, OrderedDict(STATE), name)))


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.safetensors")
    assert same(read_state_dict(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_a_wrapper_is_taken_off_and_what_lies_beside_is_ignored(
    tmp_path: Path, wrapper: str
) -> None:
    assert same(read_state_dict(saved(tmp_path, {"epoch": 3, "name": "x", wrapper: STATE})))


def test_parameters_come_as_plain_tensors(tmp_path: Path) -> None:
    state = {"w": torch.nn.Parameter(torch.ones(2))}
    assert not read_state_dict(saved(tmp_path, state))["w"].requires_grad


def test_the_digest_is_checked_before_the_file_is_opened(tmp_path: Path) -> None:
    path = saved(tmp_path, STATE)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert same(read_state_dict(path, sha256=digest.upper()))
    told = refusal(path, sha256="0" * 64)
    assert f"expected sha256 {'0' * 64}, found {digest}" in told and "model.pt" in told
    path.write_bytes(b"no checkpoint")
    assert "expected sha256" in refusal(path, sha256=digest)


class Code:
    """Runs when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


@pytest.mark.parametrize("beside", [{}, {"model": STATE}])
def test_a_pickle_that_needs_code_is_refused_and_the_code_not_run(
    tmp_path: Path, beside: dict[str, Any]
) -> None:
    mark = tmp_path / "mark"
    told = refusal(saved(tmp_path, {"hook": Code(f"touch {mark}"), **beside}))
    assert "a pickle of more than tensors is not opened, since that can run code" in told
    assert "convert it to safetensors" in told and not mark.exists()
    assert "weights_only" not in told  # torch's own advice, to switch the check off


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pt", b""), ("a.pt", b"PK\x03\x04 cut short"), ("a.pth", b"\x80\x02}"), ("a.pt", b"text")],
)
def test_a_damaged_pickle_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert name in refusal(tmp_path / name)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, STATE)
    path.write_bytes(path.read_bytes()[:-200])
    assert "no whole checkpoint" in refusal(path)
    save_file(STATE, tmp_path / "a.safetensors")
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[:-1])
    assert "no whole safetensors file" in refusal(tmp_path / "a.safetensors")


def test_no_file_and_an_unknown_one_are_told_apart(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "a.pt")
    assert "no such file" in refusal(tmp_path)
    (tmp_path / "a.h5").write_bytes(b"x")
    assert ".safetensors, .pt, .pth, .bin" in refusal(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.ones(2), "holds a Tensor, expected tensors by name"),
        ({}, "holds nothing, expected tensors by name"),
        ([STATE], "holds a list, expected"),
        (STATE | {"epoch": 3}, "found 'epoch' (a int)"),
        ({"state_dict": STATE | {"inner": {"w": torch.ones(1)}}}, "found 'inner' (a dict)"),
        ({7: torch.ones(1)}, "found 7 (a Tensor)"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, value: Any, told: str) -> None:
    assert told in refusal(saved(tmp_path, value))


def misfit(state: dict[str, Tensor], expected: dict[str, tuple[int, ...]]) -> str:
    with pytest.raises(BackboneUnavailable) as raised:
        fit_state_dict(state, expected, "some/model")
    return str(raised.value)


SHAPES = {"a.weight": (2, 3), "a.bias": (1,)}


def test_what_fits_is_taken() -> None:
    fit_state_dict(STATE, SHAPES, "some/model")
    fit_state_dict(STATE, {key: value.shape for key, value in STATE.items()}, "some/model")


def test_missing_unexpected_and_misshapen_keys_are_named() -> None:
    told = misfit(STATE, {"a.weight": (3, 2), "b.bias": (1,)})
    assert told.startswith("some/model: 1 missing: b.bias; 1 unexpected: a.bias; ")
    assert "1 misshapen: a.weight [2, 3] instead of [3, 2]; " in told


def test_the_first_ten_of_many_keys_are_named() -> None:
    told = misfit(STATE, SHAPES | {f"layer.{n:02}": (1,) for n in range(25)})
    assert "25 missing, such as layer.00, " in told
    assert "layer.09; " in told and "layer.10" not in told


def test_a_shape_of_as_many_numbers_is_still_another() -> None:
    assert "misshapen" in misfit(STATE, SHAPES | {"a.weight": (6,)})
    assert "misshapen" in misfit(STATE, SHAPES | {"a.bias": ()})


KINDS = {
    "an ImageReward": ["blip.visual_encoder.cls_token", "mlp.layers.0.weight"],
    "a BLIP image-text matching": [
        "vision_model.embeddings.class_embedding",
        "text_encoder.encoder.layer.0.output.dense.bias",
        "itm_head.bias",
    ],
    "a BLIP (Salesforce's own layout)": [
        "visual_encoder.blocks.0.norm1.bias",
        "text_encoder.encoder.layer.0.output.dense.bias",
    ],
    "a BLIP (transformers, for captions": ["vision_model.x", "text_decoder.bert.x"],
    "an aesthetic predictor's": ["vision_model.encoder.x", "layers.0.weight"],
    "a CLIP (transformers: PickScore": [
        "vision_model.encoder.layers.0.x",
        "text_model.encoder.layers.0.x",
    ],
    "a CLIP (open_clip and OpenAI's": ["visual.proj", "transformer.resblocks.0.ln_1.bias"],
    "an aesthetic head": ["weight", "bias"],
    "a training run's": ["module.visual.proj"],
}


@pytest.mark.parametrize(("kind", "keys"), KINDS.items())
def test_the_likely_kind_of_a_checkpoint_is_told(kind: str, keys: list[str]) -> None:
    assert f"this looks like {kind}" in likely_kind(keys)
    assert kind in misfit({key: torch.ones(1) for key in keys}, {"other": (1,)})


@pytest.mark.parametrize("keys", [[], ["encoder.weight"], ["decoder.weight", "lm_head.weight"]])
def test_a_kind_that_is_not_known_is_not_guessed(keys: list[str]) -> None:
    assert likely_kind(keys) == "no kind of checkpoint known here has such keys"


def test_the_kinds_of_published_checkpoints_are_told(goldens: Path) -> None:
    files = {
        "imagereward/ImageReward.pt": "an ImageReward",
        "blip_itm/model.safetensors": "a BLIP image-text matching",
        "pickscore/model.safetensors": "a CLIP (transformers",
        "hpsv2/HPS_tiny_compressed.pt": "a CLIP (open_clip",
        "clipscore/clip_tiny_vitb32_layout.pt": "a CLIP (open_clip",
        "aesthetic/sa_0_4_vit_l_14_linear.pth": "an aesthetic head",
        "aesthetic/sac+logos+ava1-l14-linearMSE.pth": "an aesthetic head",
        "aesthetic/predictor_tiny/v1.safetensors": "an aesthetic predictor's",
        "aesthetic/predictor_tiny/v2linear.safetensors": "an aesthetic predictor's",
    }
    for file, kind in files.items():
        assert f"this looks like {kind}" in likely_kind(read_state_dict(goldens / file)), file
    sizes = {
        "imagereward": "an ImageReward",
        "pickscore_clip_h": "a CLIP (transformers",
        "hpsv2_vit_h_14": "a CLIP (open_clip",
    }
    for name, kind in sizes.items():
        recorded = json.loads((goldens / f"full_size_keys/{name}.json").read_text())
        assert f"this looks like {kind}" in likely_kind(recorded["keys"]), name


def test_tiny_models_look_like_what_they_are(tmp_path: Path) -> None:
    assert "an ImageReward" in likely_kind(tiny_blips.image_reward_state())
    blip = tiny_blips.write_blip(tmp_path)
    assert "BLIP image-text" in likely_kind(read_state_dict(blip / "model.safetensors"))
