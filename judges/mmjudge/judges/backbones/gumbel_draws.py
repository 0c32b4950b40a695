"""Draws from a distribution that do not depend on what else is drawn: the Gumbel-max trick."""

from collections.abc import Sequence
from hashlib import sha256

import torch
from torch import Tensor


class GumbelDraws:
    """A processor of logits after which the likeliest token is a draw from each row.

    The argmax of `logits + temperature * Gumbel noise` is distributed as softmax(logits /
    temperature) (Maddison et al. 2014). Each row has noise of its own generator, on the CPU, so
    that neither its company nor the device matters. Rows of temperature 0 stay as they are.
    """

    def __init__(self, temperatures: Sequence[float], seeds: Sequence[int]) -> None:
        """One temperature, at least 0, and one seed a row."""
        self._temperatures = temperatures
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Logits float32 `[batch, vocabulary]` of the next tokens -> the same with noise."""
        noisy = scores.float().clone()
        rows = zip(self._temperatures, self._generators, strict=True)
        for row, (temperature, generator) in enumerate(rows):
            if temperature > 0:
                waits = torch.empty(scores.shape[1]).exponential_(generator=generator)
                noisy[row] -= temperature * waits.log().to(scores.device)
        return noisy


def seed_of(key: bytes, seed: int, sample: int) -> int:
    """Seed of a draw, from what it may depend on: the question's key, a seed, a sample's number."""
    digest = sha256(key + f" {seed} {sample}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1
