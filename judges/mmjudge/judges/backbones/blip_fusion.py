"""The operation that reads a text while looking at an image."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.judges.backbones.blip_tower import BlipTower
from mmjudge.judges.backbones.cpu_workers import cpu_workers
from mmjudge.judges.backbones.features import Features, in_rows
from mmjudge.judges.backbones.text_encoding import Text, TextEncoding
from mmjudge.judges.operation import Prepared


@dataclass(frozen=True, slots=True, eq=False)
class ImageText:
    """An image by digest and features, with its states as tokens, and the text to read with it."""

    digest: bytes
    features: Features
    text: Text


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """An image's states `[n, width]`, a text's ids, and the length they are padded to."""

    states: Tensor
    ids: list[int]
    length: int


class Fusion:
    """`ImageText` -> outputs of the model's head, float32 `[outputs]`; batched by tokens.

    The image is not encoded here: its states come from the operation `images`, which computes them
    once however many texts they are read with.
    """

    def __init__(
        self, tower: BlipTower, texts: TextEncoding, *, name: str, fingerprint: str, fixed: bool
    ) -> None:
        """With the budget of `texts`; with `fixed`, every pass has its rows."""
        self._tower, self._texts = tower, texts
        self.name, self.fingerprint, self.budget = name, fingerprint, texts.budget
        self.device = str(tower.device)
        self._rows = self.budget.rows if fixed else None
        self._workers = cpu_workers() if fixed and tower.device.type == "cpu" else None

    def key(self, pair: ImageText) -> bytes:
        """SHA-256 of the image's digest and of the text with its rule for length."""
        return sha256(pair.digest + self._texts.key(pair.text)).digest()

    def prepare(self, pair: ImageText) -> Prepared[Reading]:
        """Tokenize; raises `ItemError` as `TextEncoding.prepare` does."""
        if pair.features.tokens is None:
            raise ValueError("features without the image's states: encode it with keep_tokens")
        ids = self._texts.prepare(pair.text)
        return Prepared(Reading(pair.features.tokens, ids.payload, ids.cost), ids.cost, ids.notes)

    def forward(self, payloads: list[Reading]) -> list[NDArray[np.float32]]:
        """Read prepared pairs, in groups of equal padded length."""
        groups: dict[int, list[int]] = defaultdict(list)
        for index, reading in enumerate(payloads):
            groups[reading.length].append(index)
        outputs: dict[int, NDArray[np.float32]] = {}
        for members in groups.values():
            group = [payloads[index] for index in members]
            found = in_rows(group, self._rows, self._read, self._workers)
            outputs.update(zip(members, found, strict=True))
        return [outputs[index] for index in range(len(payloads))]

    def size(self, output: NDArray[np.float32]) -> int:
        """Bytes of the outputs."""
        return output.nbytes

    @torch.inference_mode()
    def _read(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        shape = (len(readings), readings[0].length)
        ids, mask = torch.full(shape, self._tower.pad_id), torch.zeros(shape, dtype=torch.bool)
        for row, reading in enumerate(readings):
            ids[row, : len(reading.ids)] = torch.tensor(reading.ids)
            mask[row, : len(reading.ids)] = True
        device = self._tower.device
        states = torch.stack([reading.states for reading in readings]).to(device)
        fused = self._tower.fuse(states, ids.to(device), mask.to(device))
        return [row.copy() for row in self._tower.head(fused).cpu().numpy()]
