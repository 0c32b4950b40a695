"""The operation that turns images into features."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.cpu_workers import cpu_workers
from mmjudge.judges.backbones.features import Features, in_rows, split_features
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.operation import Budget, Prepared


class ImageEncoding:
    """Image -> `Features`, batched by pixels after preprocessing."""

    def __init__(
        self, tower: Tower, *, name: str, fingerprint: str, budget: Budget, fixed: bool
    ) -> None:
        """With `fixed`, every forward pass has `budget.rows` rows; else as many as there are."""
        self._tower, self._rows = tower, budget.rows if fixed else None
        self._workers = cpu_workers() if fixed and tower.device.type == "cpu" else None
        self.name, self.fingerprint, self.budget = name, fingerprint, budget
        self.device = str(tower.device)
        self.keep_tokens = False

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
        return in_rows(payloads, self._rows, self._encode, self._workers)

    def size(self, output: Features) -> int:
        """Bytes of the features."""
        return output.nbytes

    @torch.inference_mode()
    def _encode(self, payloads: Sequence[tuple[Tensor, ...]]) -> list[Features]:
        batch = [torch.stack(parts).to(self._tower.device) for parts in zip(*payloads, strict=True)]
        embeddings, patches = self._tower.encode_images(*batch)
        kept = patches if self.keep_tokens else None
        count = 0 if kept is None else kept.shape[1]
        return split_features(embeddings, kept, [count] * len(payloads))
