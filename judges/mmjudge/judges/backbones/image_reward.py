"""ImageReward: a BLIP whose text encoder, looking at the image, ends in a reward."""

from dataclasses import dataclass
from pathlib import Path

import torch

from mmjudge.judges.backbones.blip import Blip
from mmjudge.judges.backbones.blip_network import POSITIONS, fill_network
from mmjudge.judges.backbones.blip_pictures import CroppedPictures
from mmjudge.judges.backbones.blip_tokenizer import plain_tokenizer
from mmjudge.judges.backbones.blip_tower import BlipTower
from mmjudge.judges.backbones.checkpoints import read_state_dict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, pick_device
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.image_reward_checkpoint import published_name, reward_network
from mmjudge.judges.backbones.model_files import ModelFile, ModelFiles, model_files, read_json
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.transformers_files import tokenizer_files
from mmjudge.judges.backbones.transformers_text import PlainTokenizer

CHECKPOINT, MED_CONFIG = "ImageReward.pt", "med_config.json"
CONTEXT = 35  # tokens with the special ones, as BLIP's retrieval had it and ImageReward kept


@dataclass(frozen=True, slots=True)
class ImageRewardConfig(DualEncoderConfig):
    """Which ImageReward to load, and how to run it; the rest as in `DualEncoderConfig`.

    model: a hub's ORG/NAME or a folder, with ImageReward.pt and med_config.json, or the path of
    such a checkpoint with med_config.json beside it.
    revision: commit of a hub model; empty for the one in `published.COMMITS`, else its newest.
    processor: ORG/NAME, ORG/NAME@COMMIT or a folder with BERT's tokenizer, as vocab.txt or
    tokenizer.json; pictures are always treated as published.
    sha256: digest that the checkpoint must have; empty for any.
    vision_heads: attention heads of the image encoder, which its weights do not tell; 0 for one to
    64 numbers, as published.
    """

    model: str = "THUDM/ImageReward"
    processor: str = "google-bert/bert-base-uncased"
    vision_heads: int = 0


def load_image_reward(config: ImageRewardConfig) -> Blip:
    """Load the checkpoint that `config` names, as it was published and without running its code.

    Raises `BackboneUnavailable`: a hub that does not answer, files missing, weights missing, left
    over or misshapen, another digest, another model's tokenizer, a device that is not here.
    """
    ensure_torchvision_schemas()
    device, dtype = pick_device(config.device), getattr(torch, config.dtype)
    checkpoint, med = _find(config.model, config.revision)
    state = read_state_dict(checkpoint, sha256=config.sha256)
    state.pop(f"blip.{POSITIONS}", None)
    network = reward_network(state, read_json(med[0]) if med else {}, config.vision_heads)
    names = {key: published_name(key) for key in network.state_dict()}
    fill_network(network, state, names, str(checkpoint))
    architecture = network.config
    tokenizer = _tokenizer(config.processor, architecture.text_config.vocab_size)
    pictures = CroppedPictures(architecture.vision_config.image_size)
    return Blip(config, BlipTower(network, pictures, tokenizer, (CONTEXT,), device, dtype))


def image_reward_files(config: ImageRewardConfig) -> list[ModelFile]:
    """The checkpoint, its config and a tokenizer, fetched where needed; as `load_image_reward`."""
    checkpoint, med = _find(config.model, config.revision)
    tokenizer = tokenizer_files(model_files(config.processor))
    return [ModelFile(checkpoint, config.sha256), *map(ModelFile, [*med, *tokenizer])]


def _find(model: str, revision: str) -> tuple[Path, list[Path]]:
    path = Path(model)
    if not path.is_file():
        files = ModelFiles(model, revision)
        return files.need(CHECKPOINT), files.find(MED_CONFIG)
    if revision:
        raise BackboneUnavailable(f"{model} at revision {revision}: a file has no revisions")
    return path, ModelFiles(str(path.parent)).find(MED_CONFIG)


def _tokenizer(processor: str, words: int) -> PlainTokenizer:
    from transformers import BertTokenizer

    folder = tokenizer_files(model_files(processor))[0].parent
    try:
        tokenizer = BertTokenizer.from_pretrained(folder)
    except (KeyError, OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:600]
        raise BackboneUnavailable(
            f"tokenizer {processor}: {type(error).__name__}: {reason}"
        ) from error
    return plain_tokenizer(tokenizer, words)
