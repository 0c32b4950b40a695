"""Rewards of steps from cosines and log-probabilities (CSR, Zhou et al. 2024)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mmjudge.contract.verdicts import rank
from mmjudge.judges.response_steps import Response

Combine = Literal["sum", "mean"]


@dataclass(frozen=True, slots=True)
class StepRewards:
    """What the image says for each step of a response, and what the policy does, if asked."""

    image: list[float]
    text: list[float] | None

    def mixed(self, image_weight: float) -> list[float]:
        """`image_weight` of the one and the rest of the other, for each step."""
        if self.text is None:
            return self.image
        return [
            image_weight * image + (1.0 - image_weight) * text
            for image, text in zip(self.image, self.text, strict=True)
        ]


def raw_rewards(response: Response, cosines: Sequence[float], *, text: bool) -> StepRewards:
    """R_I = max(100 * cosine, 0) and R_T = exp(sum of log-probabilities) of each step (the paper).

    R_I is in 0..100 and R_T in 0..1; NaN stays NaN.
    """
    image = [max(100.0 * cosine, 0.0) for cosine in cosines]
    if not text:
        return StepRewards(image, None)
    return StepRewards(image, [math.exp(math.fsum(step.log_probs)) for step in response.steps])


def rank_rewards(
    responses: Sequence[Response], cosines: Sequence[Sequence[float]], *, text: bool
) -> list[StepRewards]:
    """Minus the rank of each step among the steps at its place in all responses (the code).

    Ranks are places divided by how many there are, so 1 / n is best and 1 is last; equal steps
    share the better place. The policy's are by mean log-probability. All in -1..0, higher is
    better, and NaN for all that one NaN is compared with.
    """
    seen = _minus_ranks(cosines)
    if not text:
        return [StepRewards(image, None) for image in seen]
    means = [
        [math.fsum(step.log_probs) / len(step.log_probs) for step in response.steps]
        for response in responses
    ]
    return [
        StepRewards(image, policy) for image, policy in zip(seen, _minus_ranks(means), strict=True)
    ]


def combined(values: Sequence[float], how: Combine) -> float:
    """Sum or mean over the steps of a response."""
    total = math.fsum(values)
    return total if how == "sum" else total / len(values)


def _minus_ranks(values: Sequence[Sequence[float]]) -> list[list[float]]:
    ranked: list[list[float]] = [[] for _ in values]
    for depth in range(max(map(len, values))):
        having = [index for index, steps in enumerate(values) if len(steps) > depth]
        siblings = [values[index][depth] for index in having]
        known = not any(map(math.isnan, siblings))  # which would compare as best and as worst
        for index, place in zip(having, rank(siblings), strict=True):
            ranked[index].append(-place / len(siblings) if known else math.nan)
    return ranked
