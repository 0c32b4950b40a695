"""The weights of a dual encoder with the preprocessing they were trained on."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from PIL import Image as PIL
from torch import Tensor

from mmjudge.judges.backbones.features import Box


class Tower(Protocol):
    """A dual encoder as its loader made it: synchronous, on one device, in evaluation mode.

    Embeddings and token features share one joint space of `dim` numbers, and are not normalised.
    """

    dim: int
    device: torch.device
    context_length: int
    """Most tokens of a text that are read, special tokens included."""
    text_lengths: Sequence[int]
    """Lengths a batch of texts may be padded to, ascending; the last is `context_length`."""
    grid: tuple[int, int] | None
    """Rows and columns of the image's patches; None when it has no features by patch."""
    image_cost: int
    """Pixels of a preprocessed image."""
    logit_scale: float | None
    """Factor on the cosine (already exponentiated), where the model has one."""
    logit_bias: float | None
    """Bias of the sigmoid, where the model was trained with one (SigLIP)."""
    pad_id: int
    preprocessing: str
    """One line that changes whenever the preprocessing of images or texts does."""
    libraries: Sequence[str]
    """Packages whose arithmetic is part of a score, e.g. ("torch", "open_clip_torch")."""
    caution: str
    """What the weights must not be used for; empty when there is nothing to warn of."""

    def preprocess(self, picture: PIL.Image) -> tuple[Tensor, ...]:
        """Turn a picture of any mode into CPU tensors of fixed shapes, exact as with PIL."""

    def tokenize(self, text: str) -> list[int]:
        """Token ids with special tokens, never cut; control tokens in the text are plain text."""

    def truncate(self, ids: list[int]) -> list[int]:
        """Cut to `context_length`, keeping what ends a text."""

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Stacked outputs of `preprocess` -> embeddings `[batch, dim]`, patches `[batch, n, dim]`.

        Patches are row-major on `grid`, None where the architecture has none in the joint space.
        """

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """int64 ids, bool mask `[batch, length]` -> `[batch, dim]`, `[batch, length, dim]`.

        The second, features by token, is None where there are none in the joint space.
        """

    def weights(self) -> Mapping[str, torch.nn.Module | Tensor]:
        """Everything learnt, by name, for the fingerprint."""


@runtime_checkable
class Framing(Protocol):
    """What a tower with features by patch may say beside: where in the picture they lie."""

    def box(self, size: tuple[int, int]) -> Box:
        """The rectangle that `grid` covers of a picture of `size`, width and height in pixels.

        In fractions of the picture's sides, to half a pixel of what the tower sees; below 0 or
        above 1 where the tower sees a border around the picture.
        """


@runtime_checkable
class Locating(Protocol):
    """What a tower may say beside: which characters each token was made of."""

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        """Start and end of each token of `tokenize(text)`, in characters; equal if special.

        None where its tokenizer cannot tell.
        """
