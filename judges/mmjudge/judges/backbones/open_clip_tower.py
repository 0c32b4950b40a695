"""Dual encoders of open_clip: CLIP, SigLIP, CoCa, MobileCLIP, EVA and others, from any source."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from PIL import Image as PIL
from safetensors import SafetensorError
from torch import Tensor

from mmjudge.judges.backbones.errors import PULL, BackboneUnavailable
from mmjudge.judges.backbones.features import Box
from mmjudge.judges.backbones.open_clip_files import OFFLINE
from mmjudge.judges.backbones.open_clip_source import find_open_clip
from mmjudge.judges.backbones.picture_box import picture_box
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.transformers_text import cut

# open_clip's mixed precision: norms and the logit scale stay in float32.
PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def load_open_clip_tower(
    model: str, revision: str, device: torch.device, dtype: torch.dtype
) -> Tower:
    """Load `model`, a name that `find_open_clip` takes, as open_clip does.

    Weights of a tag that were trained with QuickGELU run with it, also under an architecture's
    plain name, where open_clip warns and computes something else (`ViT-B-32/openai`).
    `revision` is a commit of an `hf-hub:` model.

    Raises `BackboneUnavailable` as `find_open_clip` does, and for a hub that does not answer or
    weights that do not fit.
    """
    ensure_torchvision_schemas()
    import open_clip  # imports torchvision

    precision, pretrained = PRECISIONS[dtype], None
    try:
        name, pretrained = find_open_clip(model, revision)
        config = open_clip.get_model_config(name)
        tag = open_clip.get_pretrained_cfg(name, pretrained or "")
        config["quick_gelu"] = config.get("quick_gelu", False) or tag.get("quick_gelu", False)
        create = partial(
            open_clip.create_model_from_pretrained,
            name,
            pretrained,
            force_quick_gelu=config["quick_gelu"],
            pretrained_text=False,  # or missing weights start another download before they fail
        )
        network, transform = create(precision=precision, device=device)
        if network.logit_scale.dtype != torch.float32:  # rounded with a timm trunk's weights
            exact = create(return_transform=False)
            network.logit_scale, network.logit_bias = exact.logit_scale, exact.logit_bias
        tokenizer = open_clip.get_tokenizer(name)
    except BackboneUnavailable:
        raise  # a RuntimeError that already says the fix
    except (
        AttributeError,  # open_clip 3.3's bfloat16 of a text projection with a bias
        ImportError,
        KeyError,
        OSError,
        RuntimeError,
        SafetensorError,
        TypeError,
        UnpicklingError,
        ValueError,
    ) as error:
        what = f"{model} at revision {revision}" if revision else model
        reason = " ".join(str(error).split())[:600]
        local = model.startswith("local-dir:") or Path(pretrained or "").is_file()
        hint = "" if local else f"; {OFFLINE}; {PULL}"
        raise BackboneUnavailable(f"{what}: {type(error).__name__}: {reason}{hint}") from error
    return OpenClipTower(network, transform, tokenizer, config, device, dtype)


class OpenClipTower:
    """A model of open_clip with open_clip's own image transform and tokenizer.

    Images keep their mode until after the resize, where open_clip puts the conversion to RGB (and
    OpenAI's CLIP before it). Embeddings are bit for bit those of `encode_image` and `encode_text`
    of the same batch; CoCa's are normalised already. Which architectures have patches and tokens:
    `open_clip_features`.
    """

    caution = ""
    text_lengths: Sequence[int]
    libraries: Sequence[str]

    def __init__(
        self,
        network: Any,
        transform: Any,
        tokenizer: Any,
        config: Mapping[str, Any],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Take over what open_clip loaded, on `device` in `dtype`; `config` is its `model_cfg`.

        Raises `BackboneUnavailable` for a tokenizer whose ids this cannot reproduce, and for an
        architecture that open_clip cannot run in `dtype` (CoCa in bfloat16).
        """
        # Both import open_clip, which may only be imported once torchvision can be.
        from mmjudge.judges.backbones.open_clip_features import image_encoder, text_encoder
        from mmjudge.judges.backbones.open_clip_text import open_clip_text

        self._network = network.eval().requires_grad_(False)
        self._transform, self._dtype, self.device = transform, dtype, device
        self._text = open_clip_text(tokenizer)
        self.dim = int(config["embed_dim"])
        self.pad_id, self.context_length = self._text.pad_id, self._text.context_length
        # Positions are added at full length, and most pooling or attention sees the padding.
        self.text_lengths = (self.context_length,)
        pixels = self.preprocess(PIL.new("RGB", (2, 2)))[0]
        self.image_cost = pixels.shape[1] * pixels.shape[2]
        with torch.inference_mode():
            self._encode_image, self.grid = image_encoder(
                network, pixels.unsqueeze(0).to(device, dtype)
            )
        self._encode_text = text_encoder(network)
        if dtype != torch.float32:
            self._try_out(pixels)
        scale, bias = network.logit_scale, getattr(network, "logit_bias", None)
        self.logit_scale: float | None = float(scale.float().exp())
        self.logit_bias = None if bias is None else float(bias)
        # The architecture is no preprocessing, but changes scores (a gelu, a number of heads) that
        # weights of the same shapes give.
        self.preprocessing = (
            f"open_clip {_line(network.visual.preprocess_cfg)}; {self._text.description}, "
            f"context {self.context_length}; architecture {_digest(config)}"
        )
        modules = {type(part).__module__.partition(".")[0] for part in network.modules()}
        used = [library for library in ("timm", "transformers") if library in modules]
        self.libraries = tuple(
            dict.fromkeys(
                ("torch", "torchvision", "pillow", "open_clip_torch", *self._text.libraries, *used)
            )
        )

    def preprocess(self, picture: PIL.Image) -> tuple[Tensor, ...]:
        """Picture of any mode -> float32 `[3, height, width]` on the CPU."""
        return (self._transform(picture),)

    def tokenize(self, text: str) -> list[int]:
        """Token ids with special tokens, never cut; control tokens in the text are plain text."""
        return self._text.ids(text)

    def box(self, size: tuple[int, int]) -> Box:
        """What of a picture of `size` open_clip's resize and crop, or padding, leave."""
        visual = self._network.visual
        mode = visual.preprocess_cfg.get("resize_mode") or "shortest"
        side = visual.preprocess_cfg["size"]
        height, width = side if isinstance(side, tuple | list) else (side, side)
        resized, scales = (float(width), float(height)), (width / size[0], height / size[1])
        if mode != "squash":
            scale = min(scales) if mode.startswith("longest") else max(scales)
            resized = (size[0] * scale, size[1] * scale)
        covered = (float(width), float(height))
        if self.grid is not None and hasattr(visual, "patch_size"):
            # A convolution leaves out the pixels that do not fill a patch.
            rows, columns = self.grid
            covered = (columns * visual.patch_size[1], rows * visual.patch_size[0])
        return picture_box(resized, (width, height), covered)

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        """Characters of each token of `tokenize(text)`; None where cleaning joined or cut words."""
        return self._text.locate(text)

    def truncate(self, ids: list[int]) -> list[int]:
        """Cut to `context_length` as open_clip does, the end token kept."""
        return cut(ids, self.context_length, self._text.endings)

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pixels `[batch, 3, h, w]` -> embeddings `[batch, dim]`, patches `[batch, n, dim]`."""
        (pixels,) = images
        return self._encode_image(pixels.to(self._dtype))

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """int64 `[batch, length]` -> embeddings `[batch, dim]`, tokens `[batch, length, dim]`.

        open_clip knows no mask: it finds padding by the ids.
        """
        return self._encode_text(ids)

    def _try_out(self, pixels: Tensor) -> None:
        ids = torch.full((1, self.context_length), self.pad_id, device=self.device)
        try:
            with torch.inference_mode():
                self.encode_images(pixels.unsqueeze(0).to(self.device))
                self.encode_texts(ids, ids.bool())
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise BackboneUnavailable(
                f"open_clip cannot run this architecture in {self._dtype} ({reason}): use float32"
            ) from error

    def weights(self) -> Mapping[str, torch.nn.Module | Tensor]:
        """The whole model."""
        return {"open_clip": self._network}


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _digest(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(_line(config).encode()).hexdigest()[:16]
