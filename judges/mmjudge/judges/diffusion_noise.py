"""Noise of a forward diffusion on pictures, the same for the same picture on every machine."""

import math
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.images import PixelImage

# Values noised at a time: bounds the memory beside the picture's own.
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Schedule:
    """A diffusion's variances: a sigmoid from `beta_first` to `beta_last` over `steps`.

    betas = sigmoid(linspace(-6, 6, steps)) * (beta_last - beta_first) + beta_first, as POVID has it
    (Zhou et al. 2024, released code).
    """

    steps: int = 1000
    beta_first: float = 1e-5
    beta_last: float = 5e-3

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"schedule of {self.steps} steps, expected at least 1")
        for name in ("beta_first", "beta_last"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name}: {getattr(self, name)}, expected above 0 and below 1")

    def at(self, step: int) -> tuple[float, float]:
        """sqrt(alpha-bar) and sigma, what is left of the picture and how much noise is added.

        `step` counts from 0; raises ValueError for one that the schedule does not have.
        """
        if not 0 <= step < self.steps:
            raise ValueError(f"step: {step}, expected 0 to {self.steps - 1}")
        slope = 1.0 / (1.0 + np.exp(-np.linspace(-6.0, 6.0, self.steps)))
        betas = slope * (self.beta_last - self.beta_first) + self.beta_first
        kept = math.exp(math.fsum(np.log1p(-betas[: step + 1])))
        return math.sqrt(kept), math.sqrt(1.0 - kept)


def noisy_copy(image: PixelImage, kept: float, sigma: float, seed: str) -> PixelImage:
    """`kept` * picture + `sigma` * standard normal noise, on pixels in [0, 1], clamped, rounded.

    The noise depends on `seed` and on the picture's pixels alone. POVID does not clamp: values
    beyond the range wrap around there, which turns the brightest dark.
    """
    key = sha256(f"mmjudge noise {seed}\n".encode() + image.digest).digest()[:16]
    noise = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    clean = image.pixels.reshape(-1)
    noisy = np.empty_like(clean)
    for start in range(0, clean.size, _BLOCK):
        part: NDArray[np.float32] = clean[start : start + _BLOCK].astype(np.float32)
        part *= np.float32(kept / 255.0)
        part += np.float32(sigma) * noise.standard_normal(part.size, np.float32)
        noisy[start : start + _BLOCK] = np.rint(np.clip(part, 0.0, 1.0) * np.float32(255.0))
    return PixelImage(noisy.reshape(image.pixels.shape))
