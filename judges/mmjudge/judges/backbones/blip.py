"""BLIP models of transformers, which embed images and texts and read them together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmjudge.judges.backbones.blip_fusion import Fusion
from mmjudge.judges.backbones.blip_network import (
    POSITIONS,
    architecture,
    empty_network,
    fill_network,
)
from mmjudge.judges.backbones.blip_pictures import ProcessedPictures
from mmjudge.judges.backbones.blip_tokenizer import plain_tokenizer
from mmjudge.judges.backbones.blip_tower import BlipTower
from mmjudge.judges.backbones.checkpoints import read_state_dict
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig, pick_device
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.model_files import ModelFile, ModelFiles, model_files, read_json
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.transformers_files import processing_files
from mmjudge.judges.fingerprint import fingerprint

KIND = "BlipForImageTextRetrieval"
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
BUCKET = 32  # tokens; texts are padded to a multiple of it


@dataclass(frozen=True, slots=True)
class BlipConfig(DualEncoderConfig):
    """Which BLIP to load, and how to run it; the rest as in `DualEncoderConfig`.

    model: a hub's ORG/NAME or a folder, a `BlipForImageTextRetrieval` with its image processor and
    tokenizer.
    revision: commit of a hub model; empty for the one in `published.COMMITS`, else its newest.
    processor: ORG/NAME, ORG/NAME@COMMIT or a folder whose image processor and tokenizer are taken;
    empty for the model's own.
    sha256: digest that the file of weights must have; empty for any.
    context_length: most tokens of a text that are read; 0 for as many as the model has positions.
    """

    model: str = "Salesforce/blip-itm-base-coco"
    context_length: int = 0


class Blip(DualEncoder):
    """Operations `images` and `texts` as of a dual encoder, and `pairs`, which reads both.

    `pairs` needs features of images with their states: call `keep_tokens` before serving it.
    """

    def __init__(self, config: DualEncoderConfig, tower: BlipTower) -> None:
        super().__init__(config, tower)
        self.pairs = Fusion(
            tower,
            self.texts,
            name=f"{config.model}/pairs",
            fingerprint=f"{fingerprint(self.provenance)}/pairs",
            fixed=config.deterministic,
        )


def load_blip(config: BlipConfig) -> Blip:
    """Load the model that `config` names, from safetensors or a pickle of nothing but tensors.

    Raises `BackboneUnavailable`: a hub that does not answer, files missing, another architecture,
    weights missing, left over or misshapen, another digest, a device that is not here.
    """
    ensure_torchvision_schemas()
    device, dtype = pick_device(config.device), getattr(torch, config.dtype)
    (described, _), weights, (processing, _), *_ = blip_files(config)
    settings, what = read_json(described), ModelFiles(config.model, config.revision).what
    _check_kind(settings, what)
    layout = architecture(settings)
    words, positions = layout.text_config.vocab_size, _positions(layout, config)
    state = read_state_dict(weights.path, sha256=weights.sha256)
    state.pop(POSITIONS, None)
    network = empty_network(layout)
    fill_network(network, state, {key: key for key in network.state_dict()}, what)
    processor, tokenizer = _processing(processing.parent, config.processor or what)
    tower = BlipTower(
        network,
        ProcessedPictures(processor),
        plain_tokenizer(tokenizer, words),
        (*range(BUCKET, positions, BUCKET), positions),
        device,
        dtype,
    )
    return Blip(config, tower)


def blip_files(config: BlipConfig) -> list[ModelFile]:
    """Config, weights and processing, in this order, fetched where needed; as `load_blip`."""
    files = ModelFiles(config.model, config.revision)
    described = files.need("config.json")
    weights = files.need(*WEIGHT_FILES)
    processing = processing_files(model_files(config.processor) if config.processor else files)
    return [ModelFile(described), ModelFile(weights, config.sha256), *map(ModelFile, processing)]


def _check_kind(settings: dict[str, Any], what: str) -> None:
    kinds = settings.get("architectures") or [KIND]
    if settings.get("model_type") != "blip" or KIND not in kinds:
        told = settings.get("architectures") or [settings.get("model_type", "of no known model")]
        raise BackboneUnavailable(
            f"{what} is {', '.join(map(str, told))}; expected a {KIND}, such as "
            f"{BlipConfig().model}"
        )


def _positions(layout: Any, config: BlipConfig) -> int:
    most = int(layout.text_config.max_position_embeddings)
    if not 0 <= config.context_length <= most:
        raise BackboneUnavailable(
            f"context_length {config.context_length}: expected 0 to {most}, the positions that "
            f"{config.model} has"
        )
    return config.context_length or most


def _processing(folder: Path, what: str) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoTokenizer

    try:
        processor = AutoImageProcessor.from_pretrained(
            folder, backend="pil", trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:600]
        raise BackboneUnavailable(f"{what}: {type(error).__name__}: {reason}") from error
    return processor, tokenizer
