"""InternVL2's published weights: what they are called, and how they go into transformers' classes.

The names are those of `InternVLChatModel` in OpenGVLab/InternVL.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmjudge.judges.backbones.checkpoints import fit_state_dict

# Of a weight of InternVLForConditionalGeneration: its name there -> in the published files.
RENAMINGS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"model\.vision_tower\.embeddings\.cls_token", "vision_model.embeddings.class_embedding"),
        (
            r"model\.vision_tower\.embeddings\.position_embeddings",
            "vision_model.embeddings.position_embedding",
        ),
        (
            r"model\.vision_tower\.embeddings\.patch_embeddings\.projection\.",
            "vision_model.embeddings.patch_embedding.",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.lambda_([12])",
            r"vision_model.encoder.layers.\1.ls\2",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.layernorm_before\.",
            r"vision_model.encoder.layers.\1.norm1.",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.layernorm_after\.",
            r"vision_model.encoder.layers.\1.norm2.",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.attention\.[qkv]_proj\.",
            r"vision_model.encoder.layers.\1.attn.qkv.",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.attention\.projection_layer\.",
            r"vision_model.encoder.layers.\1.attn.proj.",
        ),
        (
            r"model\.vision_tower\.encoder\.layer\.(\d+)\.mlp\.",
            r"vision_model.encoder.layers.\1.mlp.",
        ),
        (r"model\.multi_modal_projector\.layer_norm\.", "mlp1.0."),
        (r"model\.multi_modal_projector\.linear_1\.", "mlp1.1."),
        (r"model\.multi_modal_projector\.linear_2\.", "mlp1.3."),
        (r"model\.language_model\.", "language_model.model."),
        (r"lm_head\.", "language_model.lm_head."),
    )
)
# Blocks of one published weight, in this order.
FUSED = re.compile(r"\.attention\.([qkv])_proj\.")
# An adapter that was not merged before saving: peft's names, and InternVL's factor alpha / rank.
ADAPTED = re.compile(r"^(vision_model|language_model)\.base_model\.model\.")
ADAPTER_SCALE = 2.0


def published_name(name: str) -> str:
    """The name that the published files have for a weight of transformers' network."""
    for pattern, published in RENAMINGS:
        if pattern.match(name):
            return pattern.sub(published, name, count=1)
    return name


def published_shapes(shapes: Mapping[str, torch.Size]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published weights of a network whose own are `shapes`."""
    found = {}
    for name, shape in shapes.items():
        times = 3 if FUSED.search(name) else 1
        found[published_name(name)] = (times * shape[0], *shape[1:])
    return found


def native_state(
    state: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], dtype: torch.dtype, what: str
) -> dict[str, Tensor]:
    """Published weights under the names of the network, in `dtype`; adapters merged.

    Raises `BackboneUnavailable`, which begins with `what` and names the published keys that are
    missing, left over or misshapen.
    """
    merged = merge_adapters(state)
    fit_state_dict(merged, published_shapes(shapes), what)
    filled = {}
    for name in shapes:
        weight = merged[published_name(name)]
        if fused := FUSED.search(name):
            weight = weight.chunk(3)["qkv".index(fused[1])]
        filled[name] = weight.to(dtype).contiguous()
    return filled


def merge_adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with low-rank adapters added to what they adapt: W + 2 B A.

    What has no whole adapter keeps its name, to be told as left over.
    """
    plain = {ADAPTED.sub(r"\1.", name): weight for name, weight in state.items()}
    for name in [name for name in plain if name.endswith(".base_layer.weight")]:
        stem = name.removesuffix(".base_layer.weight")
        down, up = f"{stem}.lora_A.default.weight", f"{stem}.lora_B.default.weight"
        if down in plain and up in plain:
            base = plain.pop(name)
            change = plain.pop(up).float() @ plain.pop(down).float()
            plain[f"{stem}.weight"] = base.float() + ADAPTER_SCALE * change
    return plain
