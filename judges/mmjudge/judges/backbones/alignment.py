"""The operation that compares units of texts with images: token-level similarity."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.judges.backbones.dual_encoder import DualEncoder
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.operation import Budget, Prepared
from mmjudge.kernels import token_image_reward

Source = Literal["global", "max", "mean", "softmax"]

# Pairs, and units after padding, that one launch compares; none of their products is kept.
BUDGET = Budget(items=256, cost=1 << 15)


@dataclass(frozen=True, slots=True, eq=False)
class UnitsImage:
    """Features of units, float32 `[units, dim]`, and the image to compare them with.

    units_digest, image_digest: what the features were made from; equal ones mean equal features.
    """

    units: Tensor
    units_digest: bytes
    image: Features
    image_digest: bytes


class Similarities(NamedTuple):
    """Cosines float32 `[units]`, and int32 `[units]` the most similar patch, -1 for none.

    `patches` is None where units were compared with the whole image's embedding. `known`, bool
    `[units]`, is False for units without features (all 0), whose cosine of 0 says nothing.
    """

    values: NDArray[np.float32]
    patches: NDArray[np.int32] | None
    known: NDArray[np.bool_]


class Alignment:
    """`UnitsImage` -> `Similarities`, of all callers' pairs in one launch.

    source: the cosine with the image's embedding (`global`), or with its patches: the largest, the
    mean, or the mean weighted by softmax(cosine / tau). The patch is the most similar one in any
    case. A pair's bits do not depend on what else is in the batch.
    """

    def __init__(self, encoder: DualEncoder, source: Source, tau: float, name: str) -> None:
        """`tau` counts with `softmax` alone. Patches need `encoder.images.keep_tokens`."""
        self._source, self._tau = source, tau if source == "softmax" else None
        self._device = encoder.tower.device
        self.name, self.device, self.budget = name, str(self._device), BUDGET
        self.fingerprint = f"{encoder.images.fingerprint}/alignment {source} {self._tau}"

    def key(self, pair: UnitsImage) -> bytes:
        """SHA-256 of both digests."""
        return sha256(pair.units_digest + pair.image_digest).digest()

    def prepare(self, pair: UnitsImage) -> Prepared[UnitsImage]:
        """Nothing to be done; costs one a unit."""
        if self._source != "global" and pair.image.tokens is None:
            raise ValueError("features without patches: encode the image with keep_tokens")
        return Prepared(pair, max(1, len(pair.units)))

    @torch.inference_mode()
    def forward(self, payloads: list[UnitsImage]) -> list[Similarities]:
        """Compare; the units of one image, whoever asks, are one text to the kernel."""
        groups: dict[bytes, list[int]] = defaultdict(list)
        for index, pair in enumerate(payloads):
            groups[pair.image_digest].append(index)
        order = [index for members in groups.values() for index in members]
        counts = [len(payloads[index].units) for index in order]
        texts = [sum(len(payloads[i].units) for i in members) for members in groups.values()]
        units = torch.cat([payloads[index].units.to(self._device) for index in order])
        images = [payloads[members[0]].image for members in groups.values()]
        values, patches = self._compare(units, _offsets(texts), images)
        values = np.clip(values, -1.0, 1.0)  # a cosine, whatever the rounding; NaN stays NaN
        known = units.any(dim=1).cpu().numpy()
        outputs: dict[int, Similarities] = {}
        ends = _offsets(counts).tolist()
        for index, start, end in zip(order, ends, ends[1:], strict=False):
            chosen = None if patches is None else patches[start:end].copy()
            outputs[index] = Similarities(values[start:end].copy(), chosen, known[start:end].copy())
        return [outputs[index] for index in range(len(payloads))]

    def size(self, output: Similarities) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in output if array is not None)

    def _compare(
        self, units: Tensor, offsets: Tensor, images: Sequence[Features]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
        if self._source == "global":
            embeddings = torch.from_numpy(np.stack([image.embedding for image in images]))
            found = token_image_reward(
                units, embeddings.to(self._device), cu_tokens=offsets, source="global"
            )
            return found.values.cpu().numpy(), None
        tokens = [image.tokens for image in images if image.tokens is not None]
        patches = torch.cat(tokens).to(self._device)
        found = token_image_reward(
            units.to(patches.dtype),  # the kernel multiplies features of one dtype, as they are
            patches,
            cu_tokens=offsets,
            cu_patches=_offsets([len(one) for one in tokens]),
            pool=self._source,
            tau=self._tau,
            return_argmax=True,
        )
        assert found.argmax is not None  # it was asked for
        return found.values.cpu().numpy(), found.argmax.cpu().numpy()


def _offsets(counts: Sequence[int]) -> Tensor:
    """`[0, a, a + b, ...]` int64 on the CPU, where kernels check them without waiting."""
    return torch.tensor([0, *counts]).cumsum(0)
