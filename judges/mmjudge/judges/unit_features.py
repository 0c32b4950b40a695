"""Features of a text's units, read in context or each by itself."""

import asyncio
from hashlib import sha256
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.judges.backbones.dual_encoder import DualEncoder
from mmjudge.judges.backbones.text_encoding import Text
from mmjudge.judges.backbones.unit_encoding import Passage, UnitEncoding, reads_tokens
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Computed

HAVE_TOKENS = (
    "photo-lite, CLIP and SigLIP of transformers, HPS, and open_clip's own text transformers"
)


class UnitFeatures(Protocol):
    """How units become features: `[units, dim]` float32, and a digest of what they were made of."""

    async def read(
        self, text: str, characters: NDArray[np.int64]
    ) -> Computed[tuple[Tensor, bytes]]:
        """Features of the units at `characters` `[n, 2]`; raises `ItemError` UNIT_TOO_LONG."""


class ContextUnits:
    """Units as the encoder sees them in their text: the mean of their tokens' features."""

    def __init__(self, encoder: DualEncoder, host: Host, model: str) -> None:
        """Raises ValueError for an encoder without features by token in the joint space."""
        if not reads_tokens(encoder.tower):
            raise ValueError(
                f"embed 'context': {model} has no features by token in the joint space; use embed "
                f"'alone', or a model that has them: {HAVE_TOKENS}"
            )
        self._operation = UnitEncoding(encoder, f"{model}/units")
        self._units = host.serve(self._operation)

    async def read(
        self, text: str, characters: NDArray[np.int64]
    ) -> Computed[tuple[Tensor, bytes]]:
        passage = Passage(text, tuple((start, end) for start, end in characters.tolist()))
        found = await self._units(passage)
        return Computed((found.value, self._operation.key(passage)), found.notes)


class AloneUnits:
    """Units each in a template, as the encoder sees a text: cached by unit, whatever the text."""

    def __init__(self, encoder: DualEncoder, host: Host, template: str) -> None:
        """`template` holds {unit} once; raises ValueError otherwise."""
        if template.count("{unit}") != 1:
            raise ValueError(f"template {template!r}: expected {{unit}} in it once")
        self._template, self._text = template, host.serve(encoder.texts)
        self._context = encoder.tower.context_length

    async def read(
        self, text: str, characters: NDArray[np.int64]
    ) -> Computed[tuple[Tensor, bytes]]:
        units = [text[start:end] for start, end in characters.tolist()]
        asked = dict.fromkeys(units)
        found = await asyncio.gather(*map(self._embed, asked))
        embeddings = dict(zip(asked, found, strict=True))
        features = torch.from_numpy(np.stack([embeddings[unit] for unit in units]))
        return Computed((features, sha256(f"{self._template} {units}".encode()).digest()))

    async def _embed(self, unit: str) -> NDArray[np.float32]:
        try:
            return (await self._text(Text(self._template.replace("{unit}", unit)))).value.embedding
        except ItemError as error:
            if error.error.reason != "TEXT_TOO_LONG":
                raise
            raise invalid(
                "UNIT_TOO_LONG",
                f"{unit[:40]!r} with the template has more tokens than the {self._context} that "
                "the model reads: cut it",
            ) from error
