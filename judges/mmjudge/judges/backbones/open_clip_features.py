"""Embeddings and token features of open_clip's architectures.

Token features are exact or None: each token goes through the very layers that the pooled token goes
through, or, where pooling is a mean and linear layers follow, their mean is the embedding.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.timm_model import TimmModel
from open_clip.transformer import TextTransformer, VisionTransformer
from timm.layers.classifier import ClassifierHead
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch import Tensor

Encoder = Callable[[Tensor], tuple[Tensor, Tensor | None]]
"""Pixels `[batch, 3, h, w]` or ids `[batch, length]` -> embeddings `[batch, dim]` and tokens."""


def image_encoder(network: Any, pixels: Tensor) -> tuple[Encoder, tuple[int, int] | None]:
    """The image encoder of an open_clip model, and the grid of its patches.

    `pixels` [1, 3, h, w] is any input, to see the grid of convolutional trunks by.

    Patches: VisionTransformer pooled by class token or, with its last norm before, by mean; timm's
    ViT and EVA pooled by class token; timm trunks that end in a mean and a linear layer, such as
    MobileCLIP's. None: attention pooling (SigLIP, CoCa, ResNets) mixes patches by weights of its
    own, and ConvNeXt puts a norm behind the mean.
    """
    visual = network.visual
    if isinstance(visual, VisionTransformer):
        linear = visual.pool_type == "avg" and not visual.final_ln_after_pool
        if visual.attn_pool is None and (visual.pool_type == "tok" or linear):
            return partial(_vision_transformer, network), visual.grid_size
    elif isinstance(visual, TimmModel):
        trunk = visual.trunk
        if isinstance(trunk, TimmVisionTransformer | Eva) and trunk.global_pool == "token":
            return partial(_timm_transformer, visual), trunk.patch_embed.grid_size
        if _ends_linearly(visual):
            rows, columns = trunk.forward_features(pixels).shape[2:]
            return partial(_timm_convolutions, visual), (rows, columns)
    return lambda pixels: (network.encode_image(pixels), None), None


def text_encoder(network: Any) -> Encoder:
    """The text encoder of an open_clip model.

    Tokens: open_clip's own transformers, whichever position they pool. None: CoCa, which pools a
    token of its own before the last norm, and text encoders of transformers.
    """
    if isinstance(network, CLIP):
        return partial(_text_transformer, network, network.text_projection)
    if isinstance(network, CustomTextCLIP) and isinstance(network.text, TextTransformer):
        if network.text.cls_emb is None:
            return partial(_text_transformer, network, network.text.text_projection)
    return lambda ids: (network.encode_text(ids), None)


def _vision_transformer(network: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    outputs = network.forward_intermediates(
        image=pixels,
        image_indices=1,
        image_output_fmt="NLC",
        normalize=False,
        normalize_intermediates=True,
    )
    return outputs["image_features"], outputs["image_intermediates"][-1] @ network.visual.proj


def _timm_transformer(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    features = visual.trunk.forward_features(pixels)
    patches = features[:, visual.trunk.num_prefix_tokens :]
    # A head that takes the first token takes the only one of a sequence of one.
    each = _timm_head(visual, patches.flatten(0, 1).unsqueeze(1))
    return _timm_head(visual, features), each.unflatten(0, patches.shape[:2])


def _timm_convolutions(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    features = visual.trunk.forward_features(pixels)
    patches = features.flatten(2).transpose(1, 2)
    return _timm_head(visual, features), visual.head(visual.trunk.head.fc(patches))


def _timm_head(visual: Any, features: Tensor) -> Any:
    return visual.head(visual.trunk.forward_head(features))


def _ends_linearly(visual: Any) -> bool:
    head = getattr(visual.trunk, "head", None)
    return (
        isinstance(head, ClassifierHead)
        and head.global_pool.pool_type == "avg"
        and head.input_fmt == "NCHW"
        and not head.use_conv
        and {name for name, _ in visual.head.named_children()} <= {"drop", "proj"}
    )


def _text_transformer(network: Any, projection: Any, ids: Tensor) -> tuple[Tensor, Tensor]:
    outputs = network.forward_intermediates(
        text=ids,
        text_indices=1,
        text_output_fmt="NLC",
        normalize=False,
        normalize_intermediates=True,
    )
    tokens = outputs["text_intermediates"][-1]
    if isinstance(projection, torch.nn.Linear):
        tokens = projection(tokens)
    elif projection is not None:
        tokens = tokens @ projection
    return outputs["text_features"], tokens
