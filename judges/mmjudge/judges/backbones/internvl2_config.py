"""The config.json of InternVL2's own code, said in the terms of transformers' own classes."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.internvl2_tiles import MOST_TILES, SIDE
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

TEMPLATE = "phi3-chat"
# What transformers' classes compute, and the published code's name for it.
NEEDED = {
    "model_type": "internvl_chat",
    "template": TEMPLATE,
    "ps_version": "v2",
    "select_layer": -1,
    "downsample_ratio": 0.5,
    "force_image_size": SIDE,
    "max_dynamic_patch": MOST_TILES,
    "use_thumbnail": True,
    "vision_config.image_size": SIDE,
    "vision_config.norm_type": "layer_norm",
    "vision_config.qk_normalization": False,
    "llm_config.architectures": ["Phi3ForCausalLM"],
    "llm_config.tie_word_embeddings": False,
}
VISION = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "num_channels",
    "patch_size",
    "image_size",
    "layer_norm_eps",
    "hidden_act",
    "norm_type",
)
LANGUAGE = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "original_max_position_embeddings",
    "rms_norm_eps",
    "sliding_window",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)


def native_config(settings: Mapping[str, Any], image_token: int, what: str) -> Any:
    """transformers' `InternVLConfig` of an `InternVLChatModel` over Phi-3.

    settings: its config.json as plain JSON, since transformers' reader would run the hub's code.
    image_token: id of `<IMG_CONTEXT>`, which only the tokenizer knows.

    Raises `BackboneUnavailable`, which begins with `what`, for settings that those classes compute
    otherwise, and for what is missing.
    """
    _check(settings, what)
    ensure_torchvision_schemas()
    from transformers import InternVLConfig, InternVLVisionConfig, Phi3Config

    vision, language = settings["vision_config"], settings["llm_config"]
    try:
        return InternVLConfig(
            vision_config=InternVLVisionConfig(
                **{name: vision[name] for name in VISION},
                attention_bias=vision["qkv_bias"],
                use_qk_norm=False,
                use_mean_pooling=True,  # by which there is no norm after the last layer
            ),
            text_config=Phi3Config(
                **{name: language[name] for name in LANGUAGE},
                rope_parameters=_rope(language),
                tie_word_embeddings=False,
            ),
            image_token_id=image_token,
            image_seq_length=(SIDE // vision["patch_size"] // 2) ** 2,  # four patches a token
            downsample_ratio=settings["downsample_ratio"],
            vision_feature_layer=settings["select_layer"],
            vision_feature_select_strategy="default",
            projector_hidden_act="gelu",
            tie_word_embeddings=False,
        )
    except (KeyError, StrictDataclassError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BackboneUnavailable(
            f"{what}: config.json describes no InternVL2: {type(error).__name__}: {reason}"
        ) from error


def _check(settings: Mapping[str, Any], what: str) -> None:
    wrong = []
    for path, needed in NEEDED.items():
        value: Any = settings
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value != needed:
            wrong.append(f"{path} {value!r} instead of {needed!r}")
    if wrong:
        raise BackboneUnavailable(
            f"{what}: expected an InternVL2 over Phi-3, such as InternVL2-4B, in the layout of its "
            f"own code; config.json has {', '.join(wrong)}"
        )


def _rope(language: Mapping[str, Any]) -> dict[str, Any]:
    scaling = language["rope_scaling"] or {}
    if scaling.get("type") not in ("su", "longrope"):  # one thing under two names
        raise ValueError(f"rope_scaling of type {scaling.get('type')!r}, expected 'su'")
    original = language["original_max_position_embeddings"]
    return {
        "rope_type": "longrope",
        "factor": language["max_position_embeddings"] / original,
        "rope_theta": language["rope_theta"],
        "short_factor": scaling["short_factor"],
        "long_factor": scaling["long_factor"],
        "original_max_position_embeddings": original,
    }
