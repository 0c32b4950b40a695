"""InternVL2's published configuration and weights, taken into transformers' own classes."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.judges import mmie_goldens as recorded
from torch import Tensor

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.internvl2 import InternVL2Config, load_internvl2
from mmjudge.judges.backbones.internvl2_checkpoint import merge_adapters, published_shapes
from mmjudge.judges.backbones.internvl2_config import native_config
from mmjudge.judges.backbones.internvl2_network import empty_network

Load = Callable[..., Any]


@pytest.fixture
def settings(mmie_goldens: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = recorded.read(mmie_goldens, "checkpoint/config.json")
    return loaded


@pytest.fixture
def state(mmie_goldens: Path) -> dict[str, Tensor]:
    return load_file(mmie_goldens / "checkpoint/model.safetensors")


@pytest.fixture
def load(mmie_goldens: Path, tmp_path: Path) -> Load:
    """Loads the golden checkpoint with other weights, in one file or in shards."""

    def loading(*shards: dict[str, Tensor]) -> Any:
        for file in (mmie_goldens / "checkpoint").iterdir():
            if not file.name.startswith("model"):
                (tmp_path / file.name).symlink_to(file)
        names = [f"model-{i}.safetensors" for i in range(len(shards))]
        for name, shard in zip(names, shards, strict=True):
            save_file(shard, tmp_path / name)
        index = {key: names[i] for i, shard in enumerate(shards) for key in shard}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
        return load_internvl2(InternVL2Config(str(tmp_path), device="cpu", dtype="float32"))

    return loading


def enlarged(settings: dict[str, Any], geometry: dict[str, Any]) -> dict[str, Any]:
    """The settings with InternVL2-4B's sizes."""
    vision, language = geometry["vision"], geometry["llm"]
    both = copy.deepcopy(settings)
    both["vision_config"] |= {
        "hidden_size": vision["hidden"],
        "num_hidden_layers": vision["layers"],
        "num_attention_heads": vision["heads"],
        "intermediate_size": vision["mlp"],
    }
    scaling = both["llm_config"]["rope_scaling"]
    both["llm_config"] |= {
        "hidden_size": language["hidden"],
        "num_hidden_layers": language["layers"],
        "num_attention_heads": language["heads"],
        "num_key_value_heads": language["kv_heads"],
        "intermediate_size": language["mlp"],
        "vocab_size": language["vocab"],
        "rope_scaling": {
            "type": "su",
            "short_factor": scaling["short_factor"] * 3,
            "long_factor": scaling["long_factor"] * 3,
        },
    }
    return both


def test_the_full_size_network_has_the_recorded_keys_and_shapes(
    mmie_goldens: Path, settings: dict[str, Any]
) -> None:
    keys = recorded.read(mmie_goldens, "keys/internvl2_4b_state_dict.json")
    network = empty_network(native_config(enlarged(settings, keys["geometry"]), 32013, "it"))
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    assert len(shapes) == 637
    assert sum(shape.numel() for shape in shapes.values()) == keys["n_parameters"] == 4146855936
    expected = {name: tuple(shape) for name, shape in keys["keys"].items()}
    assert published_shapes(shapes) == expected
    assert len(expected) == 541


def test_shards_are_one_checkpoint(load: Load, state: dict[str, Tensor]) -> None:
    names = sorted(state)
    first = {name: state[name] for name in names[::2]}
    loaded = load(first, {name: state[name] for name in names[1::2]})
    weight = loaded.network.network.state_dict()["lm_head.weight"]
    assert torch.equal(weight, state["language_model.lm_head.weight"].float())


def test_missing_left_over_and_misshapen_weights_are_named_as_published(
    load: Load, state: dict[str, Tensor]
) -> None:
    gone, odd = "vision_model.encoder.layers.1.attn.qkv.bias", "mlp1.1.weight"
    del state[gone]
    state[odd] = state[odd][:, :7].contiguous()
    state["vision_model.post_layernorm.weight"] = torch.zeros(64)
    with pytest.raises(BackboneUnavailable) as refused:
        load(state)
    told = str(refused.value)
    assert gone in told
    assert f"{odd} [64, 7] instead of [64, 256]" in told
    assert "vision_model.post_layernorm.weight" in told


@pytest.mark.parametrize("name", ["text0", "img1"])
def test_an_adapter_that_was_not_merged_gives_the_recorded_logits(
    mmie_goldens: Path, load: Load, state: dict[str, Tensor], name: str
) -> None:
    from mmjudge.judges.backbones.internvl2_replies import network_row

    prefix, inner = "language_model.", "language_model.base_model.model."
    adapted = {key.replace(prefix, inner, 1): weight for key, weight in state.items()}
    adapter = load_file(mmie_goldens / "lora/lora_tensors.safetensors")
    for key in [key for key in adapter if key.endswith("lora_A.default.weight")]:
        stem = key.removesuffix(".lora_A.default.weight")
        adapted[f"{stem}.base_layer.weight"] = adapted.pop(f"{stem}.weight")
    loaded = load(adapted | adapter)
    row = network_row(recorded.recorded_prompt(mmie_goldens, name), torch.device("cpu"))
    logits = loaded.network.logits([row], 1)[0, -1]
    expected = load_file(mmie_goldens / "lora/lora_goldens.safetensors")[f"{name}_first_logits"]
    torch.testing.assert_close(logits, expected, atol=2e-4, rtol=0)


def test_half_an_adapter_is_left_over() -> None:
    state = {
        "language_model.base_model.model.lm_head.base_layer.weight": torch.ones(2, 2),
        "language_model.base_model.model.lm_head.lora_A.default.weight": torch.ones(1, 2),
    }
    assert set(merge_adapters(state)) == {
        "language_model.lm_head.base_layer.weight",
        "language_model.lm_head.lora_A.default.weight",
    }


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("ps_version", "v1", "ps_version 'v1' instead of 'v2'"),
        ("select_layer", -4, "select_layer -4 instead of -1"),
        ("template", "internlm2-chat", "template 'internlm2-chat'"),
        ("model_type", "qwen2_vl", "model_type 'qwen2_vl' instead of 'internvl_chat'"),
        ("llm_config.architectures", ["Qwen2ForCausalLM"], "'Qwen2ForCausalLM'"),
        ("llm_config.tie_word_embeddings", True, "tie_word_embeddings True"),
        ("vision_config.qk_normalization", True, "qk_normalization True instead of False"),
        ("vision_config", None, "vision_config.image_size None"),
        ("llm_config.rope_scaling.type", "yarn", "rope_scaling of type 'yarn'"),
        ("llm_config.rope_scaling", None, "rope_scaling of type None"),
        ("llm_config.hidden_size", "wide", "no InternVL2"),
    ],
)
def test_settings_that_transformers_computes_otherwise_are_refused(
    settings: dict[str, Any], path: str, value: Any, told: str
) -> None:
    *tables, last = path.split(".")
    table = settings
    for name in tables:
        table = table[name]
    table[last] = value
    with pytest.raises(BackboneUnavailable, match="^it: ") as refused:
        native_config(settings, 32013, "it")
    assert told in str(refused.value)


def test_a_setting_that_is_missing_is_named(settings: dict[str, Any]) -> None:
    del settings["llm_config"]["rms_norm_eps"]
    with pytest.raises(BackboneUnavailable, match="no InternVL2: KeyError: 'rms_norm_eps'"):
        native_config(settings, 32013, "it")


def test_weights_keep_their_dtype_and_the_rope_its_own(mmie_goldens: Path) -> None:
    config = InternVL2Config(str(mmie_goldens / "checkpoint"), device="cpu", dtype="bfloat16")
    network = load_internvl2(config).network.network
    assert {weight.dtype for weight in network.state_dict().values()} == {torch.bfloat16}
    rope = network.model.language_model.rotary_emb
    assert rope.inv_freq.dtype == torch.float32
    assert rope.attention_scaling == pytest.approx(1.1902380714238083)


def test_a_model_out_of_reach_is_refused_with_how_to_log_in(
    offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackboneUnavailable, match=r"MMIE/MMIE-Score.*hf auth login.*HF_TOKEN"):
        load_internvl2(InternVL2Config(device="cpu"))


def test_a_tokenizer_without_the_control_tokens_is_refused(
    mmie_goldens: Path, tmp_path: Path
) -> None:
    for file in (mmie_goldens / "checkpoint").iterdir():
        (tmp_path / file.name).symlink_to(file)
    stored = recorded.read(mmie_goldens, "checkpoint/tokenizer_config.json")
    del stored["added_tokens_decoder"]["32010"]
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(stored))
    with pytest.raises(BackboneUnavailable, match=r"its tokenizer has no token <\|user\|>"):
        load_internvl2(InternVL2Config(str(tmp_path), device="cpu"))
