"""flow_grpo's reward function: several scores by name, and "avg", which it trains on.

Contract (yifan123/flow_grpo ac4c86e, `flow_grpo/rewards.py: multi_score`, called by its training
scripts from a thread pool): `fn(images, prompts, metadata, ref_images=None, only_strict=True) ->
(scores by name, info)`. Images are a float tensor `[n, 3, height, width]` in [0, 1], or a uint8
array `[n, height, width, 3]`; `torch.as_tensor` is made of each list of scores. Floats become
pixels as `mmjudge.rl.images` says: rounded half to even, never truncated.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.rl.ddpo import layout_of
from mmjudge.rl.reward import Reward

TRAINED_ON = "avg"
Scores = tuple[dict[str, NDArray[np.float32]], dict[str, float]]


def multi_score(reward: Reward) -> Callable[..., Scores]:
    """Return the function that flow_grpo calls.

    Its scores are each judge's by name, float32 `[n]` as the judge gave them, and "avg": the reward
    as `RewardMix` weighs and normalises it. flow_grpo logs them all and trains on "avg". Pictures
    to edit, `ref_images`, go into the prompt. It raises when a sample could not be judged.
    ValueError for a reward that masks instead.
    """
    reward.refuse_masking("flow_grpo")

    def score(
        images: Any,
        prompts: Sequence[str],
        metadata: Any = None,
        ref_images: Sequence[Any] | None = None,
        only_strict: bool = True,
    ) -> Scores:
        batch = reward.score_images(images, prompts, ref_images, layout=layout_of(images))
        if TRAINED_ON in batch.parts:
            raise ValueError("a judge is named 'avg', which flow_grpo trains on: rename it")
        return {**batch.parts, TRAINED_ON: batch.values}, dict(batch.metrics)

    return score
