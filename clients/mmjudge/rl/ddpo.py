"""ddpo-pytorch's reward function, and an entry for flow_grpo's table of them.

Contract (kvablack/ddpo-pytorch 1958463, `scripts/train.py`): `fn(images, prompts, metadata) ->
(scores, info)`, where images are a float tensor `[n, 3, height, width]` in [0, 1], or a uint8 array
`[n, height, width, 3]`; `torch.as_tensor(scores)` becomes the rewards, `info` is not looked at.
Floats become pixels as `mmjudge.rl.images` says: rounded half to even, never truncated.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.rl.images import Layout
from mmjudge.rl.reward import Reward

Scores = tuple[NDArray[np.float32], dict[str, float]]


def reward_fn(reward: Reward) -> Callable[[Any, Sequence[str], Any], Scores]:
    """Return the function that ddpo-pytorch calls: scores float32 `[n]`, and what there is to log.

    It raises when a sample could not be judged. ValueError for a reward that masks instead.
    """
    reward.refuse_masking("ddpo-pytorch")

    def score(images: Any, prompts: Sequence[str], metadata: Any = None) -> Scores:
        batch = reward.score_images(images, prompts, layout=layout_of(images))
        return batch.values, dict(batch.metrics)

    return score


def layout_of(images: Any) -> Layout | None:
    """Return where this contract has the channels: first in tensors, last in numpy arrays."""
    if hasattr(images, "detach"):
        return "channels_first"
    return "channels_last" if isinstance(images, np.ndarray) else None
