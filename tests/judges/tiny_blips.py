"""Tiny BLIP models with random weights: in transformers' layout, and as ImageReward.pt has it."""

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from tests.judges.tiny_models import PHRASES
from torch import Tensor

from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

ensure_torchvision_schemas()

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = sorted({word.strip(",.!?<>/|") for phrase in PHRASES for word in phrase.lower().split()})
VOCABULARY = [*SPECIALS, *"abcdefghijklmnopqrstuvwxyz[]", *(w for w in WORDS if len(w) > 1)]
ROWS = len(VOCABULARY) + 2  # [DEC] and [ENC]
WIDTH, HIDDEN, SIDE, PATCH = 16, 8, 32, 16


def write_tokenizer(folder: Path) -> Path:
    """BERT's tokenizer as the vocabulary alone, which is how it was first published."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return folder


def write_blip(folder: Path) -> Path:
    """A BlipForImageTextRetrieval with its image processor and tokenizer, as a hub has them."""
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForImageTextRetrieval,
        BlipImageProcessorPil,
    )
    from transformers.utils import logging

    logging.disable_progress_bar()
    write_tokenizer(folder)
    config = BlipConfig(
        vision_config={
            "hidden_size": WIDTH,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIDE,
            "patch_size": PATCH,
        },
        text_config={
            "vocab_size": ROWS,
            "hidden_size": HIDDEN,
            "encoder_hidden_size": WIDTH,
            "intermediate_size": 12,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 40,
        },
        image_text_hidden_size=6,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = BlipForImageTextRetrieval(config)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    network.save_pretrained(folder)
    BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder


def write_image_reward(folder: Path) -> Path:
    """ImageReward.pt of two layers a side, with med_config.json and a tokenizer beside it."""
    write_tokenizer(folder)
    med = {"num_attention_heads": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
    (folder / "med_config.json").write_text(json.dumps(med))
    torch.save(image_reward_state(), folder / "ImageReward.pt")
    return folder


def image_reward_state() -> dict[str, Tensor]:
    """Random weights by the published names, written out here once more."""
    draw = torch.Generator().manual_seed(0)
    state = {name: torch.randn(shape, generator=draw) * 0.3 for name, shape in _shapes()}
    state["blip.text_encoder.embeddings.position_ids"] = torch.arange(48).reshape(1, 48)
    return state


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    vision, text = "blip.visual_encoder", "blip.text_encoder"
    yield f"{vision}.cls_token", (1, 1, WIDTH)
    yield f"{vision}.pos_embed", (1, 1 + (SIDE // PATCH) ** 2, WIDTH)
    yield f"{vision}.patch_embed.proj.weight", (WIDTH, 3, PATCH, PATCH)
    yield f"{vision}.patch_embed.proj.bias", (WIDTH,)
    for layer in range(2):
        block = f"{vision}.blocks.{layer}"
        yield from _norm(f"{block}.norm1", WIDTH)
        yield from _linear(f"{block}.attn.qkv", WIDTH, 3 * WIDTH)
        yield from _linear(f"{block}.attn.proj", WIDTH, WIDTH)
        yield from _norm(f"{block}.norm2", WIDTH)
        yield from _linear(f"{block}.mlp.fc1", WIDTH, 24)
        yield from _linear(f"{block}.mlp.fc2", 24, WIDTH)
    yield from _norm(f"{vision}.norm", WIDTH)
    yield f"{text}.embeddings.word_embeddings.weight", (ROWS, HIDDEN)
    yield f"{text}.embeddings.position_embeddings.weight", (48, HIDDEN)
    yield from _norm(f"{text}.embeddings.LayerNorm", HIDDEN)
    for layer in range(2):
        block = f"{text}.encoder.layer.{layer}"
        for attention, seen in (("attention", HIDDEN), ("crossattention", WIDTH)):
            yield from _linear(f"{block}.{attention}.self.query", HIDDEN, HIDDEN)
            yield from _linear(f"{block}.{attention}.self.key", seen, HIDDEN)
            yield from _linear(f"{block}.{attention}.self.value", seen, HIDDEN)
            yield from _linear(f"{block}.{attention}.output.dense", HIDDEN, HIDDEN)
            yield from _norm(f"{block}.{attention}.output.LayerNorm", HIDDEN)
        yield from _linear(f"{block}.intermediate.dense", HIDDEN, 12)
        yield from _linear(f"{block}.output.dense", 12, HIDDEN)
        yield from _norm(f"{block}.output.LayerNorm", HIDDEN)
    yield from _linear("blip.vision_proj", WIDTH, 6)
    yield from _linear("blip.text_proj", HIDDEN, 6)
    sizes = {0: (HIDDEN, 1024), 2: (1024, 128), 4: (128, 64), 6: (64, 16), 7: (16, 1)}
    for number, (before, after) in sizes.items():
        yield from _linear(f"mlp.layers.{number}", before, after)


def _linear(name: str, before: int, after: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (after, before)
    yield f"{name}.bias", (after,)


def _norm(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)
