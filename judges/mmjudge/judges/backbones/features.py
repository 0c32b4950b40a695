"""What an encoder makes of one input, and how a batch of it is computed."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

P = TypeVar("P")
R = TypeVar("R")

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a rectangle, as fractions of a picture's sides."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Features:
    """What an encoder makes of one input.

    embedding: float32 `[dim]` on the CPU, L2-normalised.
    tokens: `[n, dim]` in the tower's dtype on its device, not normalised: an image's patches,
    row-major, or a text's tokens with the special ones. None unless the encoder keeps them.
    box: what of the picture an image's patches cover; beyond 0..1 where it was padded.
    """

    embedding: NDArray[np.float32]
    tokens: Tensor | None = None
    box: Box = WHOLE

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.embedding.nbytes + (0 if self.tokens is None else self.tokens.nbytes)


def split_features(
    embeddings: Tensor,
    tokens: Tensor | None,
    lengths: Sequence[int],
    boxes: Sequence[Box] | None = None,
) -> list[Features]:
    """Split `[batch, dim]` and `[batch, n, dim]` into features that own their memory.

    `lengths` are how many tokens of each row are its own; the rest is padding.
    """
    # Norms are taken in float32 whatever the tower's dtype; a view would keep the batch alive.
    unit = torch.nn.functional.normalize(embeddings.float(), dim=-1).cpu().numpy()
    return [
        Features(
            unit[row].copy(),
            None if tokens is None else tokens[row, :length].clone(),
            boxes[row] if boxes else WHOLE,
        )
        for row, length in enumerate(lengths)
    ]


def in_rows(
    payloads: Sequence[P],
    rows: int | None,
    encode: Callable[[Sequence[P]], list[R]],
    workers: Executor | None,
) -> list[R]:
    """Run `encode` over exactly `rows` payloads at a time, or over all at once for None.

    The last pass is filled up with copies of its last payload: a fixed shape runs fixed kernels, so
    that what comes out for one payload does not depend on how many others there are. Passes run
    side by side on `workers`, if there are any.
    """
    if rows is None:
        return encode(payloads)
    parts = [payloads[start : start + rows] for start in range(0, len(payloads), rows)]
    filled = [[*part, *[part[-1]] * (rows - len(part))] for part in parts]
    passes = workers.map(encode, filled) if workers else map(encode, filled)
    return [
        output
        for part, outputs in zip(parts, passes, strict=True)
        for output in outputs[: len(part)]
    ]
