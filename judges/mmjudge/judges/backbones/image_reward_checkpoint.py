"""ImageReward's published checkpoint: its names, its sizes, and the head that makes the reward."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmjudge.judges.backbones.blip_network import architecture, empty_network
from mmjudge.judges.backbones.errors import BackboneUnavailable

# Of a weight of BlipForImageTextRetrieval: its name in transformers -> that in ImageReward.pt.
RENAMINGS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"vision_model\.embeddings\.class_embedding", "blip.visual_encoder.cls_token"),
        (r"vision_model\.embeddings\.position_embedding", "blip.visual_encoder.pos_embed"),
        (r"vision_model\.embeddings\.patch_embedding\.", "blip.visual_encoder.patch_embed.proj."),
        (r"vision_model\.post_layernorm\.", "blip.visual_encoder.norm."),
        (
            r"vision_model\.encoder\.layers\.(\d+)\.layer_norm([12])\.",
            r"blip.visual_encoder.blocks.\1.norm\2.",
        ),
        (
            r"vision_model\.encoder\.layers\.(\d+)\.self_attn\.qkv\.",
            r"blip.visual_encoder.blocks.\1.attn.qkv.",
        ),
        (
            r"vision_model\.encoder\.layers\.(\d+)\.self_attn\.projection\.",
            r"blip.visual_encoder.blocks.\1.attn.proj.",
        ),
        (
            r"vision_model\.encoder\.layers\.(\d+)\.mlp\.",
            r"blip.visual_encoder.blocks.\1.mlp.",
        ),
        (r"text_encoder\.", "blip.text_encoder."),
        (r"vision_proj\.", "blip.vision_proj."),
        (r"text_proj\.", "blip.text_proj."),
        (r"itm_head\.", "mlp.layers."),
    )
)
BLOCK = re.compile(r"blip\.visual_encoder\.blocks\.(\d+)\.")
LAYER = re.compile(r"blip\.text_encoder\.encoder\.layer\.(\d+)\.")
VISION, TEXT = "blip.visual_encoder", "blip.text_encoder"

HEAD_WIDTH = 64  # of an attention head, in BLIP's base and large models alike
HIDDEN = (1024, 128, 64, 16)  # of the head, between the text encoder's width and one reward


def published_name(name: str) -> str:
    """The name that ImageReward.pt has for a weight of `reward_network`."""
    for pattern, published in RENAMINGS:
        renamed, count = pattern.subn(published, name, count=1) if pattern.match(name) else ("", 0)
        if count:
            return renamed
    raise ValueError(f"{name}: ImageReward.pt has no such weight")


def reward_network(state: Mapping[str, Tensor], med: Mapping[str, Any], vision_heads: int) -> Any:
    """The network that `state`, of ImageReward.pt, is the weights of; on the meta device.

    Sizes are read off the weights, ImageReward's own taking the place of any that are missing.
    med: `med_config.json`, for what shapes do not tell of the text encoder: its attention heads,
    activation and the epsilon of its norms; the published ones where it does not say.
    vision_heads: attention heads of the image encoder; 0 for one to 64 numbers.

    Raises `BackboneUnavailable` if the numbers do not go together.
    """
    width = _size(state, f"{VISION}.cls_token", 2, 1024)
    patch = _size(state, f"{VISION}.patch_embed.proj.weight", 2, 16)
    patches = _size(state, f"{VISION}.pos_embed", 1, 197) - 1
    hidden = _size(state, f"{TEXT}.embeddings.word_embeddings.weight", 1, 768)
    vision = {
        "hidden_size": width,
        "intermediate_size": _size(state, f"{VISION}.blocks.0.mlp.fc1.weight", 0, 4 * width),
        "num_hidden_layers": _count(state, BLOCK, 24),
        "num_attention_heads": vision_heads or max(1, width // HEAD_WIDTH),
        "image_size": round(patches**0.5) * patch,
        "patch_size": patch,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,  # that of timm's ViT; transformers' default for BLIP is 1e-5
    }
    text = {
        "vocab_size": _size(state, f"{TEXT}.embeddings.word_embeddings.weight", 0, 30524),
        "hidden_size": hidden,
        "encoder_hidden_size": width,
        "intermediate_size": _size(
            state, f"{TEXT}.encoder.layer.0.intermediate.dense.weight", 0, 4 * hidden
        ),
        "num_hidden_layers": _count(state, LAYER, 12),
        "num_attention_heads": med.get("num_attention_heads", max(1, hidden // HEAD_WIDTH)),
        "max_position_embeddings": _size(
            state, f"{TEXT}.embeddings.position_embeddings.weight", 0, 512
        ),
        "hidden_act": med.get("hidden_act", "gelu"),
        "layer_norm_eps": med.get("layer_norm_eps", 1e-12),
    }
    for heads, size, whose in (
        (vision["num_attention_heads"], width, "vision_heads"),
        (text["num_attention_heads"], hidden, "med_config.json: num_attention_heads"),
    ):
        if not isinstance(heads, int) or heads < 1 or size % heads:
            raise BackboneUnavailable(f"{whose} {heads!r}: expected a divisor of the width {size}")
    shared = _size(state, "blip.vision_proj.weight", 0, 256)
    config = architecture(
        {"vision_config": vision, "text_config": text, "image_text_hidden_size": shared}
    )
    return empty_network(config, reward_head(hidden))


def reward_head(width: int) -> nn.Module:
    """`[batch, width]` -> `[batch, 1]`: five linear layers, and in evaluation nothing between them.

    Their numbers, 0, 2, 4, 6 and 7, are those of the published layers among dropouts.
    """
    sizes = (width, *HIDDEN, 1)
    linear = [nn.Linear(before, after) for before, after in zip(sizes, sizes[1:], strict=False)]
    gap = nn.Identity()
    return nn.Sequential(linear[0], gap, linear[1], gap, linear[2], gap, linear[3], linear[4])


def _size(state: Mapping[str, Tensor], key: str, axis: int, published: int) -> int:
    shape = state[key].shape if key in state else ()
    return int(shape[axis]) if axis < len(shape) else published


def _count(state: Mapping[str, Tensor], pattern: re.Pattern[str], published: int) -> int:
    # How many there are, not the largest number: a gap is then told as a missing key.
    return len({match[1] for key in state if (match := pattern.match(key))}) or published
