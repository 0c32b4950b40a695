"""Dual encoders: a tower for images and one for texts, whose embeddings compare by cosine."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

import torch

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.image_encoding import ImageEncoding
from mmjudge.judges.backbones.text_encoding import TextEncoding
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.fingerprint import code_version, fingerprint, weights_digest
from mmjudge.judges.operation import Budget

# Images and texts in every forward pass of deterministic mode, by type of device. On a CPU few rows
# are also the fastest, since their activations stay in its cache (EfficientNet-Lite0 on one core:
# 25 ms an image in rows of 2 or 4, 30 ms in rows of 8).
FIXED_ROWS = {"cpu": (4, 8), "cuda": (32, 64)}


@dataclass(frozen=True, slots=True)
class DualEncoderConfig:
    """Which dual encoder to load, and how to run it.

    model: `photo-lite` (embedded), `ARCHITECTURE/TAG`, `hf-hub:ORG/NAME` or `local-dir:PATH` for
    open_clip, `transformers:ORG/NAME` or `transformers:PATH` for transformers, `hps:v2.0`,
    `hps:v2.1` or `hps:PATH` of a checkpoint for HPS v2.
    revision: commit of a hub model; empty for the one in `published.COMMITS`, else its newest.
    processor: ORG/NAME (also ORG/NAME@COMMIT) or folder of a transformers model whose image
    processor and tokenizer are taken; empty for the model's own.
    sha256: digest that the checkpoint of an `hps:` model must have; empty for any.
    device: `cpu`, `cuda`, `cuda:1`, ... or `auto` for the first GPU if there is one.
    deterministic: fixed shapes and kernels, so that a score does not depend on its company.
    max_batch_items, max_batch_pixels: largest batch; pixels count after preprocessing.
    """

    model: str = "photo-lite"
    revision: str = ""
    processor: str = ""
    sha256: str = ""
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    deterministic: bool = True
    max_batch_items: int = 64
    max_batch_pixels: int = 64 * 384 * 384

    def plain(self) -> "DualEncoderConfig":
        """The same settings without the defaults of a kind: equal ones share their backbone."""
        return DualEncoderConfig(**{f.name: getattr(self, f.name) for f in fields(self)})


class DualEncoder:
    """Operations `images` and `texts` over one tower, and what their outputs depend on."""

    def __init__(self, config: DualEncoderConfig, tower: Tower) -> None:
        self.tower = tower
        rows = FIXED_ROWS["cpu" if tower.device.type == "cpu" else "cuda"]
        if not config.deterministic:
            rows = (1, 1)
        shapes = f"passes of {rows[0]}, {rows[1]}" if config.deterministic else "any passes"
        self.provenance: Mapping[str, str] = {
            "weights": weights_digest(tower.weights()),
            "preprocessing": tower.preprocessing,
            "dtype": config.dtype,
            "numerics": f"{tower.device.type}, {shapes}",
            "code": code_version(*tower.libraries),
        }
        digest = fingerprint(self.provenance)
        items = config.max_batch_items
        self.images = ImageEncoding(
            tower,
            name=f"{config.model}/images",
            fingerprint=f"{digest}/images",
            budget=Budget(items, config.max_batch_pixels, rows[0]),
            fixed=config.deterministic,
        )
        self.texts = TextEncoding(
            tower,
            name=f"{config.model}/texts",
            fingerprint=f"{digest}/texts",
            budget=Budget(items, items * tower.context_length, rows[1]),
            fixed=config.deterministic,
        )

    def told(self, config: DualEncoderConfig) -> dict[str, str]:
        """What to tell of the model beside `provenance`: its name, and any caution."""
        caution = self.tower.caution
        return {"model": config.model} | ({"caution": caution} if caution else {})

    def keep_tokens(self) -> None:
        """Keep token features beside embeddings from now on; call before the first forward pass."""
        self.images.keep_tokens = self.texts.keep_tokens = True


def load_dual_encoder(config: DualEncoderConfig) -> DualEncoder:
    """Load the weights that `config` names.

    Raises `BackboneUnavailable` when they or the device cannot be had, with the fix.
    """
    device, dtype = pick_device(config.device), getattr(torch, config.dtype)
    scheme, rest = scheme_of(config)
    tower: Tower
    # Each loader imports seconds' worth of libraries: only the one that is needed.
    if config.model == "photo-lite":
        from mmjudge.judges.backbones.photo_lite import PhotoLite

        tower = PhotoLite(device, dtype)
    elif scheme == "transformers":
        from mmjudge.judges.backbones.transformers_tower import load_transformers_tower

        tower = load_transformers_tower(rest, config.revision, device, dtype, config.processor)
    elif scheme == "hps":
        from mmjudge.judges.backbones.hps_tower import load_hps_tower

        tower = load_hps_tower(rest, config.revision, config.sha256, device, dtype)
    else:
        from mmjudge.judges.backbones.open_clip_tower import load_open_clip_tower

        tower = load_open_clip_tower(config.model, config.revision, device, dtype)
    return DualEncoder(config, tower)


def scheme_of(config: DualEncoderConfig) -> tuple[str, str]:
    """What stands before and after the colon of `model`.

    Raises `BackboneUnavailable` for settings that a model of that scheme does not have.
    """
    scheme, _, rest = config.model.partition(":")
    for key, only in (("processor", "transformers"), ("sha256", "hps")):
        if getattr(config, key) and scheme != only:
            raise BackboneUnavailable(f"{config.model}: only {only}: models have a {key}")
    return scheme, rest


def pick_device(name: str) -> torch.device:
    """Turn a configured name into a device that exists; raises `BackboneUnavailable` otherwise."""
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BackboneUnavailable(
            f"device {name!r} is none: expected auto, cpu or cuda:N"
        ) from error
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise BackboneUnavailable(f"device {name!r} is not here: this machine has {count} GPUs")
        return torch.device("cuda", device.index or 0)
    return device
