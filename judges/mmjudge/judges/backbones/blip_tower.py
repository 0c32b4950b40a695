"""BLIP as a tower whose image states a text encoder can read: a dual encoder, and a fusion."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from PIL import Image as PIL
from torch import Tensor

from mmjudge.judges.backbones.blip_network import architecture_digest
from mmjudge.judges.backbones.blip_pictures import CroppedPictures, ProcessedPictures
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.transformers_text import PlainTokenizer, cut


class BlipTower:
    """A `Tower` for the contrastive embeddings (ITC), with `fuse` for what reads both sides.

    What `encode_images` gives beside the embeddings are not patches in the joint space but the
    image encoder's states, the class token's first: what `fuse` takes.
    """

    grid: tuple[int, int] | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    caution = ""

    def __init__(
        self,
        network: Any,
        pictures: CroppedPictures | ProcessedPictures,
        tokenizer: PlainTokenizer,
        text_lengths: Sequence[int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Take over a filled `BlipForImageTextRetrieval` in float32; its `itm_head` stays so.

        Raises `BackboneUnavailable` if the pictures are not what the model takes.
        """
        config = network.config
        self.device, self._dtype, self.pad_id = device, dtype, tokenizer.pad_id
        self._network = network.to(device, dtype)
        network.itm_head.float()
        self._pictures, self._tokenizer = pictures, tokenizer
        self.dim = int(config.image_text_hidden_size)
        self.text_lengths, self.context_length = text_lengths, text_lengths[-1]
        self._check_pictures(config)
        self.image_cost = config.vision_config.image_size**2
        self.preprocessing = (
            f"{pictures.description}; {tokenizer.description}, padded to {list(text_lengths)}; "
            f"architecture {architecture_digest(config)}"
        )
        self.libraries: Sequence[str] = (
            "torch",
            "numpy",
            "pillow",
            "transformers",
            *tokenizer.libraries,
        )

    def preprocess(self, picture: PIL.Image) -> tuple[Tensor, ...]:
        """Picture of any mode -> float32 `[3, side, side]` on the CPU."""
        return (self._pictures(picture),)

    def tokenize(self, text: str) -> list[int]:
        """Token ids with special tokens, never cut; control tokens in the text are plain text."""
        return self._tokenizer.ids(text)

    def truncate(self, ids: list[int]) -> list[int]:
        """Cut to `context_length`, the end token kept."""
        return cut(ids, self.context_length, self._tokenizer.endings)

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pixels `[batch, 3, h, w]` -> embeddings `[batch, dim]`, states `[batch, n, width]`."""
        (pixels,) = images
        states = self._network.vision_model(pixel_values=pixels.to(self._dtype)).last_hidden_state
        return self._network.vision_proj(states[:, 0]), states

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """int64 ids, bool mask `[batch, length]` -> embeddings `[batch, dim]` and None."""
        return self._network.text_proj(self._read(ids, mask, None)), None

    def fuse(self, states: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Images' states `[batch, n, width]` and texts `[batch, length]` -> class states.

        `[batch, hidden]` in the tower's dtype: what the text encoder makes of the first token while
        it looks at the image.
        """
        return self._read(ids, mask, states)

    def head(self, fused: Tensor) -> Tensor:
        """What the model reads off class states `[batch, hidden]`: float32 `[batch, outputs]`."""
        outputs: Tensor = self._network.itm_head(fused.float())
        return outputs

    def weights(self) -> Mapping[str, torch.nn.Module | Tensor]:
        """The whole model, head included."""
        return {"blip": self._network}

    def _read(self, ids: Tensor, mask: Tensor, states: Tensor | None) -> Tensor:
        # No mask over the image: all of its states are seen.
        read: Callable[..., Any] = self._network.text_encoder
        outputs = read(input_ids=ids, attention_mask=mask.long(), encoder_hidden_states=states)
        first: Tensor = outputs.last_hidden_state[:, 0]
        return first

    def _check_pictures(self, config: Any) -> None:
        side = config.vision_config.image_size
        shape = tuple(self._pictures(PIL.new("RGB", (40, 60))).shape)
        if shape != (3, side, side):
            raise BackboneUnavailable(
                f"preprocessor_config.json makes pictures of {list(shape)} where the model takes "
                f"{[3, side, side]}"
            )
