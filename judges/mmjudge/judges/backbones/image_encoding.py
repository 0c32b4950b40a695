"""The operation that turns images into features."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.encoding import Encoding
from mmjudge.judges.backbones.features import Features, split_features
from mmjudge.judges.operation import Prepared


class ImageEncoding(Encoding):
    """Image -> `Features`, batched by pixels after preprocessing."""

    def key(self, image: EncodedImage | PixelImage) -> bytes:
        """The image's digest."""
        return image.digest

    def prepare(self, image: EncodedImage | PixelImage) -> Prepared[tuple[Tensor, ...]]:
        """Decode, turn upright and preprocess; raises `ItemError` as `open_image` does."""
        opened = open_image(image)
        payload = self._tower.preprocess(opened.picture)
        return Prepared(payload, self._tower.image_cost, opened.notes)

    def forward(self, payloads: list[tuple[Tensor, ...]]) -> list[Features]:
        """Encode preprocessed images."""
        return self._in_passes(payloads, self._encode)

    @torch.inference_mode()
    def _encode(self, payloads: Sequence[tuple[Tensor, ...]]) -> list[Features]:
        batch = [torch.stack(parts).to(self._tower.device) for parts in zip(*payloads, strict=True)]
        embeddings, patches = self._tower.encode_images(*batch)
        kept = patches if self.keep_tokens else None
        count = 0 if kept is None else kept.shape[1]
        return split_features(embeddings, kept, [count] * len(payloads))
