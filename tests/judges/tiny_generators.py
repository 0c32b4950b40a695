"""Tiny vision-language models with random weights, as their families' checkpoints are laid out.

Processors are the families' own; their tokenizers and templates are in `tiny_chats`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tests.judges.tiny_chats import (
    CHATML,
    IDEFICS_CONTROLS,
    IDEFICS_TEMPLATE,
    INTERNVL_CONTROLS,
    LLAVA_NEXT_TEMPLATE,
    LLAVA_TEMPLATE,
    QWEN_CONTROLS,
    byte_level,
    sentencepiece,
)

from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

ensure_torchvision_schemas()

PATCHES: dict[str, Any] = {
    "patch_size": 14,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}
TOWER = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def write_llava(folder: Path) -> Path:
    """LLaVA-1.5: four tokens an image, a Llama tokenizer of SentencePiece's make."""
    import transformers as hf

    tokenizer = sentencepiece(("<unk>", "<s>", "</s>", "<image>", "<pad>"))
    config = hf.LlavaConfig(
        text_config=_text("llama", tokenizer),
        vision_config=_clip(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = hf.LlavaProcessor(
        hf.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=28),
        tokenizer,
        **PATCHES,
        chat_template=LLAVA_TEMPLATE,
    )
    return _write(folder, hf.LlavaForConditionalGeneration, config, processor)


def write_llava_next(folder: Path) -> Path:
    """LLaVA-1.6: an image is seen whole and in tiles, as many tokens as its shape asks for."""
    import transformers as hf

    tokenizer = sentencepiece(("<unk>", "<s>", "</s>", "<image>", "<pad>"))
    shapes = [[28, 56], [56, 28], [56, 56]]
    config = hf.LlavaNextConfig(
        text_config=_text("mistral", tokenizer),
        vision_config=_clip(),
        image_grid_pinpoints=shapes,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = hf.LlavaNextProcessor(
        hf.LlavaNextImageProcessor(
            size={"shortest_edge": 28}, crop_size=28, image_grid_pinpoints=shapes
        ),
        tokenizer,
        **PATCHES,
        chat_template=LLAVA_NEXT_TEMPLATE,
    )
    return _write(folder, hf.LlavaNextForConditionalGeneration, config, processor)


def write_qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL: patches of any grid, positions in three dimensions."""
    vision = {"depth": 1, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2}
    return _write_qwen(folder, "Qwen2VL", vision, [1, 1, 2])


def write_qwen2_5_vl(folder: Path) -> Path:
    """Qwen2.5-VL: windows of attention in its tower."""
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "window_size": 28,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    return _write_qwen(folder, "Qwen2_5_VL", vision, [1, 1, 2])


def write_qwen3_vl(folder: Path) -> Path:
    """Qwen3-VL: features of several depths of its tower enter the text's layers."""
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 14,
        "out_hidden_size": 32,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
    }
    return _write_qwen(folder, "Qwen3VL", vision, [2, 1, 1], video="Qwen3VLVideoProcessor")


def write_internvl(folder: Path) -> Path:
    """InternVL in transformers' layout: tiles of four tokens each; words in and out are tied."""
    import transformers as hf

    tokenizer = byte_level(
        INTERNVL_CONTROLS,
        "<|im_end|>",
        "<|endoftext|>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    config = hf.InternVLConfig(
        text_config=_text("qwen2", tokenizer),
        vision_config=TOWER | {"image_size": 56, "patch_size": 14},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    side = {"height": 56, "width": 56}
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size=side, crop_to_patches=True, min_patches=1, max_patches=3),
        tokenizer,
        hf.InternVLVideoProcessor(size=side),
        image_seq_length=4,
        chat_template=CHATML.format(image="<IMG_CONTEXT>\n"),
    )
    return _write(folder, hf.InternVLForConditionalGeneration, config, processor)


def write_idefics2(folder: Path) -> Path:
    """Idefics2: images of their own shapes, padded and masked, resampled to four tokens."""
    import transformers as hf

    tokenizer = byte_level(IDEFICS_CONTROLS[:6], "</s>", "<pad>", bos_token="<s>")
    config = hf.Idefics2Config(
        text_config=_text("mistral", tokenizer),
        vision_config=TOWER | {"image_size": 56, "patch_size": 14},
        perceiver_config={
            "hidden_size": 32,
            "resampler_n_latents": 4,
            "resampler_depth": 1,
            "resampler_n_heads": 2,
            "resampler_head_dim": 8,
            "num_key_value_heads": 2,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = hf.Idefics2Processor(
        hf.Idefics2ImageProcessor(
            size={"shortest_edge": 28, "longest_edge": 56}, do_image_splitting=False
        ),
        tokenizer,
        image_seq_len=4,
        chat_template=IDEFICS_TEMPLATE,
    )
    end = tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    return _write(folder, hf.Idefics2ForConditionalGeneration, config, processor, ends=[end])


def write_idefics3(folder: Path) -> Path:
    """Idefics3: tiles named by row and column, and the whole image."""
    import transformers as hf

    tokenizer = byte_level(IDEFICS_CONTROLS, "</s>", "<pad>", bos_token="<s>")
    config = hf.Idefics3Config(
        text_config=_text("llama", tokenizer),
        vision_config=TOWER | {"image_size": 32, "patch_size": 8},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    processor = hf.Idefics3Processor(
        hf.Idefics3ImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        tokenizer,
        image_seq_len=4,
        chat_template=IDEFICS_TEMPLATE,
    )
    end = tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    return _write(folder, hf.Idefics3ForConditionalGeneration, config, processor, ends=[end])


WRITERS: dict[str, Callable[[Path], Path]] = {
    "llava": write_llava,
    "llava_next": write_llava_next,
    "qwen2_vl": write_qwen2_vl,
    "qwen2_5_vl": write_qwen2_5_vl,
    "qwen3_vl": write_qwen3_vl,
    "internvl": write_internvl,
    "idefics2": write_idefics2,
    "idefics3": write_idefics3,
}


def _write_qwen(
    folder: Path,
    family: str,
    vision: dict[str, Any],
    sections: list[int],
    video: str = "Qwen2VLVideoProcessor",
) -> Path:
    import transformers as hf

    tokenizer = byte_level(QWEN_CONTROLS, "<|im_end|>", "<|endoftext|>")
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>")
        for name, token in [
            ("image", "image_pad"),
            ("video", "video_pad"),
            ("vision_start", "vision_start"),
            ("vision_end", "vision_end"),
        ]
    }
    rope = {"rope_type": "default", "mrope_section": sections, "rope_theta": 10000.0}
    words = _text("", tokenizer) | {"rope_parameters": rope, "head_dim": 8}
    del words["model_type"]
    config = getattr(hf, f"{family}Config")(
        text_config=words, vision_config=vision, tie_word_embeddings=False, **ids
    )
    size = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}
    processor = getattr(hf, f"{family}Processor")(
        hf.Qwen2VLImageProcessor(size=size, patch_size=14),
        tokenizer,
        getattr(hf, video)(size=size, patch_size=14),
        chat_template=CHATML.format(image="<|vision_start|><|image_pad|><|vision_end|>"),
    )
    return _write(folder, getattr(hf, f"{family}ForConditionalGeneration"), config, processor)


def _text(kind: str, tokenizer: Any) -> dict[str, Any]:
    return {
        "model_type": kind,
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _clip() -> dict[str, Any]:
    return TOWER | {
        "model_type": "clip_vision_model",
        "num_hidden_layers": 2,
        "image_size": 28,
        "patch_size": 14,
        "projection_dim": 16,
    }


def _write(
    folder: Path, kind: Any, config: Any, processor: Any, *, ends: list[int] | None = None
) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()
    config.text_config.vocab_size = len(processor.tokenizer)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = kind(config)
        for parameter in network.parameters():
            if parameter.ndim > 1:  # so that answers differ, and by more than rounding
                torch.nn.init.normal_(parameter, std=0.2)
    if ends is not None:
        network.generation_config.eos_token_id = ends
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
