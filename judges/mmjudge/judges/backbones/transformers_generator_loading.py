"""Loading a vision-language model and its processor by transformers, from a folder."""

from pathlib import Path
from typing import Any

import torch

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.transformers_errors import reported

NEEDED = "expected a model of transformers' AutoModelForImageTextToText with its processor's files"


def load_processor(folder: Path, what: str) -> Any:
    """A processor of images and text, its images by the PIL backend.

    The default backend differs from published preprocessing by up to 1.5e-2.
    """
    from transformers import AutoImageProcessor, AutoProcessor

    with reported(what, f"; {NEEDED}"):
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
        pictures = AutoImageProcessor.from_pretrained(
            folder, backend="pil", trust_remote_code=False
        )
    for part in ("tokenizer", "image_processor"):
        if not hasattr(processor, part):
            raise BackboneUnavailable(f"{what}: {type(processor).__name__} has no {part}; {NEEDED}")
    processor.image_processor = pictures
    return processor


def load_network(folder: Path, dtype: torch.dtype, what: str) -> Any:
    """An AutoModelForImageTextToText from safetensors, on the CPU.

    Raises `BackboneUnavailable` for another architecture, and weights missing, left over or
    misshapen.
    """
    from transformers import AutoModelForImageTextToText

    with reported(what, f"; {NEEDED}"):
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=dtype,
            attn_implementation="sdpa",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below by name
        )
    network, report = loaded
    for fault in ("missing", "unexpected", "mismatched"):
        if keys := sorted(str(key) for key in report[f"{fault}_keys"]):
            raise BackboneUnavailable(
                f"{what}: {len(keys)} {fault} weights for {type(network).__name__}, such as "
                f"{', '.join(keys[:10])}"
            )
    return network
