"""What is judged: a prompt, the candidates that answer it, and references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.images import Image

Part = str | Image
"""A piece of a multimodal message: text or an image."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One response to a prompt.

    spans: the caller's tokens or steps, int32 `[n, 2]`, start and end in UTF-8 bytes of `text`.
    log_probs: the policy's log-probability of each span, float32 `[n]`, each <= 0.
    """

    parts: Sequence[Part]
    spans: NDArray[np.int32] | None = None
    log_probs: NDArray[np.float32] | None = None

    @property
    def text(self) -> str:
        """The text parts, concatenated: what `spans` point into."""
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A prompt and the candidates that answer it."""

    prompt: Sequence[Part] = ()
    candidates: Sequence[Candidate] = ()
    references: Sequence[Sequence[Part]] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


class Want(IntEnum):
    """A kind of answer; values of `mmjudge.v1.Want`."""

    SCORE = 1
    PREFERENCE = 2
    STEP_REWARDS = 3
    TOKEN_REWARDS = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted of every item, beside the items: `mmjudge.v1.JudgeRequest` less its data."""

    want: Want = Want.SCORE
    criteria: Sequence[str] = ()
    regions: bool = False
    rationale: bool = False
    raw_text: bool = False
