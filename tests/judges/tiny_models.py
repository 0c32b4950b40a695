"""Tiny dual encoders with random weights, in the layouts that open_clip and transformers read."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PIL
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.tower import Tower

ensure_torchvision_schemas()

PHRASES = (
    "a photo of a tabby cat looking at the camera",
    "two dogs playing in the snow behind a red house",
    "an astronaut drinking espresso, 8k, trending",
    "a cup of coffee on a wooden table",
    "the quick brown fox jumps over the lazy dog 0123456789 <>/|.,!?",
)

OPEN_CLIP_VIT: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 16, "layers": 2},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
SIGLIP2_ENDS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def write_open_clip(
    folder: Path, config: dict[str, Any], *, seed: int = 0, preprocess: dict[str, Any] | None = None
) -> Path:
    """Write a random model of open_clip's `model_cfg` as a `local-dir:`."""
    from open_clip import CLIP, CustomTextCLIP

    folder.mkdir(parents=True, exist_ok=True)
    arguments = {key: value for key, value in config.items() if key != "custom_text"}
    kind = CustomTextCLIP if config.get("custom_text") else CLIP
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = kind(**arguments)
        if kind is CLIP:  # open_clip leaves that to the text tower it takes apart
            torch.nn.init.normal_(network.text_projection, std=0.25)
    save_file(
        {name: tensor.contiguous() for name, tensor in network.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    text = {"model_cfg": config, "preprocess_cfg": preprocess or {}}
    (folder / "open_clip_config.json").write_text(json.dumps(text))
    return folder


def write_open_clip_siglip(folder: Path) -> Path:
    """SigLIP as open_clip has it: timm's attention pool, no causal mask, last token, Unigram."""
    config = {
        "embed_dim": 64,
        "custom_text": True,
        "init_logit_bias": -10.0,
        "vision_cfg": {
            "image_size": 160,
            "timm_model_name": "test_vit",
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": OPEN_CLIP_VIT["text_cfg"]
        | {
            "context_length": 16,
            "vocab_size": 200,
            "hf_tokenizer_name": "tiny",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
        },
    }
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
    write_open_clip(folder, config, preprocess=preprocess)
    return write_unigram(folder, context=16)


def write_clip(folder: Path, *, seed: int = 0, side: int = 32) -> Path:
    """CLIPModel with OpenAI's tokenizer and 4 x 4 patches."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    ends = {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}
    config = CLIPConfig(
        projection_dim=24,
        text_config=layers | ends | {"num_attention_heads": 2},
        vision_config=layers
        | {"num_attention_heads": 2, "image_size": side, "patch_size": side // 4},
    )
    processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=side)
    _write(folder, CLIPModel, config, processor, seed)
    return write_openai_tokenizer(folder)


def write_siglip(folder: Path, *, seed: int = 0) -> Path:
    """SiglipModel as the SigLIP 2 checkpoints of fixed resolution have it."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    config = SiglipConfig(
        text_config=_siglip_layers() | {"vocab_size": 200} | SIGLIP2_ENDS,
        vision_config=_siglip_layers() | {"image_size": 32, "patch_size": 8},
    )
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    _write(folder, SiglipModel, config, processor, seed)
    return write_gemma_tokenizer(folder)


def write_siglip2(folder: Path) -> Path:
    """Siglip2Model, for pictures of any shape in at most 16 patches."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    config = Siglip2Config(
        text_config=_siglip_layers() | {"vocab_size": 200} | SIGLIP2_ENDS,
        vision_config=_siglip_layers() | {"num_patches": 9, "patch_size": 8},
    )
    processor = Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16)
    _write(folder, Siglip2Model, config, processor, 0)
    return write_gemma_tokenizer(folder)


def write_openai_tokenizer(folder: Path) -> Path:
    """transformers' CLIPTokenizer from the merges that come with open_clip."""
    import open_clip
    from transformers import CLIPTokenizer

    file = Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.decompress(file.read_bytes()).decode().split("\n")[1:48895]
    symbols = list(open_clip.tokenizer.bytes_to_unicode().values())
    pieces = [*symbols, *(f"{symbol}</w>" for symbol in symbols)]
    pieces += [line.replace(" ", "") for line in lines]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    merges: Any = [tuple(line.split()) for line in lines]  # typed as strings, read as pairs
    tokenizer = CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)},
        merges=merges,
        model_max_length=77,
    )
    tokenizer.save_pretrained(folder)
    return folder


def write_gemma_tokenizer(folder: Path) -> Path:
    """A byte-pair tokenizer of Gemma's make with the ids of SigLIP 2, trained on `PHRASES`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(PHRASES, trainer)
    return _write_tokenizer(folder, tokenizer, "Siglip2Tokenizer", "<eos>", "<pad>", 64)


def write_unigram(folder: Path, context: int) -> Path:
    """A Unigram tokenizer of T5's make, as timm's SigLIP has it, trained on `PHRASES`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(PHRASES * 4, trainer)
    return _write_tokenizer(folder, tokenizer, "T5Tokenizer", "</s>", "</s>", context)


def pictures(count: int = 6) -> list[PIL.Image]:
    """Random RGB pictures of several shapes."""
    shapes = [(61, 47), (32, 32), (40, 97), (200, 33), (7, 9), (64, 64)]
    noise = np.random.default_rng(0)
    return [
        PIL.fromarray(noise.integers(0, 256, (*shapes[index % 6], 3), np.uint8))
        for index in range(count)
    ]


def image_batch(tower: Tower, drawn: Sequence[PIL.Image]) -> list[Tensor]:
    """Preprocessed pictures, stacked."""
    payloads = [tower.preprocess(picture) for picture in drawn]
    return [torch.stack(parts) for parts in zip(*payloads, strict=True)]


def text_batch(tower: Tower, texts: Sequence[str], length: int = 0) -> tuple[Tensor, Tensor]:
    """Ids and mask of truncated texts, padded to `length` or else to the full context."""
    shape = (len(texts), length or tower.context_length)
    ids, mask = torch.full(shape, tower.pad_id), torch.zeros(shape, dtype=torch.bool)
    for row, text in enumerate(texts):
        tokens = tower.truncate(tower.tokenize(text))
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = True
    return ids, mask


def _siglip_layers() -> dict[str, int]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }


def _write(folder: Path, kind: Any, config: Any, processor: Any, seed: int) -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = kind(config)
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:  # transformers starts some at zero and some far too small
                torch.nn.init.normal_(parameter, std=0.2)
            elif name == "logit_bias":
                torch.nn.init.constant_(parameter, -10.0)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)


def _write_tokenizer(
    folder: Path, tokenizer: Tokenizer, kind: str, end: str, padding: str, context: int
) -> Path:
    from transformers import PreTrainedTokenizerFast

    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, tokenizer.token_to_id(end))]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=end,
        pad_token=padding,
        unk_token="<unk>",
        padding_side="right",
        model_max_length=context,
    )
    wrapped.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tokenizer_class": kind}))
    return folder
