"""CLIP, SigLIP and SigLIP 2 of transformers as towers."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image as PIL
from torch import Tensor
from torch.nn.functional import pad

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.features import Box
from mmjudge.judges.backbones.picture_box import picture_box
from mmjudge.judges.backbones.transformers_text import PlainTokenizer, cut

BUCKET = 16  # tokens
# Where a config was read from and by which version; neither changes a score.
ORIGIN = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "_commit_hash")


class _TransformersTower(ABC):
    """What the architectures share: preprocessing and tokens.

    Pictures are turned to RGB before the resize, the colours under transparent pixels kept, as
    transformers did until 4.x and the goldens of `hf_clip_pil_224` have it. transformers 5 pastes
    LA, RGBA and transparent palettes on white; pictures without alpha are equal in both. Its PIL
    backend does the rest: the default one is up to 1.5e-2 off.
    """

    caution = ""
    grid: tuple[int, int] | None = None
    logit_bias: float | None = None
    text_lengths: Sequence[int]
    libraries: Sequence[str]

    def __init__(
        self,
        network: Any,
        processor: Any,
        tokenizer: PlainTokenizer,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Take over a model in float32, its image processor of the PIL backend and tokenizer.

        Raises `BackboneUnavailable` if the processor's pictures are not what the model takes.
        """
        config = network.requires_grad_(False).config
        self.logit_scale: float | None = float(network.logit_scale.exp())
        if hasattr(network, "logit_bias"):
            self.logit_bias = float(network.logit_bias)
        self._network = network.to(device, dtype).eval()
        self._processor, self._tokenizer = processor, tokenizer
        self.device, self._dtype, self.pad_id = device, dtype, tokenizer.pad_id
        self.context_length = int(config.text_config.max_position_embeddings)
        self._set_layout(network)
        pixels = self.preprocess(PIL.new("RGB", (40, 60)))[0]
        self.image_cost = pixels.numel() // 3
        self._check_pixels(tuple(pixels.shape), config.vision_config)
        # The architecture is no preprocessing, but changes scores (an activation, a number of
        # heads) that weights of the same shapes give.
        self.preprocessing = (
            f"RGB, alpha dropped; transformers {_line(processor.to_dict())}; "
            f"{tokenizer.description}, context {self.context_length}; "
            f"architecture {_digest(config.to_dict())}"
        )
        self.libraries = ("torch", "numpy", "pillow", "transformers", *tokenizer.libraries)

    def preprocess(self, picture: PIL.Image) -> tuple[Tensor, ...]:
        """Picture of any mode -> the image processor's tensors on the CPU.

        CLIP and SigLIP: float32 `[3, h, w]`. SigLIP 2 of free resolution: patches float32
        `[most, 3 * side * side]`, int32 mask `[most]` and rows and columns, int64 `[2]`.
        """
        batch = self._processor(images=picture.convert("RGB"), return_tensors="pt")
        return tuple(batch[name][0] for name in self._processor.model_input_names)

    def tokenize(self, text: str) -> list[int]:
        """Token ids with special tokens, never cut; control tokens in the text are plain text."""
        return self._tokenizer.ids(text)

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        """Characters of each token of `tokenize(text)`; None of SentencePiece."""
        return self._tokenizer.locate(text)

    def truncate(self, ids: list[int]) -> list[int]:
        """Cut to `context_length`, the end token kept."""
        return cut(ids, self.context_length, self._tokenizer.endings)

    def weights(self) -> Mapping[str, torch.nn.Module | Tensor]:
        """The whole model."""
        return {"transformers": self._network}

    @abstractmethod
    def _set_layout(self, network: Any) -> None:
        """Set `dim`, `text_lengths` and, where patches are in the joint space, `grid`."""

    def _check_pixels(self, shape: tuple[int, ...], vision: Any) -> None:
        expected = (3, vision.image_size, vision.image_size)
        if shape != expected:
            raise BackboneUnavailable(
                f"preprocessor_config.json makes pictures of {list(shape)} where the model takes "
                f"{list(expected)}"
            )


class ClipTower(_TransformersTower):
    """CLIPModel: patches and tokens are what the class and end tokens become, every one of them.

    Attention is causal and an end token precedes all padding, so that neither the mask nor the
    padding reaches an embedding; texts are padded to a multiple of 16.
    """

    def _set_layout(self, network: Any) -> None:
        vision = network.config.vision_config
        side = vision.image_size // vision.patch_size
        self.grid = (side, side)
        self.dim = int(network.config.projection_dim)
        self.text_lengths = (*range(BUCKET, self.context_length, BUCKET), self.context_length)

    def box(self, size: tuple[int, int]) -> Box:
        """The middle of a picture of `size`, as the image processor cuts it out."""
        rule, vision = self._processor, self._network.config.vision_config
        resized = (float(size[0]), float(size[1]))
        if rule.do_resize:
            short, sides = rule.size.get("shortest_edge"), rule.size
            scale = (short or 0) / min(size)
            resized = (
                (size[0] * scale, size[1] * scale) if short else (sides["width"], sides["height"])
            )
        shown = (vision.image_size, vision.image_size)
        # A convolution leaves out the pixels that do not fill a patch.
        covered = vision.image_size // vision.patch_size * vision.patch_size
        return picture_box(resized, shown, (covered, covered))

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pixels `[batch, 3, h, w]` -> embeddings `[batch, dim]`, patches `[batch, n, dim]`."""
        (pixels,) = images
        network = self._network
        outputs = network.get_image_features(pixel_values=pixels.to(self._dtype))
        patches = network.vision_model.post_layernorm(outputs.last_hidden_state[:, 1:])
        return outputs.pooler_output, network.visual_projection(patches)

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """int64 `[batch, length]` -> embeddings `[batch, dim]`, tokens `[batch, length, dim]`."""
        # With a mask, transformers takes another kernel as soon as one text of a batch is padded.
        outputs = self._network.get_text_features(input_ids=ids)
        return outputs.pooler_output, self._network.text_projection(outputs.last_hidden_state)


class SiglipTower(_TransformersTower):
    """SiglipModel and Siglip2Model, the latter for pictures of free shape (NaFlex).

    No patches: an attention pool, whose weights depend on the whole picture, and a residual MLP
    stand between a patch and the joint space. Texts are padded to the full length without a mask,
    and the last position is the embedding: padding takes part, as it did in training.
    """

    def _set_layout(self, network: Any) -> None:
        self.dim = int(network.text_model.head.out_features)
        self.text_lengths = (self.context_length,)

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Stacked outputs of `preprocess` -> embeddings `[batch, dim]` and None."""
        pixels, *rest = images
        tensors = (pixels.to(self._dtype), *rest)
        inputs = dict(zip(self._processor.model_input_names, tensors, strict=True))
        if rest:
            # transformers drops a mask that hides nothing, and other kernels run: one more patch,
            # always hidden, keeps an embedding from depending on the shapes of its company.
            inputs["pixel_values"] = pad(inputs["pixel_values"], (0, 0, 0, 1))
            inputs["pixel_attention_mask"] = pad(inputs["pixel_attention_mask"], (0, 1))
        return self._network.get_image_features(**inputs).pooler_output, None

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """int64 `[batch, length]` -> embeddings `[batch, dim]`, tokens `[batch, length, dim]`."""
        outputs = self._network.get_text_features(input_ids=ids)
        return outputs.pooler_output, self._network.text_model.head(outputs.last_hidden_state)

    def _check_pixels(self, shape: tuple[int, ...], vision: Any) -> None:
        if len(shape) == 3:
            super()._check_pixels(shape, vision)
        elif shape[1] != 3 * vision.patch_size**2:
            raise BackboneUnavailable(
                f"preprocessor_config.json makes patches of {shape[1]} numbers where the model "
                f"takes {vision.patch_size} x {vision.patch_size} x 3"
            )


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _digest(config: Any) -> str:
    """Digest of a config without what says where it came from, at any depth."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(value[key]) for key in value if key not in ORIGIN}
        return value

    return hashlib.sha256(_line(kept(config)).encode()).hexdigest()[:16]
