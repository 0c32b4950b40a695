"""The operation that turns images into features."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.encoding import Encoding
from mmjudge.judges.backbones.features import WHOLE, Box, Features, split_features
from mmjudge.judges.backbones.tower import Framing
from mmjudge.judges.operation import Prepared


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessed:
    """What the tower takes of a picture, and what of the picture its patches cover."""

    tensors: tuple[Tensor, ...]
    box: Box


class ImageEncoding(Encoding):
    """Image -> `Features`, batched by pixels after preprocessing."""

    def key(self, image: EncodedImage | PixelImage) -> bytes:
        """The image's digest."""
        return image.digest

    def prepare(self, image: EncodedImage | PixelImage) -> Prepared[Preprocessed]:
        """Decode, turn upright and preprocess; raises `ItemError` as `open_image` does."""
        opened = open_image(image)
        tower, picture = self._tower, opened.picture
        box = WHOLE
        if tower.grid is not None and isinstance(tower, Framing):
            box = tower.box(picture.size)
        payload = Preprocessed(tower.preprocess(picture), box)
        return Prepared(payload, tower.image_cost, opened.notes)

    def forward(self, payloads: list[Preprocessed]) -> list[Features]:
        """Encode preprocessed images."""
        return self._in_passes(payloads, self._encode)

    @torch.inference_mode()
    def _encode(self, payloads: Sequence[Preprocessed]) -> list[Features]:
        stacks = zip(*(payload.tensors for payload in payloads), strict=True)
        batch = [torch.stack(tensors).to(self._tower.device) for tensors in stacks]
        embeddings, patches = self._tower.encode_images(*batch)
        kept = patches if self.keep_tokens else None
        count = 0 if kept is None else kept.shape[1]
        boxes = [payload.box for payload in payloads]
        return split_features(embeddings, kept, [count] * len(payloads), boxes)
